"""Distances between directions, computed by differences."""

import numpy as np


def squared_distances(embeddings):
    """(N, N) float64, between rows of unit length."""
    points = embeddings.astype(np.float64)
    norms = np.linalg.norm(points, axis=1, keepdims=True)
    points = points / np.where(norms > 0, norms, 1)
    return np.stack([np.square(points - point).sum(axis=1) for point in points])
