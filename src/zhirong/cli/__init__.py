"""Outer shell: the `zhirong` command. Thin: each command parses, calls one library function, and prints."""
