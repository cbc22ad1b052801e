"""What a split has for each row beside its label: the row's group and its weight."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from labelbench_core import registry
from labelbench_core.errors import InputError
from labelbench_core.storage import files

if TYPE_CHECKING:
    from labelbench_core.datasets import RawSplit
    from labelbench_core.datasets.tables.tabular import Cells

WEIGHT = "a finite number above 0, in single precision"
"""What is allowed as a weight. Not 0: a row that counts for nothing is left out of the table, so
that no class and no group can be there and have no weight."""
_LEAST = float(np.finfo(np.float32).tiny)
"""Smaller ones are 0 to processes that flush denormals, as jobs do."""
_NUMBER = re.compile(r"\+?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def has_weights(entry: Mapping[str, Any], split: str | None = None) -> bool:
    """Whether rows of a catalogue's entry have weights, those of `split` or of any.

    They do where the component says so (`INFO["weights"]`): always, or by the option it names,
    which may be a mapping of splits.
    """
    by = registry.describe("datasets", entry["implementation"]).info.get("weights", False)
    given = registry.options_of(entry).get(by) if isinstance(by, str) else by
    if split is not None and isinstance(given, Mapping):
        return split in given
    return bool(given)


def weights_of(cells: Cells) -> np.ndarray | None:
    """(N,) float32 of column "weight"; None without one.

    `InputError` names the first cell that is not `WEIGHT`, with its file and line.
    """
    texts = cells.columns.get("weight")
    if texts is None:
        return None
    known = {text: _weight(text) for text in set(texts)}
    weights = np.array([known[text] for text in texts], np.float32)
    wrong = np.flatnonzero(weights <= 0)
    if len(wrong):
        more = f" ({len(wrong):,} rows are such)" if len(wrong) > 1 else ""
        text = texts[wrong[0]]
        point = text.replace(",", ".", 1)
        hint = f", such as {point.strip()}" if point != text and _weight(point) > 0 else ""
        raise cells.error("weight", int(wrong[0]), f"{WEIGHT}{hint}{more}")
    return weights


def _weight(text: str) -> float:
    """A cell as a number in single precision; -1 for what is no weight."""
    if not _NUMBER.fullmatch(text.strip()):
        return -1.0
    with np.errstate(over="ignore", under="ignore"):
        value = float(np.float32(float(text)))
    return value if _LEAST <= value < math.inf else -1.0


def weights_in(array: np.ndarray, count: int, where: str) -> np.ndarray:
    """(N,) float32 weights from an array as a file has it.

    Parameters
    ----------
    count
        N.
    where
        What the array is called in messages.

    Raises
    ------
    InputError
        For an array of another shape or of no numbers, and for the first value that is no weight.
    """
    if array.dtype.kind not in "iuf" or array.shape != (count,):
        told = f"{where}: {array.dtype} of shape {array.shape}"
        raise InputError(f"{told}; allowed: ({count},), a number for each row")
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        weights = array.astype(np.float32)
    wrong = np.flatnonzero(~((weights >= _LEAST) & np.isfinite(weights)))
    if len(wrong):
        more = f" ({len(wrong):,} rows are such)" if len(wrong) > 1 else ""
        told = f"{where}: row {wrong[0]}: weight {array[wrong[0]]}"
        raise InputError(f"{told}; allowed: {WEIGHT}{more}")
    return weights


def arrays_beside(entry: RawSplit) -> dict[str, np.ndarray]:
    """The arrays that are stored of a split beside its labels, by name."""
    found = {"groups": entry.groups, "weights": entry.weights}
    return {name: array for name, array in found.items() if array is not None}


def described_beside(entry: RawSplit) -> dict[str, Any]:
    """What a split's part of the manifest says of groups and weights."""
    described: dict[str, Any] = {}
    if entry.groups is not None:
        described["groups_sha256"] = files.sha256_arrays({"groups": entry.groups})
    if entry.weights is not None:
        values = entry.weights.tolist()
        described["weights"] = {
            "sha256": files.sha256_arrays({"weights": entry.weights}),
            "sum": math.fsum(values),  # exact, and so the same on every machine
            "min": min(values),
            "max": max(values),
        }
    return described


def check_beside(split: str, entry: RawSplit, group_names: Sequence[str]) -> None:
    """`InputError` unless groups are places in `group_names` or -1, and weights are weights."""
    count = len(entry.labels)
    groups = entry.groups
    if groups is not None:
        if groups.dtype != np.int64 or groups.shape != (count,):
            told = f"split {split}: groups are {groups.dtype} {groups.shape}"
            raise InputError(f"{told}, not int64, one for each label")
        if groups.min() < -1 or groups.max() >= len(group_names):
            told = f"split {split}: groups {groups.min()}..{groups.max()} for {len(group_names)}"
            raise InputError(f"{told} groups; -1 is no group")
    if entry.weights is not None:
        if entry.weights.dtype != np.float32:
            told = f"split {split}: weights are {entry.weights.dtype}"
            raise InputError(f"{told}; allowed: float32, one for each label")
        weights_in(entry.weights, count, f"split {split}")
