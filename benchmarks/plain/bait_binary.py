"""Binary BAIT at its plainest: the traces with all rows anew for every pick, and every return."""

import numpy as np

from benchmarks.plain._shared import first_largest, wide
from labelbench_core.strategies import Pool


def select(
    pool: Pool,
    budget: int,
    rng: np.random.Generator,
    *,
    ridge: float = 1.0,
    steps: str = "forward_backward",
    oversample: float = 2.0,
) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, in the order taken."""
    top = wide(pool.probabilities).max(axis=1)
    points = np.sqrt(top * (1 - top))[:, None] * wide(pool.embeddings)
    target = points.T @ points / len(points)
    known = points[pool.labeled]
    inverse = np.linalg.inv(ridge * np.eye(points.shape[1]) + known.T @ known)
    start, free = inverse, pool.unlabeled()
    points = points[free]
    chosen: list[int] = []
    count = budget if steps == "forward" else int(min(oversample * budget, len(free)))
    for _ in range(count):
        traces, quadratic = changes(points, inverse, target)
        gains = traces / (1 + quadratic)
        gains[chosen] = -np.inf
        chosen.append(first_largest(gains))
        x = points[chosen[-1]]
        u = inverse @ x
        inverse = inverse - np.outer(u, u) / (1 + x @ u)
    first = chosen[:budget]
    while len(chosen) > budget:
        traces, quadratic = changes(points[chosen], inverse, target)
        rises = traces / (1 - quadratic)
        x = points[chosen.pop(len(chosen) - 1 - first_largest(-rises[::-1]))]
        u = inverse @ x
        inverse = inverse + np.outer(u, u) / (1 - x @ u)

    def trace(rows: list[int]) -> float:
        matrix = np.linalg.inv(start) + points[rows].T @ points[rows]
        return float(np.trace(np.linalg.solve(matrix, target)))

    return free[first if trace(first) < (1 - 1e-9) * trace(chosen) else chosen]


def changes(
    points: np.ndarray, inverse: np.ndarray, target: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The values x A F A x and x A x for all rows x."""
    reached = points @ inverse
    return ((reached @ target) * reached).sum(axis=1), (reached * points).sum(axis=1)
