"""What each stage of an experiment cost: Snakemake's benchmark files and the jobs' own records."""

from __future__ import annotations

import csv
import logging
import math
import string
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelbench_core.analysis.collected.frames import ANNOTATOR, SETTING, columns_for, present
from labelbench_core.configuration.experiment import Experiment, annotator_of
from labelbench_core.errors import InputError, damaged, listed
from labelbench_core.stages.plan import Needs, ids_of_jobs
from labelbench_core.stages.table import COSTED
from labelbench_core.storage.records import read_record

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)
ID_COLUMNS = (*SETTING, "augmentation", "trainer", "strategy", "seed", "round")
COST_COLUMNS = ("stage", *ID_COLUMNS, "seconds", "cpu_seconds", "max_rss_mb", "flops")
MEASURED = {"seconds": "s", "cpu_seconds": "cpu_time", "max_rss_mb": "max_rss"}
KINDS = {"manifest": "embeddings", "record": "round", "metrics": "fine-tuning"}
"""Output that records a job's floating-point operations → its kind of record."""
NOTED = {stage.name: (KINDS[stage.flops[0]], *stage.flops[1:]) for stage in COSTED if stage.flops}
"""Stage → the kind of record that holds its floating-point operations, and where in the record."""


def collect_costs(
    experiment: Experiment,
    needs: Needs,
    benchmarks: Sequence[str],
    records: Sequence[str] = (),
) -> pd.DataFrame:
    """One row per job of the experiment: its measured costs and its estimated FLOPs.

    Parameters
    ----------
    experiment, needs
        What is crossed, and what proxies and trainers need besides embeddings.
    benchmarks
        ``stage=path``, the path with ids in braces: one job for each distinct path.
    records
        Likewise ``stage=path``, for the JSON files that the stages in `NOTED` write.

    Returns
    -------
    Columns as `COST_COLUMNS`; the measurements are NaN where the file is missing (results may come
    without their benchmark files) or where a job was too short to be measured, `flops` where a
    stage does not estimate them.
    """
    import pandas as pd

    noted = dict(_parted(entry, "--record") for entry in records)
    if unknown := sorted(set(noted) - set(NOTED)):
        raise InputError(f"--record: {unknown[0]} records no FLOPs; allowed: {', '.join(NOTED)}")
    rows = []
    for stage, pattern in (_parted(entry, "--benchmark") for entry in benchmarks):
        found = total = 0
        for ids, path in _jobs(stage, pattern, experiment, needs):
            measured = _read_benchmark(path)
            total += 1
            found += measured is not None
            values = measured or dict.fromkeys(MEASURED, math.nan)
            values["flops"] = _read_flops(noted[stage], stage, ids) if stage in noted else math.nan
            if ANNOTATOR in ids:
                ids[ANNOTATOR] = annotator_of(ids)
            rows.append({"stage": stage, **dict.fromkeys(ID_COLUMNS, ""), **ids, **values})
        if found < total:
            log.info("%s: %d of %d benchmark files are missing", stage, total - found, total)
    return pd.DataFrame(rows, columns=columns_for(experiment, COST_COLUMNS))


def _parted(entry: str, option: str) -> tuple[str, str]:
    stage, _, pattern = entry.partition("=")
    if not pattern:
        raise InputError(f"{option}: {entry}; allowed: STAGE=PATH")
    return stage, pattern


def _jobs(
    stage: str, pattern: str, experiment: Experiment, needs: Needs
) -> Iterator[tuple[dict[str, Any], str]]:
    """The ids and the benchmark file of every distinct job of a stage."""
    named = {name for _, name, _, _ in string.Formatter().parse(pattern) if name}
    unknown = sorted(named - set(ID_COLUMNS))
    if unknown:
        told = f"--benchmark: {pattern}: {{{unknown[0]}}}: unknown id"
        raise InputError(f"{told}; allowed: {listed(ID_COLUMNS)}")
    seen = set()
    for ids in ids_of_jobs(stage, experiment, needs):
        path = pattern.format_map(ids)
        if path not in seen:
            seen.add(path)
            yield {key: ids[key] for key in ID_COLUMNS if key in named}, path


def _read_flops(pattern: str, stage: str, ids: Mapping[str, Any]) -> float:
    """The FLOPs that a job recorded; NaN if its file is missing or has none."""
    path = Path(pattern.format_map(ids))
    kind, *keys = NOTED[stage]
    value: Any = read_record(path, kind) if path.is_file() else None
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return math.nan if value is None else float(value)


def _read_benchmark(path: str) -> dict[str, float] | None:
    """Means over the repetitions in a benchmark file; None where there is no such file."""
    if not Path(path).is_file():
        return None
    with open(path, encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle, delimiter="\t"))
    if not rows or "s" not in rows[0]:
        raise damaged(path, "not a benchmark file", then="leave its job out")
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
    """Per group: jobs, measured jobs, total and median seconds, CPU seconds, memory, FLOPs.

    `key` groups by "stage", "strategy" or "proxy"; groups with nothing known are left out. Memory
    is the largest resident set of any job, in MB. Total FLOPs are NaN if those of one job are
    unknown.
    """
    import pandas as pd

    rows = []
    for name, part in costs.groupby(key, sort=False):
        if part[["seconds", "flops"]].isna().all(axis=None):
            continue
        rows.append(
            {
                key: name,
                "jobs": len(part),
                "measured": int(part["seconds"].notna().sum()),
                "seconds": part["seconds"].sum(min_count=1),
                "median_seconds": part["seconds"].median(),
                "cpu_seconds": part["cpu_seconds"].sum(min_count=1),
                "max_rss_mb": part["max_rss_mb"].max(),
                "flops": part["flops"].sum(skipna=False),
                "median_flops": part["flops"].median(),
            }
        )
    names = [key, "jobs", "measured", "seconds", "median_seconds", "cpu_seconds", "max_rss_mb"]
    return pd.DataFrame(rows, columns=[*names, "flops", "median_flops"])


def selection_costs(costs: pd.DataFrame, key: str = "strategy") -> pd.DataFrame:
    """`cost_by` strategy or proxy over the rounds that select (fine-tunings left out)."""
    return cost_by(costs[costs["stage"] == "select_round"], key)


def refresh_costs(costs: pd.DataFrame) -> pd.DataFrame:
    """`cost_by` proxy over the refreshes of the pool's embeddings: fine-tuning and embedding."""
    keys = [name for name in present(costs, ID_COLUMNS) if name != "augmentation"]
    refreshed = costs[costs["stage"] == "refresh_embeddings"]
    stages = costs["stage"].isin(["refresh_embeddings", "finetune_model"])
    return cost_by(costs[stages].merge(refreshed[keys], on=keys), "proxy")
