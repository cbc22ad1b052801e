"""Rows of a split: what they can be, and how they are read, images and texts too."""
