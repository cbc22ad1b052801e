"""Sheets that show some rows of each class, images and texts."""
