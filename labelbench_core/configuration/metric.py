"""The metrics that an experiment is reported by: its own, else those of its data sets."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from labelbench_core import registry
from labelbench_core.configuration.catalogue import Catalogue
from labelbench_core.configuration.compatibility.multilabel import is_multilabel
from labelbench_core.errors import listed
from labelbench_core.metrics.known import METRICS

DEFAULT = "accuracy"
DEFAULT_OF_MULTILABEL = "mean-average-precision"


ONE, SEVERAL = "metric", "metrics"
"""Keys of an experiment: its only metric, or all of them, the headline's first."""


def metrics_of(config: Mapping[str, Any], catalogue: Catalogue) -> tuple[str, ...]:
    """The metrics of an experiment, the headline's first; `metric_errors` checks them."""
    if SEVERAL in config:
        return tuple(config[SEVERAL])
    return (config.get(ONE) or next(iter(_metrics(config, catalogue).values())),)


def metric_errors(config: Mapping[str, Any], catalogue: Catalogue) -> Iterator[str]:
    """Data sets' metrics that differ where the experiment has none, or groups that are missing."""
    if ONE in config and SEVERAL in config:
        yield f"{SEVERAL}: given beside {ONE}; allowed: {ONE} for one metric, {SEVERAL} for several"
        return
    found = _metrics(config, catalogue)
    different = list(dict.fromkeys(found.values()))
    if not {ONE, SEVERAL} & set(config) and len(different) > 1:
        told = listed(f"{dataset} {metric}" for dataset, metric in found.items())
        told = f"metric: missing, and the data sets have different ones ({told})"
        yield f"{told}; allowed: {listed(different)}"
    else:
        for place, metric in enumerate(metrics_of(config, catalogue)):
            key = f"{SEVERAL}.{place}" if SEVERAL in config else ONE
            for dataset in found:
                yield from unmeasured(dataset, metric, catalogue, key)
        yield from _level_errors(config, metrics_of(config, catalogue)[0])


def _level_errors(config: Mapping[str, Any], metric: str) -> Iterator[str]:
    """Levels of a share that are given in percent."""
    known = METRICS.get(metric)
    for place, level in enumerate(config.get("levels", ())):
        if known is not None and known.is_share and level > 1:
            yield f"levels.{place}: {level}: {metric} is a share; allowed: at most 1, such as 0.8"


def _metrics(config: Mapping[str, Any], catalogue: Catalogue) -> dict[str, str]:
    """Data set → its metric."""
    lists = [config["datasets"], *(also.get("datasets", ()) for also in config.get("also", ()))]
    return {name: _metric_of_dataset(name, catalogue) for name in itertools.chain(*lists)}


def _metric_of_dataset(dataset: str, catalogue: Catalogue) -> str:
    entry = _entry(dataset, catalogue)
    if entry is None:
        return DEFAULT
    default = DEFAULT_OF_MULTILABEL if is_multilabel(catalogue, dataset) else DEFAULT
    return entry.get("metric", default)


def _entry(dataset: str, catalogue: Catalogue) -> Mapping[str, Any] | None:
    """A data set's entry; None for a wrong one, which is reported to experiments that name it."""
    entry = catalogue["datasets"].get(dataset)
    if entry is None or registry.problem_of("datasets", entry["implementation"]):
        return None
    return entry


def unmeasured(dataset: str, metric: str, catalogue: Catalogue, key: str = ONE) -> Iterator[str]:
    """The line for a metric, given as `key`, that a data set's labels or groups do not allow."""
    entry = _entry(dataset, catalogue)
    if entry is None:
        return
    multilabel = is_multilabel(catalogue, dataset)
    if not METRICS[metric].applies(multilabel=multilabel):
        rows = "may belong to any number of classes" if multilabel else "have one class each"
        known = (name for name, one in METRICS.items() if one.applies(multilabel=multilabel))
        yield (f"{key}: {metric!r}: rows of data set {dataset!r} {rows}; allowed: {listed(known)}")
        return
    if not METRICS[metric].needs_groups:
        return
    groups = registry.describe("datasets", entry["implementation"]).info.get("groups", False)
    cure = "another metric"
    if isinstance(groups, str):
        cure += f", or the data set's option {groups}"
        groups = registry.options_of(entry).get(groups)
    if not groups:
        yield f"{key}: {metric!r}: data set {dataset!r} has no groups; allowed: {cure}"
