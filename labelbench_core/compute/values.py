"""Whether labels are classes, and numbers probabilities."""

from typing import Any

import numpy as np

from labelbench_core.errors import InputError, shown

ROUNDING = 1e-3  # of probabilities, and of their sum


def check_labels(labels: Any, num_classes: int, field: str = "labels") -> None:
    """`InputError` unless all labels are whole numbers from 0 to `num_classes` − 1.

    Parameters
    ----------
    labels
        Array of any shape.
    """
    is_array = isinstance(labels, np.ndarray)
    if not is_array or (labels.size and labels.dtype.kind not in "iub"):
        given = labels.dtype if is_array else type(labels).__name__
        raise InputError(f"{field}: {given}; allowed: an array of whole numbers")
    if labels.size and not (labels.min() >= 0 and labels.max() < num_classes):
        wrong = labels[(labels < 0) | (labels >= num_classes)].flat[0]
        raise InputError(f"{field}: {shown(int(wrong))}; allowed: 0 to {num_classes - 1}")


def check_probabilities(
    values: Any, sums: Any, rows: np.ndarray, field: str, total: float = 1.0
) -> None:
    """`InputError` naming the first row that does not hold probabilities.

    Parameters
    ----------
    values
        (n, columns) NumPy array or torch tensor.
    sums
        (n,) of its rows, in float32 at least; None where a row may have any sum: multi-label.
    rows
        (n,) their numbers, for the message.
    total
        What each row sums to.
    """
    if 0 in values.shape:
        return
    for extreme, holds in ((values.argmin(), "min"), (values.argmax(), "max")):
        value = float(getattr(values, holds)())
        if not -ROUNDING <= value <= 1 + ROUNDING:
            row = rows[int(extreme) // values.shape[1]]
            raise InputError(
                f"{field}: row {row} holds {value:.6g}; allowed: 0 to 1 (for logits, pass their "
                f"softmax)"
            )
    if sums is None:
        return
    off = abs(sums - total)
    place = int(off.argmax())
    # Half precision rounds every class; a NaN is never within.
    rounding = total * ROUNDING * (10 if "float16" in str(values.dtype) else 1)
    if not float(off[place]) <= rounding:
        raise InputError(
            f"{field}: row {rows[place]} sums to {float(sums[place]):.6g}; allowed: {total:g} "
            "(classes are mutually exclusive)"
        )


def check_weights(weights: np.ndarray | None, count: int) -> None:
    """`InputError` unless weights, if there are any, are (count,), above 0 and finite."""
    if weights is None:
        return
    if np.shape(weights) != (count,):
        told = f"weights: shape {np.shape(weights)}"
        raise InputError(f"{told}; allowed: {(count,)}, one for each label")
    if not (np.isfinite(weights) & (weights > 0)).all():
        row = int(np.argmin(np.isfinite(weights) & (weights > 0)))
        raise InputError(f"weights: row {row}: {weights[row]}; allowed: finite numbers above 0")


def normalized(weights: np.ndarray) -> np.ndarray:
    """(n,) float32 weights in the same ratios, with a mean of 1; none is rounded to 0."""
    exact = weights.astype(np.float64)
    least = np.finfo(np.float32).tiny
    return np.maximum(exact / exact.mean(), least).astype(np.float32)
