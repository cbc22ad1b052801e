"""Where a report's results come from: what was asked for, how trainings ended, on what machine."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelbench_core.analysis.collected.frames import setting_name
from labelbench_core.analysis.tables import TextTable
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.storage.files import canonical_json, sha256_bytes

if TYPE_CHECKING:
    import pandas as pd


def asked_for(experiment: Experiment, configuration: Any) -> list[tuple[str, str]]:
    """Names and texts: the configuration's hash, the seeds, and how much was crossed."""
    digest = sha256_bytes(canonical_json(configuration).encode())
    seeds = {tuple(crossing.seeds) for crossing in experiment.crossings}
    rounds = sum(1 for _ in experiment.selections())
    return [
        ("configuration (SHA-256)", digest[:16]),
        ("seeds", "; ".join(_seeds(one) for one in sorted(seeds))),
        ("rounds", f"{rounds:,}"),
        ("fine-tunings", f"{sum(1 for _ in experiment.finetunings()):,}"),
    ]


def _seeds(seeds: Sequence[int]) -> str:
    """Seeds that follow each other as a range."""
    first, last = min(seeds), max(seeds)
    if len(seeds) > 2 and sorted(seeds) == list(range(first, last + 1)):
        return f"{first} to {last}"
    return ", ".join(map(str, seeds))


def training_tables(convergence: pd.DataFrame) -> list[TextTable]:
    """Trainings that did not end as they should, of every strategy; no table where all did."""
    cells = tuple(
        (
            row["strategy"],
            row["trainer"] or row["proxy"],
            setting_name(row),
            *(f"{row[name]:,}" for name in ("trainings", "failed", "at_edge")),
        )
        for row in convergence.to_dict("records")
    )
    counts = ("trainings", "not converged", "penalty at the edge")
    columns = ("strategy", "trained", "setting", *counts)
    return [TextTable("trainings to look at", columns, cells, 3)] if cells else []


def machine() -> list[tuple[str, str]]:
    """Names and texts: this machine's processor, cores, memory and system, but not its name."""
    found = [("processor", _processor()), ("cores", str(os.cpu_count() or "unknown"))]
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        found.append(("memory", f"{size / 2**30:.0f} GB"))
    except (ValueError, OSError):
        pass
    return [*found, ("system", f"{platform.system()} {platform.machine()}")]


def _processor() -> str:
    """The processor's model, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(iter(models), platform.machine())
