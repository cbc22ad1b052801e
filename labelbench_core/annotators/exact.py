"""The data set's own labels."""

import numpy as np

from labelbench_core.annotators import Truth

INFO = {"summary": "the data set's own labels"}


def annotate(truth: Truth) -> np.ndarray:
    """(N,) int64 labels, as the data set has them."""
    return truth.labels.copy()
