"""Proxies: what is trained in every round, to select the next labels and to be evaluated.

A proxy is one file with `INFO` and `build(threads=1, *, options)`, which returns a `Proxy`; this is
also a `LinearHead` or an `Ensemble` if its `INFO` says so, and perhaps `OfNetwork`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

import numpy as np

from labelbench_core.compute.halves import single
from labelbench_core.compute.values import check_labels, check_weights
from labelbench_core.errors import InputError
from labelbench_core.storage.rows import LoadableRows, RowSource

if TYPE_CHECKING:
    from torch import nn

    from labelbench_core.backbones import Outline


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

    def standardised(self, features: np.ndarray) -> np.ndarray:
        """(n, D) float32: rows as stored, standardised to mean 0 and variance 1 over the pool."""
        rows = single(features)
        rows = np.subtract(
            rows, self.mean.astype(np.float32), out=None if rows is features else rows
        )
        rows *= self.scale.astype(np.float32)
        return rows


@dataclass(frozen=True)
class TrainingSet:
    """What a proxy may be trained on: the pool without labels, and the labels bought.

    Attributes
    ----------
    pool
        (N, D) embeddings as stored.
    indices
        (L,) int64 rows of the pool that are labelled.
    labels
        (L,) int64, aligned with `indices`; where a row belongs to any number of classes, (L, C) of
        0 and 1.
    num_classes
        C.
    statistics
        Statistics of the pool's embeddings.
    views
        "weak" and "strong" → embeddings of augmented images, each like `pool`; empty where the
        proxy asks for none.
    backbone
        The backbone's catalogue entry, for proxies that train it; `pool` is then `ImageRows`.
    zero_shot
        The classifier made of class names, from `labelbench_core.backbones.zero_shot`.
    validation
        (V, D) embeddings of the data set's validation split and their (V,) int64 labels, for
        trainings that choose weights by labels beside the budget; None for all others.
    weights
        (L,) float32 weights of the labelled rows in the loss, with a mean of 1; None: all are 1.
    validation_weights
        (V,) float32 weights of the validation split's rows; None: all are equal.
    previous
        Arrays of the previous round; none in round 0.
    checkpoint
        File that an interrupted long training may leave, to resume from.

    Raises
    ------
    InputError
        If the labels are not classes, the indices not rows of the pool, or the weights not above 0.
    """

    pool: RowSource
    indices: np.ndarray
    labels: np.ndarray
    num_classes: int
    statistics: Statistics
    views: Mapping[str, Sequence[LoadableRows]] = field(default_factory=dict)
    backbone: Mapping[str, Any] | None = None
    zero_shot: Mapping[str, np.ndarray] | None = None
    validation: tuple[RowSource, np.ndarray] | None = None
    previous: Mapping[str, np.ndarray] = field(default_factory=dict)
    checkpoint: Path | None = None
    weights: np.ndarray | None = None
    validation_weights: np.ndarray | None = None

    def __post_init__(self) -> None:
        count = np.shape(self.indices)
        shapes = (count, (*count, self.num_classes))
        if len(count) != 1 or np.shape(self.labels) not in shapes:
            raise InputError(
                f"labels: shape {np.shape(self.labels)} for indices of shape {count}; allowed: two "
                f"vectors of one length, or labels of shape (L, {self.num_classes})"
            )
        check_labels(self.labels, 2 if self.multilabel else self.num_classes)
        check_labels(self.indices, len(self.pool), "indices")
        check_weights(self.weights, len(self.indices))
        if self.validation is not None:
            check_weights(self.validation_weights, len(self.validation[1]))

    @property
    def multilabel(self) -> bool:
        """Whether a row belongs to any number of classes."""
        return np.ndim(self.labels) > 1

    def features(self) -> np.ndarray:
        """(L, D) embeddings of the labelled rows."""
        return self.pool.take(self.indices)

    def unlabeled(self) -> np.ndarray:
        """(N − L,) int64 the other rows, in order."""
        free = np.ones(len(self.pool), bool)
        free[self.indices] = False
        return np.flatnonzero(free)


class Proxy(Protocol):
    """The model trained in a round; `features` are rows of a split, as stored."""

    def fit(
        self,
        training: TrainingSet,
        rng: np.random.Generator,
        previous: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Train, and return what to record (JSON); the next round's fit gets it as `previous`."""
        ...

    def predict_proba(self, features: Any) -> np.ndarray:
        """(n, C) float32 probabilities."""
        ...

    def embed(self, features: Any) -> np.ndarray:
        """(n, D) what gradient- and feature-based strategies see."""
        ...

    def pool_rows(self, pool: RowSource) -> RowSource:
        """The pool as `predict_proba` and `embed` take it after `fit` or `restore`."""
        ...

    def arrays(self) -> dict[str, np.ndarray]:
        """The trained state, as arrays in a round's file."""
        ...

    def restore(self, arrays: dict[str, np.ndarray], statistics: Statistics) -> Self:
        """Restore the state from `arrays`."""
        ...


@runtime_checkable
class LinearHead(Protocol):
    """A proxy whose last layer is linear."""

    def head(self) -> tuple[np.ndarray, np.ndarray]:
        """(D, C) weights and (C,) bias of it, on the rows of `embed`."""
        ...


@runtime_checkable
class Ensemble(Protocol):
    """A proxy of several members."""

    def predict_members(self, features: np.ndarray, members: slice = slice(None)) -> np.ndarray:
        """(n, m, C) probabilities by the members chosen."""
        ...


@runtime_checkable
class OfNetwork(Protocol):
    """A proxy that trains a whole network, whose cost can be told before any job."""

    def outline(self, backbone: "Outline") -> "nn.Module":
        """What is trained of a backbone, without weights; may change the outline that is given."""
        ...


@runtime_checkable
class Refittable(Protocol):
    """A proxy that can be refitted quickly on other labels, for ceilings that look ahead."""

    def refit(self, training: TrainingSet, fit: Mapping[str, Any]) -> Proxy:
        """The refitted proxy; `fit` is what the proxy's own `fit` returned."""
        ...
