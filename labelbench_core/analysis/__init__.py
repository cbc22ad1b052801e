"""From the files of an experiment's rounds to its tables, its summary and its report."""
