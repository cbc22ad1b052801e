"""What each stage of an experiment cost, from the benchmark files that Snakemake writes."""

from __future__ import annotations

import csv
import logging
import math
import string
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelbench_core.analysis.frames import SETTING
from labelbench_core.errors import InputError
from labelbench_core.experiment import Experiment

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)
ID_COLUMNS = (*SETTING, "trainer", "strategy", "seed", "round")
COST_COLUMNS = ("stage", *ID_COLUMNS, "seconds", "cpu_seconds", "max_rss_mb")
MEASURED = {"seconds": "s", "cpu_seconds": "cpu_time", "max_rss_mb": "max_rss"}


def collect_costs(experiment: Experiment, patterns: Sequence[str]) -> pd.DataFrame:
    """One row per job of the experiment, with what its benchmark file says.

    Parameters
    ----------
    experiment
        What is crossed.
    patterns
        ``stage=path``, the path with ids in braces. The ids that a pattern names decide which jobs
        it stands for: with ``{trainer}`` the fine-tunings, with ``{round}`` rounds 1, 2, …, else
        one job for each distinct path.

    Returns
    -------
    Columns as `COST_COLUMNS`; the measurements are NaN where the file is missing (results may come
    without their benchmark files) or where a job was too short to be measured.
    """
    import pandas as pd

    rows = []
    for entry in patterns:
        stage, _, pattern = entry.partition("=")
        if not pattern:
            raise InputError(f"--benchmark {entry}: must read STAGE=PATH")
        found = total = 0
        for ids, path in _jobs(experiment, pattern):
            measured = _read_benchmark(path)
            total += 1
            found += measured is not None
            values = measured or dict.fromkeys(MEASURED, math.nan)
            rows.append({"stage": stage, **dict.fromkeys(ID_COLUMNS, ""), **ids, **values})
        if found < total:
            log.info("%s: %d of %d benchmark files are missing", stage, total - found, total)
    return pd.DataFrame(rows, columns=list(COST_COLUMNS))


def _jobs(experiment: Experiment, pattern: str) -> Iterator[tuple[dict[str, Any], str]]:
    """The ids and the benchmark file of every distinct job that `pattern` stands for."""
    named = {name for _, name, _, _ in string.Formatter().parse(pattern) if name}
    unknown = sorted(named - set(ID_COLUMNS))
    if unknown:
        raise InputError(f"--benchmark: {pattern}: {{{unknown[0]}}} is not an id")
    crossing = experiment.finetunings() if "trainer" in named else experiment.selections()
    seen = set()
    for ids in crossing:
        if "round" in named and "trainer" not in named and ids["round"] == 0:
            continue
        path = pattern.format_map(ids)
        if path not in seen:
            seen.add(path)
            yield {key: ids[key] for key in ID_COLUMNS if key in named}, path


def _read_benchmark(path: str) -> dict[str, float] | None:
    """Means over the repetitions in a benchmark file; None where there is no such file."""
    if not Path(path).is_file():
        return None
    with open(path, encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle, delimiter="\t"))
    if not rows or "s" not in rows[0]:
        raise InputError(f"{path}: not a benchmark file; delete it")
    return {name: _mean([row.get(column) for row in rows]) for name, column in MEASURED.items()}


def _mean(cells: list[str | None]) -> float:
    """Mean of the cells that are numbers: Snakemake writes "-" or "NA" for jobs too short."""
    numbers = []
    for cell in cells:
        try:
            numbers.append(float(cell or ""))
        except ValueError:
            continue
    numbers = [number for number in numbers if math.isfinite(number)]
    return sum(numbers) / len(numbers) if numbers else math.nan


def cost_by(costs: pd.DataFrame, key: str) -> pd.DataFrame:
    """Jobs, measured jobs, seconds in all and of the median job, CPU seconds, peak memory.

    `key` is "stage" or "strategy"; groups without a single measured job are left out. Memory is
    the largest resident set of any job, in MB.
    """
    import pandas as pd

    rows = []
    for name, part in costs.groupby(key, sort=False):
        known: Mapping[str, pd.Series] = {column: part[column].dropna() for column in MEASURED}
        if known["seconds"].empty:
            continue
        rows.append(
            {
                key: name,
                "jobs": len(part),
                "measured": len(known["seconds"]),
                "seconds": known["seconds"].sum(),
                "median_seconds": known["seconds"].median(),
                "cpu_seconds": known["cpu_seconds"].sum(),
                "max_rss_mb": known["max_rss_mb"].max(),
            }
        )
    names = [key, "jobs", "measured", "seconds", "median_seconds", "cpu_seconds", "max_rss_mb"]
    return pd.DataFrame(rows, columns=names)


def selection_costs(costs: pd.DataFrame) -> pd.DataFrame:
    """`cost_by` strategy over the rounds that select (fine-tunings left out)."""
    chosen = (costs["strategy"] != "") & (costs["trainer"] == "")
    return cost_by(costs[chosen], "strategy")
