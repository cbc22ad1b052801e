"""Variants of a data set: merged classes, a long tail, near-copies, a part of the pool."""
