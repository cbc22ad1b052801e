"""Experiments that buy recorded lists: which ones, whether they fit, and our counterparts.

Used while the workflow is parsed; imports no strategy.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from labelbench_core import registry
from labelbench_core.configuration.catalogue import Catalogue
from labelbench_core.configuration.experiment import Crossing, Experiment
from labelbench_core.datasets.rows.recorded_lists import (
    RecordedList,
    check_length,
    check_pool,
    read_list,
)
from labelbench_core.errors import InputError


def list_options(catalogue: Catalogue, kind: str, name: str) -> Mapping[str, Any] | None:
    """Options of the list that a strategy buys, or a schedule starts with; None if there is none.

    Parameters
    ----------
    kind
        "strategies" or "schedules".
    """
    entry = catalogue[kind][name]
    if kind == "schedules":
        return entry.get("list")
    component = registry.describe(kind, entry["implementation"])
    return entry.get("options") if "recorded" in component.info["needs"] else None


def list_sha256(
    catalogue: Catalogue, kind: str, name: str, seed: int, data_dir: Path
) -> str | None:
    """SHA-256 of the list that a strategy buys, or a schedule starts with; None without one."""
    options = list_options(catalogue, kind, name)
    return None if options is None else read_list(options, seed, data_dir).sha256


def pairs(experiment: Experiment, catalogue: Catalogue) -> dict[str, list[str]]:
    """Strategy that buys a list → the experiment's strategies of that list's name or method."""
    found: dict[str, list[str]] = {}
    for strategy in experiment.strategies:
        options = list_options(catalogue, "strategies", strategy)
        if options is not None:
            found[strategy] = [
                other
                for other in experiment.strategies
                if list_options(catalogue, "strategies", other) is None
                and options["strategy"] in (other, catalogue["strategies"][other]["implementation"])
            ]
    return {strategy: ours for strategy, ours in found.items() if ours}


def list_errors(
    crossing: Crossing, dataset: str, catalogue: Catalogue, pool: int | None, data_dir: Path
) -> Iterator[str]:
    """One line for every recorded list that a crossing cannot buy from a data set.

    Parameters
    ----------
    pool
        Rows of the data set's pool; None: not known yet.
    data_dir
        Where lists' files are looked for.
    """
    replayed = {
        strategy: options
        for strategy in crossing.strategies
        if (options := list_options(catalogue, "strategies", strategy)) is not None
    }
    source = catalogue["datasets"][dataset]["implementation"]
    for schedule in crossing.schedules:
        sizes = catalogue["schedules"][schedule]
        start: dict[int, set[int]] = {}
        asked = (crossing.rounds - 1) * sizes["batch"]
        if first := list_options(catalogue, "schedules", schedule):
            where = f"schedules: {schedule!r}: list"
            for seed in crossing.seeds:
                try:
                    found = _fitting(first, seed, source, pool, sizes["initial"], data_dir)
                    start[seed] = set(found.indices[: sizes["initial"]].tolist())
                except InputError as error:
                    yield f"{where}: {error}; data set {dataset!r}"
            asked += sizes["initial"]
        for strategy, options in replayed.items():
            for seed in crossing.seeds:
                try:
                    found = _fitting(options, seed, source, pool, asked, data_dir)
                except InputError as error:
                    yield f"strategies: {strategy!r}: {error}; data set {dataset!r}"
                    continue
                begins = set(found.indices[: sizes["initial"]].tolist())
                if start.get(seed, begins) != begins:
                    yield (
                        f"strategies: {strategy!r}: {found.where}: its first {sizes['initial']} "
                        f"rows are not those that schedule {schedule!r} starts with; allowed: "
                        "lists of the same setting and seeds, or a schedule with draw: uniform"
                    )


def _fitting(
    options: Mapping[str, Any],
    seed: int,
    source: str,
    pool: int | None,
    needed: int,
    data_dir: Path,
) -> RecordedList:
    """The list of a seed; `InputError` unless `needed` rows of it can be bought from the pool."""
    found = read_list(options, seed, data_dir)
    check_pool(found, source=source, num_rows=pool)
    check_length(found, needed)
    return found
