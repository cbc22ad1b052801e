"""Last-layer gradients as pairs of factors, so that no vector of length C · D is ever formed.

The gradient of row i is the outer product rᵢ ⊗ hᵢ of its residual and its embedding; inner products
factor, (rᵢ ⊗ hᵢ) · (rⱼ ⊗ hⱼ) = (rᵢ · rⱼ)(hᵢ · hⱼ), and so do squared distances.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from labelbench_core.strategies._arrays import (
    Array,
    Rows,
    cast,
    host,
    like,
    namespace,
)

# Squared distances below this fraction of the squared norms are rounding: the points coincide.
COINCIDE = 1e-12


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
        Whether each class is a problem of its own.
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
        for first, part in self._chunks():
            norms[first : first + len(part)] = host(part.norms)
        return norms

    def lower(self, weights: np.ndarray, centers: Factors) -> np.ndarray:
        """(N,) the smaller of `weights` and the squared distance to the nearest of `centers`."""
        lowered = np.empty(len(self))
        for first, part in self._chunks():
            here = Factors(
                like(centers.residuals, part.norms),
                like(centers.embeddings, part.norms),
                like(centers.norms, part.norms),
            )
            nearest = namespace(part.norms).amin(part.distances(here), -1)
            where = slice(first, first + len(part))
            lowered[where] = np.minimum(weights[where], host(nearest))
        return lowered

    def _chunks(self) -> Iterator[tuple[int, Factors]]:
        """(first row, factors) of consecutive rows, in the embeddings' namespace."""
        for first, chunk in self.embeddings.chunks():
            wide = cast(chunk, "float64")
            residuals = self._residuals(
                self.probabilities.take(np.arange(first, first + len(chunk)))
            )
            yield first, Factors.of(like(host(residuals), wide), wide)

    def _residuals(self, probabilities: Array) -> Array:
        """(n, C) probabilities less the predicted labels, float64."""
        residuals = cast(probabilities, "float64")
        xp = namespace(residuals)
        if self.multilabel:
            return residuals - xp.where(residuals > 0.5, 1.0, 0.0)
        columns = like(np.arange(residuals.shape[1]), residuals)
        predicted = columns[None, :] == residuals.argmax(-1)[:, None]
        return residuals - xp.where(predicted, 1.0, 0.0)
