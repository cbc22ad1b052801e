"""Mean and standard deviation of each feature, streamed."""

import numpy as np

from labelbench_core.storage.rows import RowSource


def column_statistics(rows: RowSource) -> tuple[list[float], list[float]]:
    """Mean and (population) standard deviation of each column of (N, D) rows.

    Summed in float64, chunk by chunk and in order, about the mean of the first chunk, so that no
    digits cancel; given as the shortest decimals that read back as the same float32.
    """
    total = squares = shift = np.zeros(0)
    for first, chunk in rows.blocks():
        values = chunk.astype(np.float64)
        if first == 0:
            shift = values.mean(axis=0)
            total, squares = np.zeros_like(shift), np.zeros_like(shift)
        values -= shift
        total += values.sum(axis=0)
        squares += np.einsum("nd,nd->d", values, values)
    offset = total / len(rows)
    variance = np.maximum(squares / len(rows) - offset**2, 0.0)
    return _shortest(shift + offset), _shortest(np.sqrt(variance))


def _shortest(values: np.ndarray) -> list[float]:
    return [float(str(value)) for value in values.astype(np.float32)]
