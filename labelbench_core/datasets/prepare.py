"""Prepare a data set: the name by which scripts outside of the project import the function.

The function itself is in `preparing.prepare`.
"""

from labelbench_core.datasets.preparing.prepare import prepare_dataset

__all__ = ["prepare_dataset"]
