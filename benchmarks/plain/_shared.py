"""What several plain forms need."""

import numpy as np


def wide(array: np.ndarray) -> np.ndarray:
    """The array in float64."""
    return np.asarray(array, np.float64)


def unit(embeddings: np.ndarray) -> np.ndarray:
    """(N, D) float64 rows of length 1; zero rows stay zero."""
    points = wide(embeddings)
    norms = np.linalg.norm(points, axis=1, keepdims=True)
    return points / np.where(norms > 0, norms, 1)


def lowest(scores: np.ndarray, unlabeled: np.ndarray, budget: int) -> np.ndarray:
    """(budget,) the unlabelled rows of lowest score, by a full sort; equal ones by index."""
    return unlabeled[np.argsort(scores[unlabeled], kind="stable")[:budget]]


def first_largest(gains: np.ndarray) -> int:
    """The lowest index of those whose gains are largest but for rounding."""
    best = gains.max()
    return int(np.argmax(gains >= best - 1e-9 * abs(best)))


def squared_distances(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(n, m) squared Euclidean distances, by a matrix product."""
    norms, other_norms = np.square(points).sum(axis=1), np.square(others).sum(axis=1)
    return np.maximum(norms[:, None] + other_norms - 2 * points @ others.T, 0)


def highest_at_random(scores: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """(count,) indices of the highest scores, by a full sort; equal ones in random order."""
    order = rng.permutation(len(scores))
    return order[np.argsort(-scores[order], kind="stable")[:count]]
