"""What commands and dry runs say of an experiment's costs before it has run."""

import os
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from labelbench_core.configuration import entries
from labelbench_core.configuration.catalogue import Catalogue
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.configuration.sources.source_sizes import (
    SourceSizes,
    known_num_classes,
    source_sizes,
)
from labelbench_core.datasets import data_directory
from labelbench_core.datasets.splits.drawn_ahead import Remembered
from labelbench_core.errors import InputError
from labelbench_core.stages.estimates import DatasetFacts, StageEstimate, estimate
from labelbench_core.stages.plan import Needs
from labelbench_core.storage.records import read_record
from workflow_scripts import _snakefile as parsing

HEAD = ("stage", "jobs", "FLOPs", "GPU hours", "disk")
NONE, UNKNOWN = "–", "unknown"
FACTS = ("flops", "disk")


class TellEstimate:
    """A filter of Snakemake's log: prints the estimate beside a dry run's table of jobs.

    Without prices only the command that estimates is named, since estimating takes ten seconds.

    Parameters
    ----------
    workflow
        Snakemake's.
    """

    def __init__(
        self,
        workflow: Any,
        experiment: Experiment,
        catalogue: Catalogue,
        prices: Mapping[str, Any],
    ) -> None:
        self._workflow, self._given = workflow, (experiment, catalogue, prices)
        self._told = False

    def filter(self, record: Any) -> bool:
        """Print the estimate before the table of jobs; every message passes."""
        if hasattr(record, "stats") and not self._told and self._workflow.dryrun:
            self._told = True
            print(*self._lines(), "", sep="\n", file=sys.stderr)
        return True

    def _lines(self) -> list[str]:
        experiment, *_ = self._given
        if experiment.priced:
            return estimate_lines(*self._given)
        command = ["python", "-m", "workflow_scripts.estimate_costs", "--configfile"]
        command += map(os.path.relpath, self._workflow.overwrite_configfiles)
        if chosen := self._workflow.config_settings.config:
            command += ["--config", *(f"{key}={value}" for key, value in chosen.items())]
        return [f"What this will cost, in FLOPs, GPU hours and disk: {shlex.join(command)}"]


def estimate_lines(
    experiment: Experiment, catalogue: Catalogue, prices: Mapping[str, Any]
) -> list[str]:
    """The estimate as a table of text, what it would cost, and what is not known of it."""
    needs = Needs.from_values(entries.needs(experiment, catalogue))
    facts, as_published = dataset_facts(experiment, catalogue)
    found = estimate(experiment, catalogue, needs, facts)
    rate = prices.get("flops_per_second")
    rows = [HEAD, *(_row(one, rate) for one in found), _total(found, rate)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [f"Estimate of {experiment.experiment}, all jobs counted as if none had run:"]
    for name, *cells in rows:
        numbers = (f"{cell:>{width}}" for cell, width in zip(cells, widths[1:], strict=True))
        lines.append(f"  {name:<{widths[0]}}  {'  '.join(numbers)}")
    return [*lines, *_price_lines(found, prices), *_notes(found), *as_published]


def dataset_facts(
    experiment: Experiment, catalogue: Catalogue
) -> tuple[dict[str, DatasetFacts], list[str]]:
    """What is known of the data sets: by what is prepared, by their sources, or as published.

    The lines name the data sets whose sizes are as published, since nothing of them is there.
    """
    prepared = parsing.sizes_of(parsing.prepared_manifests(experiment, catalogue))
    remembered = parsing.remembered_of(experiment)
    found, as_published = {}, []
    for dataset in experiment.all_of("datasets"):
        entry = catalogue["datasets"][dataset]
        if dataset in prepared:
            manifest = read_record(Path(parsing.PREPARED.format(dataset=dataset)), "data set")
            found[dataset] = DatasetFacts(prepared[dataset], manifest["num_classes"])
        else:
            sizes = _sizes_of_source(entry, remembered[dataset])
            classes = known_num_classes(entry, data_directory())
            found[dataset] = DatasetFacts(sizes.splits if sizes.names_all else {}, classes)
            if sizes.missing:
                why = sizes.missing.partition(";")[0]
                as_published.append(f"Data set {dataset!r}: sizes are as published: {why}.")
    return found, as_published


def _sizes_of_source(entry: Mapping[str, Any], remembered: Remembered) -> SourceSizes:
    """Sizes; none where files are missing or broken, which a run of the experiment reports."""
    try:
        return source_sizes(entry, data_directory(), remembered)
    except (InputError, OSError):
        return SourceSizes({})


def _row(one: StageEstimate, rate: float | None) -> tuple[str, ...]:
    return (one.stage, f"{one.jobs:,}", _flops(one.flops), _hours(one, rate), _disk(one.disk))


def _total(found: Sequence[StageEstimate], rate: float | None) -> tuple[str, ...]:
    """The last line: sums of what is known, "more than" where something is not."""
    flops, hours, disk = _known(found, "flops"), gpu_hours(found, rate), _known(found, "disk")
    more = ["> " if any(getattr(one, key) is None for one in found) else "" for key in FACTS]
    jobs = sum(one.jobs for one in found)
    told = UNKNOWN if hours is None else more[0] + f"{hours:,.2f}"
    return ("in all", f"{jobs:,}", more[0] + _flops(flops), told, more[1] + _disk(disk))


def gpu_hours(found: Sequence[StageEstimate], rate: float | None) -> float | None:
    """Hours of GPUs of all stages, of what is known; None without a rate."""
    if rate is None:
        return None
    return sum(one.flops or 0 for one in found if one.on_gpu) / rate / 3600


def _known(found: Sequence[StageEstimate], key: str) -> int:
    return sum(getattr(one, key) or 0 for one in found)


def _flops(value: int | None) -> str:
    if value is None:
        return UNKNOWN
    return f"{value:.3g}" if value else NONE


def _hours(one: StageEstimate, rate: float | None) -> str:
    if not one.on_gpu or one.flops == 0:
        return NONE
    if one.flops is None or rate is None:
        return UNKNOWN
    return f"{one.flops / rate / 3600:,.2f}"


def _disk(value: int | None) -> str:
    if value is None:
        return UNKNOWN
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if value >= size:
            return f"{value / size:,.1f} {unit}"
    return f"{value / 1e6:.2f} MB" if value else NONE


def _price_lines(found: Sequence[StageEstimate], prices: Mapping[str, Any]) -> Iterator[str]:
    """What the hours cost, or which rate is not known."""
    hours, currency = gpu_hours(found, prices.get("flops_per_second")), prices.get("currency", "")
    if hours is None:
        yield "GPU hours: unknown, since prices.flops_per_second is not given."
    elif "gpu_hour" not in prices:
        yield "Price of the GPU hours: unknown, since prices.gpu_hour is not given."
    else:
        price = hours * prices["gpu_hour"]
        yield f"Price of the GPU hours: {price:,.2f} {currency}".rstrip() + "."


def _notes(found: Sequence[StageEstimate]) -> Iterator[str]:
    yield (
        "FLOPs are those that records will state: the passes of embedding and training, every "
        "training to its last step, without evaluation, scoring and selection. Disk space is that "
        "of arrays and weights, without the data sets' own files."
    )
    reasons = dict.fromkeys(reason for one in found for reason in one.unknown)
    if reasons:
        yield f"Unknown until it has run: {'; '.join(reasons)}."
