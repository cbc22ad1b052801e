"""Checks of a strategy's inputs other than matrices; each error names the input."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from labelbench_core.compute.values import check_labels, check_probabilities
from labelbench_core.errors import InputError, shown
from labelbench_core.registry.options import is_finite
from labelbench_core.strategies.arrays import cast, host, namespace
from labelbench_core.strategies.pool import Head, Pool, matrix_rows, require_shape


def checked(handed: Mapping[str, Any], pool: Pool) -> list[Any]:
    """The values of `handed`, in order: arrays are checked now, functions when called."""
    checks = {"ask": _asking, "truth": _truth, "fit": _fitting}
    return [checks[name](value, pool) for name, value in handed.items()]


class HeldOut:
    """A pool's `held_out` with checked results."""

    def __init__(self, held_out: Any, pool: Pool) -> None:
        _require_callable("held_out", held_out)
        self._held_out, self._pool = held_out, pool

    def __call__(self, share: float) -> tuple[np.ndarray, np.ndarray]:
        """(n, C) probabilities and (n,) labels."""
        pool, found = self._pool, self._held_out(share)
        if not isinstance(found, (tuple, list)) or len(found) != 2:
            raise InputError(f"held_out: {shown(found)}; allowed: probabilities and labels")
        probabilities, labels = found
        count = matrix_rows(probabilities, "held_out: probabilities")
        require_shape("held_out: probabilities", probabilities, (max(1, count), pool.num_classes))
        _check_labels("held_out: labels", labels, count, pool)
        sums = None if pool.multilabel else cast(probabilities, "float32").sum(-1)
        check_probabilities(probabilities, sums, np.arange(count), "held_out: probabilities")
        return host(probabilities), labels


def check_head(head: Head) -> None:
    """`InputError` unless all values of a head are numbers."""
    for name in ("weights", "bias"):
        part = getattr(head, name)
        if not bool(namespace(part).isfinite(part).all()):
            raise InputError(
                f"head.{name}: holds a value that is NaN or infinite; allowed: finite numbers"
            )


def _asking(ask: Any, pool: Pool) -> Callable[[np.ndarray], np.ndarray]:
    _require_callable("ask", ask)

    def checked_ask(indices: np.ndarray) -> np.ndarray:
        rows = np.atleast_1d(indices)
        labels = ask(rows)
        _check_labels("ask", labels, len(rows), pool)
        return labels

    return checked_ask


def _truth(truth: Any, pool: Pool) -> np.ndarray:
    _check_labels("truth", truth, pool.num_rows, pool)
    return truth


def _fitting(fit: Any, pool: Pool) -> Callable[[np.ndarray], float]:
    _require_callable("fit", fit)

    def checked_fit(indices: np.ndarray) -> float:
        score = fit(indices)
        if not is_finite(score):
            raise InputError(f"fit: {shown(score)} for {len(indices)} rows; allowed: a number")
        return float(score)

    return checked_fit


def _check_labels(field: str, labels: Any, count: int, pool: Pool) -> None:
    """`InputError` unless these are the labels of `count` rows."""
    check_labels(labels, 2 if pool.multilabel else pool.num_classes, field)
    require_shape(field, labels, (count, pool.num_classes) if pool.multilabel else (count,))


def _require_callable(field: str, value: Any) -> None:
    if not callable(value):
        raise InputError(f"{field}: {shown(value)}; allowed: a function")
