"""Prepare a data set: the name that scripts outside of the project know.

Here, what it stands for is imported from where it is.
"""

from labelbench_core.datasets.preparing.prepare import prepare_dataset

__all__ = ["prepare_dataset"]
