"""Distances between label vectors: how unlike those of the labelled rows a row's labels are."""

import numpy as np

from labelbench_core.strategies.arrays import chunk_rows


def inconsistencies(predicted: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(n,) mean distance of a row's vector to those of the labelled rows; see `cvirs`.

    Distinct vectors are compared once each, in blocks that stay in the caches.

    Parameters
    ----------
    predicted, known
        (n, C) and (L, C) booleans.
    """
    here, places, _ = _different(predicted)
    there, _, counts = _different(known)
    means = np.empty(len(here))
    step = chunk_rows(len(there))
    for first in range(0, len(here), step):
        apart = distances(here[first : first + step], there)
        apart *= counts
        means[first : first + step] = apart.sum(axis=1)
    return means[places] / max(1, len(known))


def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(n, m) float64 distances between two sets of label vectors.

    Parameters
    ----------
    a, b
        (n, C) and (m, C) booleans.
    """
    classes = a.shape[1]
    share = np.arange(classes + 1) / classes
    part = -share * np.log2(np.where(share > 0, share, 1))  # −x log x, of k labels of C
    sizes_a, sizes_b = a.sum(axis=1), b.sum(axis=1)
    # Whole numbers below 2^24: exact in float32.
    both = (a.astype(np.float32) @ b.T.astype(np.float32)).astype(np.int64)
    only_a, only_b = sizes_a[:, None] - both, sizes_b - both
    joint = part[both]
    joint += part[only_a]
    joint += part[only_b]
    joint += part[classes - both - only_a - only_b]
    alone = (part[sizes_a] + part[classes - sizes_a])[:, None] + (
        part[sizes_b] + part[classes - sizes_b]
    )
    found = np.where(joint > 0, 2 - alone / np.where(joint > 0, joint, 1), 0.0)
    # Rounding may leave equal vectors a little apart.
    differing = only_a + only_b
    return np.where(differing == classes, 1.0, np.where(differing == 0, 0.0, found))


def _different(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct rows (d, C), the place of each row among them, and how often each occurs."""
    packed = np.ascontiguousarray(np.packbits(vectors, axis=1))
    keys = packed.view(np.dtype((np.void, packed.shape[1]))).ravel()
    _, firsts, places, counts = np.unique(
        keys, return_index=True, return_inverse=True, return_counts=True
    )
    return vectors[firsts], places.ravel(), counts
