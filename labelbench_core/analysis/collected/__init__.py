"""What was measured: from the files of an experiment to data frames and mean curves."""
