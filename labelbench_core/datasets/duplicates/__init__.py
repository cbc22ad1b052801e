"""The same image twice, or nearly the same."""
