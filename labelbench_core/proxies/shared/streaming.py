"""Probabilities of rows in memory or of streamed rows."""

from collections.abc import Callable
from typing import Any

import numpy as np

from labelbench_core.compute.threads import ordered_map


def predict(
    compute: Callable[[np.ndarray], np.ndarray], features: Any, num_classes: int, threads: int
) -> np.ndarray:
    """(N, C) float32 by `compute`, for an (N, D) array or for a `RowSource`, block by block."""
    if isinstance(features, np.ndarray):
        return compute(features)
    result = np.empty((len(features), num_classes), np.float32)

    def fill(block: tuple[int, np.ndarray]) -> None:
        first, rows = block
        result[first : first + len(rows)] = compute(rows)

    for _ in ordered_map(fill, features.blocks(), threads):
        pass
    return result
