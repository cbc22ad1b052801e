"""Rows with weights: what cannot weigh them in training is refused by name before any job."""

from collections.abc import Iterator

from labelbench_core import registry
from labelbench_core.configuration import entries
from labelbench_core.configuration.catalogue import Catalogue
from labelbench_core.configuration.experiment import Crossing
from labelbench_core.datasets import BOTH, EVALUATION, POOL, TRAINING, VAL
from labelbench_core.datasets.tables.beside_labels import has_weights
from labelbench_core.errors import listed


def weight_errors(crossing: Crossing, catalogue: Catalogue, dataset: str) -> Iterator[str]:
    """Errors on a data set's weights: `weights_for` without any, trainings that would ignore them.

    A proxy or a trainer weighs the losses of labelled rows if its `INFO["weighted"]` is True.
    """
    entry = catalogue["datasets"][dataset]
    if "weights_for" in entry and not has_weights(entry):
        told = f"datasets: {dataset!r}: weights_for: {entry['weights_for']!r}"
        yield f"{told}: its rows have no weights; allowed: leave it out, or name them in `options`"
        return
    if entry.get("weights_for") == TRAINING and not any(
        has_weights(entry, split) for split in (POOL, VAL)
    ):
        told = f"datasets: {dataset!r}: weights_for: {TRAINING!r}"
        yield f"{told}: rows of its pool have no weights; allowed: {EVALUATION!r}, or name them"
        return
    if entry.get("weights_for", BOTH) == EVALUATION or not has_weights(entry, POOL):
        return
    trainers = list(getattr(crossing.finetune, "trainers", ()))
    for key, kind, names in (
        ("proxies", "proxies", crossing.proxies),
        ("finetune.trainers", "trainers", trainers),
    ):
        for name in names:
            yield from _unweighted(catalogue, kind, name, f"{key}: {name!r}", dataset)
    for proxy in crossing.proxies:
        trainer = entries.trainer_of(catalogue, proxy)
        if trainer is not None and trainer in catalogue["trainers"]:
            told = f"proxies: {proxy!r} is trained by {trainer!r}, which"
            yield from _unweighted(catalogue, "trainers", trainer, told, dataset)


def _unweighted(
    catalogue: Catalogue, kind: str, name: str, told: str, dataset: str
) -> Iterator[str]:
    """The error for a proxy or a trainer that does not weigh rows; `told` begins it."""

    def weighs(one: str) -> bool:
        entry = catalogue[kind][one]
        if registry.problem_of(kind, entry["implementation"]):
            return False  # reported to experiments that name it
        return bool(registry.describe(kind, entry["implementation"]).info.get("weighted"))

    if not weighs(name):
        known = listed(sorted(one for one in catalogue[kind] if weighs(one)))
        yield (
            f"{told} does not weigh rows in training, and rows of data set {dataset!r} have "
            f"weights; allowed: {known}, or weights_for: {EVALUATION} in the data set's entry"
        )
