"""Image files: which ones, what they say, and how they become squares of 8-bit RGB."""
