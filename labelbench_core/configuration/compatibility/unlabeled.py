"""Pools without labels: what needs labels is refused by name before any job."""

from collections.abc import Iterator, Mapping

from labelbench_core import registry
from labelbench_core.annotators import EXACT
from labelbench_core.configuration.catalogue import Catalogue
from labelbench_core.configuration.compatibility.multilabel import is_multilabel
from labelbench_core.configuration.experiment import Crossing
from labelbench_core.datasets import POOL, VAL
from labelbench_core.datasets.labels.unlabeled import has_labels
from labelbench_core.datasets.variants.variant import Variant
from labelbench_core.errors import InputError, listed
from labelbench_core.training.recipe import Recipe

TOLD = "whose pool has no labels"


def unlabeled_errors(crossing: Crossing, catalogue: Catalogue, dataset: str) -> Iterator[str]:
    """What of a crossing needs labels that the pool of a data set does not have."""
    entry = catalogue["datasets"][dataset]
    if has_labels(entry):
        return
    of_dataset = f"data set {dataset!r}, {TOLD}"
    if is_multilabel(catalogue, dataset):
        yield (
            f"datasets: {dataset!r}: its pool has no labels, and its rows may belong to any number "
            "of classes, for which there is no annotator; allowed: a pool with labels"
        )
        return
    for name in crossing.annotators:
        if not _says_itself(catalogue, name):
            allowed = [one for one in catalogue["annotators"] if _says_itself(catalogue, one)]
            other = "an entry of the implementation recorded, without `clean`"
            known = listed(allowed) if allowed else other
            yield f"annotators: {name!r} needs the labels of {of_dataset}; allowed: {known}"
    for name in crossing.ceilings:
        yield f"ceilings: {name!r} needs the labels of {of_dataset}; allowed: leave it out"
    variant = Variant.of(entry)
    for key in ("merge_classes", "long_tail"):
        if getattr(variant, key) is not None:
            yield f"datasets: {dataset!r}: {key} needs labels of the pool; allowed: leave it out"
    for name in crossing.finetune.trainers if crossing.finetune else ():
        chosen = Recipe.from_options(catalogue["trainers"][name].get("training")).evaluate
        if chosen is not None and POOL in chosen:
            yield (
                f"finetune.trainers: {name!r}: training.evaluate: {POOL!r} of {of_dataset}; "
                "allowed: splits with labels"
            )


def unmeasured_errors(
    catalogue: Catalogue, dataset: str, sizes: Mapping[str, int]
) -> Iterator[str]:
    """A data set on which nothing can be measured: neither its pool nor a test has labels."""
    if not has_labels(catalogue["datasets"][dataset]) and not sizes.keys() - {POOL, VAL}:
        yield (
            f"datasets: {dataset!r}: its pool has no labels, and there is no test split to measure "
            "on; allowed: a test split, or a shifted split"
        )


def _says_itself(catalogue: Catalogue, annotator: str) -> bool:
    """Whether an annotator needs none of the data set's labels, not even to compare with."""
    if annotator == EXACT:
        return False
    try:
        entry = catalogue["annotators"][annotator]
        info = registry.describe("annotators", entry["implementation"]).info
    except (InputError, KeyError):  # reported to experiments that name it
        return False
    given = registry.options_of(entry)
    compares = any(given.get(option) for option in info.get("truth_by", ()))
    return bool(info.get("without_truth")) and not compares
