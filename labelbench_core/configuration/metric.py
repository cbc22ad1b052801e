"""By which metric an experiment is reported: its own, else that of its data sets."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from labelbench_core import registry
from labelbench_core.configuration.catalogue import Catalogue
from labelbench_core.errors import listed
from labelbench_core.metrics.known import METRICS

DEFAULT = "accuracy"


def metric_of(config: Mapping[str, Any], catalogue: Catalogue) -> str:
    """The metric of an experiment; `metric_errors` says whether there is one."""
    return config.get("metric") or next(iter(_metrics(config, catalogue).values()))


def metric_errors(config: Mapping[str, Any], catalogue: Catalogue) -> Iterator[str]:
    """Data sets' metrics that differ where the experiment has none, or groups that are missing."""
    found = _metrics(config, catalogue)
    different = list(dict.fromkeys(found.values()))
    if "metric" not in config and len(different) > 1:
        told = listed(f"{dataset} {metric}" for dataset, metric in found.items())
        yield f"metric: missing, and the data sets' differ ({told}); allowed: {listed(different)}"
    else:
        for dataset in found:
            yield from group_errors(dataset, metric_of(config, catalogue), catalogue)


def _metrics(config: Mapping[str, Any], catalogue: Catalogue) -> dict[str, str]:
    """Data set → its metric."""
    lists = [config["datasets"], *(also.get("datasets", ()) for also in config.get("also", ()))]
    entries = catalogue["datasets"]
    return {name: entries.get(name, {}).get("metric", DEFAULT) for name in itertools.chain(*lists)}


def group_errors(dataset: str, metric: str, catalogue: Catalogue) -> Iterator[str]:
    """A metric that needs groups, for a data set without them."""
    if not METRICS[metric].needs_groups:
        return
    entry = catalogue["datasets"].get(dataset)
    if entry is None or registry.problem_of("datasets", entry["implementation"]):
        return  # told to whoever names it
    groups = registry.describe("datasets", entry["implementation"]).info.get("groups", False)
    cure = "another metric"
    if isinstance(groups, str):
        cure += f", or the data set's option {groups}"
        groups = registry.options_of(entry).get(groups)
    if not groups:
        yield f"metric: {metric!r}: data set {dataset!r} has no groups; allowed: {cure}"
