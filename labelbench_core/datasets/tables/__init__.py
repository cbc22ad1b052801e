"""Data sets whose rows, labels and splits are listed in tables."""
