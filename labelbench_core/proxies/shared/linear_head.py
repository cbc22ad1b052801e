"""A linear classifier on standardised embeddings, however it was trained."""

from typing import Any, Self

import numpy as np

from labelbench_core.compute.halves import product
from labelbench_core.compute.likelihoods import sigmoid, softmax
from labelbench_core.proxies import Statistics
from labelbench_core.proxies.shared.streaming import predict


class LinearClassifier:
    """Everything of a proxy but `fit`; see `labelbench_core.proxies`.

    Attributes
    ----------
    weights, bias
        (D, C) and (C,) float32, for embeddings as stored (standardisation is folded in).
    statistics
        Statistics by which embeddings are standardised.
    multilabel
        Whether a row belongs to any number of classes: the classes' probabilities are independent.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.weights = np.zeros((0, 0), np.float32)
        self.bias = np.zeros(0, np.float32)
        self.statistics: Statistics
        self.multilabel = False

    def head(self) -> tuple[np.ndarray, np.ndarray]:
        """(D, C) weights and (C,) bias for rows of `embed`."""
        scale = self.statistics.scale[:, None]
        weights = np.where(scale > 0, self.weights / np.where(scale > 0, scale, 1), 0)
        bias = self.bias + self.statistics.mean @ self.weights
        return weights.astype(np.float32), bias.astype(np.float32)

    def pool_rows(self, pool: Any) -> Any:
        """The pool as `predict_proba` and `embed` take it: as it is."""
        return pool

    def predict_proba(self, features: Any) -> np.ndarray:
        """(N, C) float32 for an (N, D) array or a `RowSource`, which is streamed."""
        return predict(self._probabilities, features, len(self.bias), self.threads)

    def embed(self, features: np.ndarray) -> np.ndarray:
        """(N, D) float32 standardised embeddings."""
        return self.statistics.standardised(features)

    def arrays(self) -> dict[str, np.ndarray]:
        """The trained head: `weights`, `bias`; `multilabel` where rows may have several classes."""
        kind = {"multilabel": np.ones((), bool)} if self.multilabel else {}
        return {"weights": self.weights, "bias": self.bias, **kind}

    def restore(self, arrays: dict[str, np.ndarray], statistics: Statistics) -> Self:
        """Take over a trained head from `arrays`."""
        self.weights, self.bias = arrays["weights"], arrays["bias"]
        self.multilabel = "multilabel" in arrays
        self.statistics = statistics
        return self

    def _probabilities(self, rows: np.ndarray) -> np.ndarray:
        logits = product(rows, self.weights)
        logits += self.bias
        return self._of_logits(logits)

    def _of_logits(self, logits: np.ndarray) -> np.ndarray:
        """(n, C) probabilities."""
        return sigmoid(logits) if self.multilabel else softmax(logits)

    def _for_stored(self, weights: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(D, C) and (C,) float32 for embeddings as stored: standardisation is folded in."""
        weights = weights * self.statistics.scale[:, None]
        bias = bias - self.statistics.mean @ weights
        return weights.astype(np.float32), bias.astype(np.float32)
