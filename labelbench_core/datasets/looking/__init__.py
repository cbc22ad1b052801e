"""A look at a data set before anything runs, and what a source without an entry could be."""
