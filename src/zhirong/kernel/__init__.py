"""Money, dates, identifiers, errors, findings and provenance: standard library only."""
