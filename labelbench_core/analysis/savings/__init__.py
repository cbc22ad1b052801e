"""How many labels strategies save over the baseline."""
