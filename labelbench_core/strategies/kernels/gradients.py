"""Last-layer gradients as pairs of factors, so that no vector of length C · D is ever formed.

The gradient of row i is the outer product rᵢ ⊗ hᵢ of its residual and its embedding; inner products
factor, (rᵢ ⊗ hᵢ) · (rⱼ ⊗ hⱼ) = (rᵢ · rⱼ)(hᵢ · hⱼ), and so do squared distances.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from labelbench_core.strategies.arrays import Array, Rows, cast, chunk_rows, host, like, namespace

# Squared distances below this fraction of the squared norms are rounding: the points coincide.
COINCIDE = 1e-12
CENTERS = 1024  # compared with a chunk of rows at a time


@dataclass(frozen=True)
class Factors:
    """Residuals (n, C) and embeddings (n, D) of some rows, and squared norms (n,), all float64."""

    residuals: Array
    embeddings: Array
    norms: Array

    def __len__(self) -> int:
        return len(self.norms)

    def distances(self, other: "Factors") -> Array:
        """(n, m) squared distances between gradients; exactly 0 where they coincide."""
        xp = namespace(self.norms)
        distances = self.residuals @ other.residuals.T
        distances *= self.embeddings @ other.embeddings.T
        scale = self.norms[:, None] + other.norms
        distances *= -2
        distances += scale
        return xp.where(distances > COINCIDE * scale, distances, 0.0)

    @staticmethod
    def of(residuals: Array, embeddings: Array) -> "Factors":
        """Factors with their norms."""
        norms = (residuals * residuals).sum(-1) * (embeddings * embeddings).sum(-1)
        return Factors(residuals, embeddings, norms)

    def room(self, count: int) -> "Factors":
        """Space for `count` rows of this kind, in main memory."""
        return Factors(
            np.zeros((count, self.residuals.shape[1])),
            np.zeros((count, self.embeddings.shape[1])),
            np.zeros(count),
        )

    def put(self, position: int, other: "Factors", index: int) -> None:
        """Store row `index` of `other` at `position`."""
        self.residuals[position] = other.residuals[index]
        self.embeddings[position] = other.embeddings[index]
        self.norms[position] = other.norms[index]

    def part(self, first: int, stop: int) -> "Factors":
        """Views of the rows first..stop."""
        rows = slice(first, stop)
        return Factors(self.residuals[rows], self.embeddings[rows], self.norms[rows])


class Gradients:
    """The gradients of all rows of a pool at their predicted labels.

    Parameters
    ----------
    embeddings, probabilities
        (N, D) and (N, C), as in `Pool`.
    multilabel
        Whether each class is a separate problem.
    """

    def __init__(self, embeddings: Any, probabilities: Any, multilabel: bool) -> None:
        self.embeddings, self.probabilities = Rows(embeddings), Rows(probabilities)
        self.multilabel = multilabel

    def __len__(self) -> int:
        return len(self.embeddings)

    def take(self, indices: np.ndarray) -> Factors:
        """Factors of the rows `indices`, in main memory."""
        embeddings = cast(host(self.embeddings.take(indices)), "float64")
        return Factors.of(host(self._residuals(self.probabilities.take(indices))), embeddings)

    def squared_norms(self) -> np.ndarray:
        """(N,) squared norms."""
        norms = np.empty(len(self))

        def measure(first: int, part: Factors) -> None:
            norms[first : first + len(part)] = host(part.norms)

        self._for_chunks(measure)
        return norms

    def lower(self, weights: np.ndarray, centers: Factors) -> np.ndarray:
        """(N,) the smaller of `weights` and the squared distance to the nearest of `centers`."""
        lowered = weights.copy()

        def lower_chunk(first: int, part: Factors) -> None:
            where = slice(first, first + len(part))
            for begin in range(0, len(centers), CENTERS):
                some = centers.part(begin, begin + CENTERS)
                here = Factors(
                    like(some.residuals, part.norms),
                    like(some.embeddings, part.norms),
                    like(some.norms, part.norms),
                )
                nearest = namespace(part.norms).amin(part.distances(here), -1)
                lowered[where] = np.minimum(lowered[where], host(nearest))

        self._for_chunks(lower_chunk)
        return lowered

    def _for_chunks(self, work: Callable[[int, Factors], None]) -> None:
        """`work(first row, factors)` on consecutive rows, in the embeddings' namespace."""
        # Several arrays of a chunk's size in float64 should stay in the caches.
        step = chunk_rows(2 * (self.embeddings.shape[1] + self.probabilities.shape[1]))

        def work_on(first: int, chunk: Array) -> None:
            for start in range(first, first + len(chunk), step):
                wide = cast(chunk[start - first : start - first + step], "float64")
                residuals = self._residuals(self.probabilities.span(start, start + len(wide)))
                work(start, Factors.of(like(host(residuals), wide), wide))

        self.embeddings.for_chunks(work_on)

    def _residuals(self, probabilities: Array) -> Array:
        """(n, C) probabilities minus the predicted labels, float64."""
        wide = cast(probabilities, "float64")
        xp = namespace(wide)
        if self.multilabel:
            return wide - xp.where(wide > 0.5, 1.0, 0.0)
        residuals = wide * 1.0  # a copy, in either namespace
        rows = like(np.arange(len(residuals)), residuals)
        residuals[rows, residuals.argmax(-1)] -= 1.0
        return residuals
