"""Every path on a GPU that the paper needs, tried and timed; `make check-gpu`."""
