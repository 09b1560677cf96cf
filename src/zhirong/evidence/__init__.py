"""From files that offices and vendors export to canonical tables: readers, findings, linkage of names and families."""
