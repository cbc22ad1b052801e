"""The page that an experiment ends in."""
