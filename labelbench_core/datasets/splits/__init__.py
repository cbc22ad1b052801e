"""Splits that a source does not have itself: drawn, remembered, and compared."""
