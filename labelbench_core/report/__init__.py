"""The report page of an experiment."""
