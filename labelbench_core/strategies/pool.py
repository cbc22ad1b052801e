"""What a strategy may see: the pool, what is labelled in it, and the current proxy's view of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from labelbench_core.compute.values import check_labels
from labelbench_core.errors import InputError, shown
from labelbench_core.registry.options import is_whole
from labelbench_core.strategies.arrays import Array, cast, host, like, namespace, on_disk


class MissingInput(InputError):
    """A strategy needs something that the pool does not have.

    Attributes
    ----------
    strategy, field
        Names of the strategy and of the missing field.
    """

    def __init__(self, strategy: str, field: str, why: str = "is not given") -> None:
        super().__init__(f"strategy {strategy!r} needs `{field}`, which {why}")
        self.strategy, self.field = strategy, field


@dataclass(frozen=True)
class Head:
    """A linear classifier on embeddings.

    Attributes
    ----------
    weights
        (D, C).
    bias
        (C,).
    multilabel
        Whether classes are independent (logistic function) or mutually exclusive (softmax).
    """

    weights: Array
    bias: Array
    multilabel: bool = False

    def predict_proba(self, features: Array) -> Array:
        """(n, C) float32 probabilities for (n, D) features, in the features' namespace."""
        xp = namespace(features)
        weights, bias = (
            cast(like(host(part), features), "float32") for part in (self.weights, self.bias)
        )
        logits = cast(features, "float32") @ weights + bias
        if self.multilabel:
            small = xp.exp(-abs(logits))  # never overflows
            return xp.where(logits >= 0, 1 / (1 + small), small / (1 + small))
        exponentials = xp.exp(logits - xp.amax(logits, -1)[:, None])
        return exponentials / exponentials.sum(-1)[:, None]


@dataclass(frozen=True)
class Pool:
    """All that a strategy may see. Shapes are checked on creation; nothing is copied.

    Attributes
    ----------
    embeddings
        (N, D) float16 or float32: NumPy, torch, or a `RowSource` for pools larger than memory.
    probabilities
        (N, C) of the current proxy, as the same kinds of array; None if there is no proxy yet.
    labeled
        (L,) int64 indices into the pool, in the order bought.
    labels
        (L,) labels as the annotator gave them (multi-label: (L, C)), aligned with `labeled`.
    num_classes
        C.
    head
        The proxy's linear head, if it has one.
    member_probabilities
        (M, N, C) of an ensemble of heads, or a list of its M matrices, as the same kinds of array
        as `probabilities`.
    round
        Number of this query, from 1.
    state
        What this strategy returned in the previous round.
    multilabel
        Whether a row can belong to any number of classes.
    held_out
        Function for strategies that calibrate: given a share s of the labelled rows, it returns the
        probabilities (n, C), by a proxy trained on the other labelled rows, and the labels (n,) of
        the n = max(1, int(s L)) rows bought last. The training happens when it is called.
    recorded
        (R,) indices into the pool in the order in which they were bought elsewhere; only for
        strategies that need them.

    Raises
    ------
    InputError
        Naming the field whose shape or content does not fit.
    """

    embeddings: Any
    probabilities: Any
    labeled: np.ndarray
    labels: np.ndarray
    num_classes: int
    head: Any = None
    member_probabilities: Any = None
    round: int = 1
    state: Mapping[str, Any] = field(default_factory=dict[str, Any])
    multilabel: bool = False
    held_out: Callable[[float], tuple[np.ndarray, np.ndarray]] | None = None
    recorded: np.ndarray | None = None

    def __post_init__(self) -> None:
        rows = matrix_rows(self.embeddings, "embeddings")
        columns = int(self.embeddings.shape[1])
        if not is_whole(self.num_classes):
            raise InputError(f"num_classes: {shown(self.num_classes)}; allowed: a whole number")
        if self.num_classes < (least := 1 if self.multilabel else 2):
            raise InputError(f"num_classes: {self.num_classes}; allowed: at least {least}")
        if self.probabilities is not None:
            matrix_rows(self.probabilities, "probabilities")
            require_shape("probabilities", self.probabilities, (rows, self.num_classes))
        if self.member_probabilities is not None:
            are_apart = isinstance(self.member_probabilities, (list, tuple))
            if not are_apart:
                _namespace_of("member_probabilities", self.member_probabilities)
            for member in self.member_probabilities:
                matrix_rows(member, "member_probabilities")
                require_shape("member_probabilities", member, (rows, self.num_classes))
        if self.head is not None:
            if not isinstance(self.head, Head):
                raise InputError(f"head: {shown(self.head)}; allowed: a Head, or None")
            require_shape("head.weights", self.head.weights, (columns, self.num_classes))
            require_shape("head.bias", self.head.bias, (self.num_classes,))
        self._check_labeled(rows)
        self._check_labels()
        if self.recorded is not None:
            _check_indices("recorded", self.recorded, rows)

    def _check_labeled(self, rows: int) -> None:
        for name in ("labeled", "labels"):
            if not isinstance(getattr(self, name), np.ndarray):
                given = type(getattr(self, name)).__name__
                raise InputError(f"{name}: {given}; allowed: a NumPy array")
        if len(self.labels) != len(self.labeled):
            raise InputError(
                f"labels: {len(self.labels)} labels; allowed: {len(self.labeled)}, one for each "
                "labelled row"
            )
        _check_indices("labeled", self.labeled, rows)

    def _check_labels(self) -> None:
        """Classes from 0 to C − 1 or, multi-label, rows of 0 and 1."""
        shape = (len(self.labeled), self.num_classes) if self.multilabel else (len(self.labeled),)
        if len(self.labeled):  # an empty array of labels may have any shape
            require_shape("labels", self.labels, shape)
        check_labels(self.labels, 2 if self.multilabel else self.num_classes)

    @property
    def num_rows(self) -> int:
        """N."""
        return int(self.embeddings.shape[0])

    def unlabeled(self) -> np.ndarray:
        """(N − L,) int64 indices of the rows without a label, in increasing order."""
        free = np.ones(self.num_rows, bool)
        free[self.labeled] = False
        return np.flatnonzero(free)


def matrix_rows(array: Any, name: str) -> int:
    """The number of rows; `InputError` naming the field unless it is a matrix of numbers."""
    if not on_disk(array):
        _namespace_of(name, array)
    if len(array.shape) != 2:
        raise InputError(
            f"{name}: shape {tuple(array.shape)}; allowed: a matrix, one row per example"
        )
    if "float" not in str(array.dtype):
        raise InputError(f"{name}: {array.dtype}; allowed: floating-point values")
    return int(array.shape[0])


def require_shape(name: str, array: Any, expected: tuple[int, ...]) -> None:
    """`InputError` naming the field unless it is an array of that shape."""
    if not on_disk(array):
        _namespace_of(name, array)
    if tuple(array.shape) != expected:
        raise InputError(f"{name}: shape {tuple(array.shape)}; allowed: {expected}")


def _namespace_of(name: str, array: Any) -> None:
    try:
        namespace(array)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error


def _check_indices(name: str, indices: Any, rows: int) -> None:
    """`InputError` naming the field unless these are different rows of the pool."""
    if not isinstance(indices, np.ndarray):
        raise InputError(f"{name}: {type(indices).__name__}; allowed: a NumPy array")
    if indices.ndim != 1 or not np.issubdtype(indices.dtype, np.integer):
        given = f"{indices.dtype} {indices.shape}"
        raise InputError(f"{name}: {given}; allowed: a vector of whole numbers, row indices")
    if len(indices) and not (indices.min() >= 0 and indices.max() < rows):
        wrong = indices[(indices < 0) | (indices >= rows)][0]
        raise InputError(f"{name}: {wrong}; allowed: 0 to {rows - 1}, the rows of the pool")
    different, counts = np.unique(indices, return_counts=True)
    if len(different) != len(indices):
        twice = different[counts > 1][0]
        raise InputError(f"{name}: {twice}, more than once; allowed: each row once")
