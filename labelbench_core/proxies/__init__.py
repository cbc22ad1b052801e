"""Proxies: what is trained in every round, to select the next labels and to be evaluated.

A proxy is one file with `build(threads=1, *, options)`, which returns an object with

- `fit(features, labels, num_classes, statistics, rng, previous) -> dict`: train on (L, D)
  embeddings of the labelled rows; returns what is worth recording of the fit (JSON), which the next
  round's fit gets as `previous`;
- `predict_proba(features) -> (N, C)` float32 probabilities for embeddings as stored;
- `embed(features) -> (N, D)` what gradient- and feature-based strategies see;
- `head()`: (D, C) weights and (C,) bias of a linear last layer on `embed`'s rows, if it has one;
- `arrays()` and `restore(arrays, statistics)`: the trained state, as arrays in a round's file.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Statistics:
    """Mean and standard deviation of the pool's embeddings; no label enters them.

    Attributes
    ----------
    mean, std
        (D,) float64; a feature that is constant over the pool has std 0.
    """

    mean: np.ndarray
    std: np.ndarray

    @property
    def scale(self) -> np.ndarray:
        """(D,) factors that give every varying feature unit variance; 0 for constant features."""
        varies = self.std > 1e-6 * max(float(self.std.max(initial=0.0)), np.finfo(np.float32).tiny)
        return np.where(varies, 1 / np.where(varies, self.std, 1), 0.0)
