"""The configuration: an experiment, the catalogue, whether they fit, and their sources."""
