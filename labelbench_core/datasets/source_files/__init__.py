"""The files of a source read and checked, and what this machine remembers of that."""
