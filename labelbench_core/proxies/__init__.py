"""Proxies: what is trained in every round, to select the next labels and to be evaluated.

A proxy is one file with `build(threads=1, *, options)`, which returns an object with

- `fit(training, rng, previous) -> dict`: train on a `TrainingSet`; returns what is worth recording
  of the fit (JSON), which the next round's fit gets as `previous`;
- `predict_proba(features) -> (N, C)` float32 probabilities for embeddings as stored;
- `embed(features) -> (N, D)` what gradient- and feature-based strategies see;
- `head()`: (D, C) weights and (C,) bias of a linear last layer on `embed`'s rows, if it has one;
- `predict_members(features, members) -> (n, m, C)` probabilities by the chosen members (a slice) of
  an ensemble, which `provides` member_probabilities;
- `refit(training, fit)`, if it can: a rough proxy on other labels, quickly, for ceilings that look
  ahead; `fit` is what `fit` returned. Without it they train anew;
- `pool_rows(pool)`: the pool as `predict_proba` and `embed` take it after `fit` or `restore`;
- `arrays()` and `restore(arrays, statistics)`: the trained state, as arrays in a round's file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from labelbench_core.compute.values import check_labels
from labelbench_core.errors import InputError


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


@dataclass(frozen=True)
class TrainingSet:
    """What a proxy may be trained on: the pool without labels, and the labels bought in it.

    Attributes
    ----------
    pool
        (N, D) embeddings as stored: `RowBlocks`, or anything with `take` and `load`.
    indices
        (L,) int64 rows of the pool that are labelled.
    labels
        (L,) int64, aligned with `indices`.
    num_classes
        C.
    statistics
        Of the pool's embeddings.
    views
        "weak" and "strong" → embeddings of augmented images, each like `pool`; empty where the
        proxy asks for none.
    backbone
        Its catalogue entry, for proxies that train it; `pool` is then `ImageRows`.
    zero_shot
        The classifier made of class names, from `labelbench_core.backbones.zero_shot`.
    previous
        Arrays of the round before; none in round 0.
    checkpoint
        File that a long training may leave when it is interrupted and continue from.

    Raises
    ------
    InputError
        If the labels are no classes, or the indices no rows of the pool.
    """

    pool: Any
    indices: np.ndarray
    labels: np.ndarray
    num_classes: int
    statistics: Statistics
    views: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    backbone: Mapping[str, Any] | None = None
    zero_shot: Mapping[str, np.ndarray] | None = None
    previous: Mapping[str, np.ndarray] = field(default_factory=dict)
    checkpoint: Path | None = None

    def __post_init__(self) -> None:
        if np.shape(self.indices) != np.shape(self.labels) or np.ndim(self.labels) != 1:
            raise InputError(
                f"labels: shape {np.shape(self.labels)} for indices of shape "
                f"{np.shape(self.indices)}; allowed: two vectors of one length"
            )
        check_labels(self.labels, self.num_classes)
        check_labels(self.indices, len(self.pool), "indices")

    def features(self) -> np.ndarray:
        """(L, D) embeddings of the labelled rows."""
        return self.pool.take(self.indices)

    def unlabeled(self) -> np.ndarray:
        """(N − L,) int64 the other rows, in order."""
        free = np.ones(len(self.pool), bool)
        free[self.indices] = False
        return np.flatnonzero(free)
