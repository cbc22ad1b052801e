"""A round on disk: its record and its arrays, which belong together, and the round before them.

`round-N.json` holds `arrays_sha256`, the SHA-256 of the file `round-N.npz`, and `previous`: the
SHA-256 of the files that the round was made from. The rounds of a seed are thereby a hash chain.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from labelbench_core.errors import damaged, shown
from labelbench_core.storage import files
from labelbench_core.storage.job_settings import JobSettings
from labelbench_core.storage.records import read_with_digest, write_record

INITIAL = "initial"
BATCH_PREDICTED = "batch_predicted"
"""Name of the (b,) uint16 classes predicted for the rows bought last, the last `b` of `labeled`, by
the proxy that they were bought with; rounds that were run before this was kept do not have it."""


@dataclass(frozen=True)
class Round:
    """A finished round: its record (JSON) and the arrays that the next one starts from.

    Attributes
    ----------
    digests
        `record_sha256` and `arrays_sha256`, of the files it was read from; empty if from none.
    """

    record: dict[str, Any]
    arrays: dict[str, np.ndarray]
    digests: Mapping[str, str] = field(default_factory=dict[str, str])


def write_round(record: Path, arrays: Path, done: Round) -> None:
    """Write a round; the record comes last, and has the hash of its arrays."""
    digest = files.write_npz(arrays, **done.arrays)
    write_record(record, "round", {**done.record, "arrays_sha256": digest})


def read_round(record: Path, arrays: Path, expected: Mapping[str, Any]) -> Round:
    """The round in two files.

    Parameters
    ----------
    expected
        What the record must say: ids, as `ids_of_round` gives them, and what it was made from.

    Raises
    ------
    InputError
        If a file is missing or damaged, if they belong to another round than is expected, or not
        to each other; names the file, the key, what was found and what was expected.
    """
    content, record_sha256 = read_with_digest(record, "round", expected)
    with files.reading(arrays, "train_initial or select_round"):
        digest = files.sha256_file(arrays)
    if digest != content["arrays_sha256"]:
        raise damaged(
            arrays,
            f"SHA-256 is {digest[:16]}…, expected {content['arrays_sha256'][:16]}… (arrays_sha256 "
            f"in {record.name}): damaged, or from another round",
        )
    found = files.read_npz(arrays)
    check_labeled(arrays, found.get("labeled"), content["num_labeled"])
    return Round(content, found, {"record_sha256": record_sha256, "arrays_sha256": digest})


def weighted_splits(
    splits: Iterable[str], weights: Callable[[str], np.ndarray | None]
) -> dict[str, list[str]]:
    """What a record says of the splits whose metrics are `weighted`; nothing without any."""
    weighted = sorted(split for split in splits if weights(split) is not None)
    return {"weighted": weighted} if weighted else {}


def check_labeled(
    path: str | Path, labeled: object, count: int, pool_size: int | None = None
) -> None:
    """`InputError` unless `labeled`, from `path`, are `count` distinct rows of a pool."""
    wanted = "not a one-dimensional int64 array"
    if not isinstance(labeled, np.ndarray):
        raise damaged(path, f"labeled is {shown(labeled)}, {wanted}")
    if labeled.dtype != np.int64 or labeled.ndim != 1:
        raise damaged(path, f"labeled is {labeled.dtype} {labeled.shape}, {wanted}")
    if len(labeled) != count or not count:
        raise damaged(path, f"labeled has {len(labeled)} rows, expected {count}")
    if labeled.min() < 0 or (np.diff(np.sort(labeled)) == 0).any():
        raise damaged(path, "labeled has repeated or negative rows")
    if pool_size is not None and labeled.max() >= pool_size:
        raise damaged(path, f"labeled has row {labeled.max()}, but the pool has {pool_size} rows")


def ids_of_round(settings: Mapping[str, Any], number: int) -> dict[str, Any]:
    """The ids in the record of round `number`, from a job's settings (ids or catalogue entries).

    `annotator` is None for the exact one, which records do not name.
    """
    keys = ("dataset", "backbone", "proxy", "schedule", "strategy", "seed")
    named = JobSettings.of(settings).ids
    ids = {key: named[key] for key in keys}
    ids["annotator"] = named.get("annotator")
    # Round 0 is one node, shared by all strategies.
    return {**ids, "strategy": ids["strategy"] if number else INITIAL, "round": number}
