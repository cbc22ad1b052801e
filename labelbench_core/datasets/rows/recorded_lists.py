"""Recorded lists: which rows of a pool were bought elsewhere, in the order bought.

A list is named by three options, of the strategy `replay` and of schedules whose initial labels are
drawn as `recorded`: `recorded`, `strategy` and `seeds`. `recorded` is the name of a published
setting (`labelbench_core.published`), or a JSON file in the data directory:

    {
     "source": "cifar10",            the implementation of the data set (labelbench_core/datasets/)
     "num_rows": 50000,              the rows of its pool
     "pool_sha256": "03c5…",         may be left out: see `pool_sha256`
     "lists": {"margin": {"0": [17, 3, …], "1": […]}}        strategy → seed → indices
    }
"""

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from labelbench_core.errors import InputError, did_you_mean, listed, shown
from labelbench_core.published import selections as published_lists
from labelbench_core.published import settings as published
from labelbench_core.published.selections import POOL_SIZE
from labelbench_core.storage import files

PUBLISHED_SOURCE = "cifar10"
PUBLISHED_POOL = "03c55a690bf16245581008a030fc37800906c9c3777393c3e85d12379540e40b"
"""SHA-256 of the images of the official CIFAR-10 training set, as `prepare_dataset` notes it."""


@dataclass(frozen=True)
class RecordedList:
    """What was bought with one strategy and seed.

    Attributes
    ----------
    indices
        (R,) int64 different rows of the pool, in the order bought.
    source
        The implementation of the data set.
    num_rows
        Number of rows of its pool.
    pool_sha256
        SHA-256 of the images of its pool; None: not known.
    where
        Which list it is, for messages.
    """

    indices: np.ndarray
    source: str
    num_rows: int
    pool_sha256: str | None
    where: str

    @property
    def sha256(self) -> str:
        """SHA-256 of the indices: what a job that reads the list depends on."""
        return files.sha256_arrays({"recorded": self.indices})


@dataclass(frozen=True)
class _Lists:
    """What a file holds: strategy → seed → indices, and of which pool they are."""

    lists: Mapping[str, Mapping[int, Any]]
    source: str
    num_rows: int
    pool_sha256: str | None


def read_list(options: Mapping[str, Any], seed: int, data_dir: Path) -> RecordedList:
    """The list that `options` name for a seed of ours.

    Parameters
    ----------
    options
        `recorded`, `strategy` and, if given, `seeds`; see `strategies.replay.select`.
    data_dir
        Where files are looked for.

    Raises
    ------
    InputError
        If there is no such list, or if it is not a list of different rows of its pool.
    """
    if missing := [key for key in ("recorded", "strategy") if not options.get(key)]:
        told = "the name of published lists, or a file in the data directory; and a strategy in it"
        raise InputError(f"options.{missing[0]}: missing; allowed: {told}")
    name, strategy, order = options["recorded"], options["strategy"], options.get("seeds")
    if name in published.names():
        seeds = published.setting(name).seeds
        return _published(name, strategy, _recorded_seed(order or seeds, seed, name))
    lists = _lists(name, data_dir)
    _require_known("strategy", strategy, lists.lists, name)
    # Those of all strategies: a seed of ours belongs to the same one for each of them.
    seeds = sorted({one for found in lists.lists.values() for one in found})
    theirs = _recorded_seed(order or seeds, seed, name)
    _require_known(f"seeds: list of {strategy!r}", theirs, lists.lists[strategy], name)
    where = f"{name}: {strategy}, seed {theirs}"
    indices = _checked(lists.lists[strategy][theirs], lists.num_rows, where)
    return RecordedList(indices, lists.source, lists.num_rows, lists.pool_sha256, where)


def check_pool(
    recorded: RecordedList,
    *,
    source: str | None = None,
    num_rows: int | None = None,
    pool_sha256: str | None = None,
) -> None:
    """`InputError` if a list was made on another pool than the one that is described, as known."""
    for what, known, expected in (
        ("data set", source, recorded.source),
        ("pool's number of rows", num_rows, recorded.num_rows),
        ("SHA-256 of the pool's images", pool_sha256, recorded.pool_sha256),
    ):
        if None not in (known, expected) and known != expected:
            raise InputError(
                f"{recorded.where}: recorded on another pool: {what}: {known}; allowed: {expected}"
            )


def check_length(recorded: RecordedList, needed: int) -> None:
    """`InputError` if a list has fewer than `needed` rows."""
    if len(recorded.indices) < needed:
        raise InputError(
            f"{recorded.where}: a list of {len(recorded.indices)} rows, but {needed} labels are to "
            f"be bought from it; allowed: at most {len(recorded.indices)}"
        )


@functools.cache
def _published(name: str, strategy: str, seed: int) -> RecordedList:
    """A list of `published.selections`."""
    where = f"{name}: {strategy}, seed {seed}"
    indices = _checked(published_lists.selections(name, strategy, seed), POOL_SIZE, where)
    return RecordedList(indices, PUBLISHED_SOURCE, POOL_SIZE, PUBLISHED_POOL, where)


def _recorded_seed(order: Sequence[int], seed: int, name: str) -> int:
    """The recorded seed that belongs to a seed of ours."""
    if seed < len(order):
        return order[seed]
    raise InputError(
        f"{name}: seeds: no recorded seed belongs to seed {seed}; allowed: seeds 0 to "
        f"{len(order) - 1} (which are {listed(order)})"
    )


def _require_known(what: str, value: Any, known: Iterable[Any], name: str) -> None:
    known = sorted(known)
    if value not in known:
        hint = did_you_mean(value, known) if isinstance(value, str) else ""
        raise InputError(f"{name}: {what}: {shown(value)}{hint}; allowed: {listed(known)}")


def _checked(values: Any, num_rows: int, where: str) -> np.ndarray:
    """(R,) int64, or `InputError`: different rows of the pool."""
    indices = np.asarray(values)
    if indices.ndim != 1 or not len(indices) or not np.issubdtype(indices.dtype, np.integer):
        raise InputError(f"{where}: {shown(values)}; allowed: a list of whole numbers")
    indices = indices.astype(np.int64)
    outside = indices[(indices < 0) | (indices >= num_rows)]
    if len(outside):
        raise InputError(
            f"{where}: row {outside[0]} is not in the pool; allowed: 0 to {num_rows - 1}"
        )
    different, counts = np.unique(indices, return_counts=True)
    if len(different) != len(indices):
        twice = different[counts > 1][0]
        raise InputError(f"{where}: row {twice} occurs more than once; allowed: each row once")
    return indices


def _lists(name: str, data_dir: Path) -> _Lists:
    path = data_dir / name
    if not path.is_file():
        known = [one.name for one in published_lists.with_selections()]
        raise InputError(
            f"recorded: {shown(name)}: no published lists have this name{did_you_mean(name, known)}"
            f", and there is no file {path}; allowed: a file in the data directory, {listed(known)}"
        )
    status = path.stat()
    return _read_file(path, (status.st_mtime_ns, status.st_size, status.st_ino))


@functools.cache
def _read_file(path: Path, status: tuple[int, ...]) -> _Lists:
    """The lists of a file, read once while its status stays the same."""
    try:
        content = files.parse_json(path.read_bytes(), path)
    except (OSError, InputError) as error:
        raise InputError(f"{path}: not a file of recorded lists: {error}") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: {shown(content)}; allowed: an object")
    for key, kinds, wanted in (
        ("source", str, "the implementation of a data set"),
        ("num_rows", int, "the number of rows of its pool"),
        ("lists", dict, "an object, strategy → seed → indices"),
        ("pool_sha256", (str, type(None)), "the SHA-256 of its images, or nothing"),
    ):
        if not isinstance(content.get(key), kinds) or isinstance(content.get(key), bool):
            raise InputError(f"{path}: {key}: {shown(content.get(key))}; allowed: {wanted}")
    lists = {name: _by_seed(path, name, given) for name, given in content["lists"].items()}
    return _Lists(lists, content["source"], content["num_rows"], content.get("pool_sha256"))


def _by_seed(path: Path, name: str, given: Any) -> dict[int, Any]:
    if not isinstance(given, dict) or not all(key.isascii() and key.isdigit() for key in given):
        raise InputError(
            f"{path}: lists.{name}: {shown(given)}; allowed: an object, seed → indices"
        )
    return {int(seed): indices for seed, indices in given.items()}
