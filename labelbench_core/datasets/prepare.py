"""Prepare a data set: the name by which scripts import it."""

from labelbench_core.datasets.preparing.prepare import prepare_dataset

__all__ = ["prepare_dataset"]
