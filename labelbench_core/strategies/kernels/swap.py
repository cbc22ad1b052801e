"""The batch of LabelBench's BAIT: drawn at random, then improved by one pass of swaps.

From the oldest row of the batch to the newest, each is dropped and `proposals` rows outside the
batch are drawn; of these and the dropped one, the row that makes trace(M⁻¹ F) smallest joins the
batch, where M is the information of the labelled rows and the batch. The dropped row is kept unless
another is better by more than rounding.

The only ridge is `RIDGE` times the mean eigenvalue of M, which matters only where M is singular
(few rows, or features in few directions) and has no inverse.
"""

import numpy as np

from labelbench_core.strategies.kernels.design import LOST, REFRESH_AFTER, contenders, inverse
from labelbench_core.strategies.kernels.last_layer import LastLayer

RIDGE = 1e-9


def swapped(
    layer: LastLayer,
    labeled: np.ndarray,
    target: np.ndarray,
    budget: int,
    proposals: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """(budget,) positions in `layer`, in the order in which they joined the batch.

    Parameters
    ----------
    layer
        The rows to choose from.
    labeled, target
        (C D, C D) information of the labelled rows, and of the whole pool.
    budget
        At least 1.
    proposals
        Rows that each of the batch is compared with; all others where those are fewer.
    """
    batch = rng.choice(len(layer), budget, replace=False).tolist()
    outside = np.ones(len(layer), bool)
    outside[batch] = False
    start = labeled + layer.part(np.array(batch)).information()
    design = _Batch(layer, start, target)
    for position in range(budget):
        free = np.flatnonzero(outside)
        drawn = rng.choice(free, min(int(proposals), len(free)), replace=False)
        dropped = batch[position]
        rows = np.array([dropped, *drawn])
        design.drop(dropped)
        joined = int(rows[design.best(rows)])
        design.join(joined)
        outside[dropped], outside[joined] = True, False
        batch.append(joined)
    return np.array(batch[budget:], np.int64)


class _Batch:
    """M and its inverse, without the direction in which all classes' weights move together.

    That direction carries no information if classes are mutually exclusive, so M is singular in it.
    """

    def __init__(self, layer: LastLayer, information: np.ndarray, target: np.ndarray) -> None:
        self.layer = layer
        self.basis = np.eye(len(target))
        if not layer.multilabel:
            others = np.linalg.qr(np.ones((layer.classes, 1)), mode="complete")[0][:, 1:]
            self.basis = np.kron(others.T, np.eye(layer.dims))
        self.target = self.basis @ target @ self.basis.T
        self.matrix = self.basis @ information @ self.basis.T
        mean = np.trace(self.matrix) / len(self.matrix)
        self.matrix += (RIDGE * mean or 1.0) * np.eye(len(self.matrix))
        self._invert()

    def drop(self, row: int) -> None:
        """Remove a row from the batch."""
        self._update(row, -1)

    def join(self, row: int) -> None:
        """Add a row to the batch."""
        self._update(row, 1)

    def best(self, rows: np.ndarray) -> int:
        """Position in `rows` of the one that lowers the trace most; the first of equal ones."""
        x = self.basis @ self.layer.vectors(rows)
        u = self.inverse @ x
        inner = np.eye(x.shape[2]) + x.transpose(0, 2, 1) @ u
        gains = np.linalg.solve(inner, u.transpose(0, 2, 1) @ (self.target @ u))
        return int(contenders(np.trace(gains, axis1=1, axis2=2))[0])

    def _update(self, row: int, sign: int) -> None:
        """Add or subtract a row's information: the inverse follows by Woodbury's identity."""
        x = self.basis @ self.layer.vectors(np.array([row]))[0]
        self.matrix += sign * (x @ x.T)
        u = self.inverse @ x
        core = np.eye(x.shape[1]) + sign * (x.T @ u)
        self.updates += 1
        if self.updates >= REFRESH_AFTER or np.linalg.eigvalsh(core)[0] < LOST:
            self._invert()
        else:
            self.inverse -= sign * (u @ np.linalg.solve(core, u.T))

    def _invert(self) -> None:
        self.inverse, self.updates = inverse(self.matrix), 0
