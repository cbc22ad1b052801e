"""Sources of data sets and weights: whether they have changed, and how many rows they hold."""
