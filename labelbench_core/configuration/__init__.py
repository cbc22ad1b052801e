"""What is asked for: an experiment, the catalogue, whether they fit, and their sources."""
