"""What applies where a row can belong to any number of classes, and what is refused by name."""

from collections.abc import Iterator

from labelbench_core import registry
from labelbench_core.annotators import EXACT
from labelbench_core.configuration import entries
from labelbench_core.configuration.catalogue import Catalogue
from labelbench_core.configuration.experiment import Crossing
from labelbench_core.datasets.variants import STORED, Variant
from labelbench_core.errors import InputError, listed

TOLD = "whose rows may belong to any number of classes"


def is_multilabel(catalogue: Catalogue, dataset: str) -> bool:
    """Whether rows of a data set can belong to any number of classes.

    Always, or where one of the options is given that its component names in `multilabel_by`.
    """
    entry = catalogue["datasets"][dataset]
    info = registry.describe("datasets", entry["implementation"]).info
    given = registry.options_of(entry)
    return bool(info.get("multilabel")) or any(
        given.get(option) for option in info.get("multilabel_by", ())
    )


def multilabel_errors(crossing: Crossing, catalogue: Catalogue, dataset: str) -> Iterator[str]:
    """Of a multi-label data set: what is only defined where every row has one class."""
    yield from _methods(crossing, catalogue, dataset)
    of_dataset = f"data set {dataset!r}, {TOLD}"
    for name in crossing.annotators:
        if name != EXACT:
            yield f"annotators: {name!r} does not apply to {of_dataset}; allowed: {EXACT}"
    for name in crossing.schedules:
        if catalogue["schedules"][name].get("draw") == "class-balanced":
            told = f"schedules: {name!r}: draw: 'class-balanced' does not apply to {of_dataset}"
            yield f"{told}; allowed: uniform, recorded"
    for name in crossing.proxies:
        if entries.starts_from_class_names(catalogue, name):
            told = f"proxies: {name!r}: options.start: 'zero-shot' does not apply to {of_dataset}"
            yield f"{told}; allowed: zeros"
    variant = Variant.of(catalogue["datasets"][dataset])
    for key in STORED:
        if key != "near_copies" and getattr(variant, key) is not None:
            yield (
                f"datasets: {dataset!r}: {key} does not apply, since its rows may belong to any "
                "number of classes; allowed: leave it out"
            )


def _methods(crossing: Crossing, catalogue: Catalogue, dataset: str) -> Iterator[str]:
    """Strategies, proxies and trainers whose `INFO` does not say that they apply."""

    def applies(kind: str, name: str) -> bool:
        entry = catalogue[kind][name]
        try:
            options = registry.options_of(entry)
            run = registry.components_run(kind, entry["implementation"], options)
        except InputError:  # reported to experiments that name it
            return False
        return all(registry.describe(*one).info.get("multilabel", False) for one in run)

    for key, kind, names in (
        ("strategies", "strategies", crossing.strategies),
        ("ceilings", "strategies", crossing.ceilings),
        ("proxies", "proxies", crossing.proxies),
        ("finetune.trainers", "trainers", getattr(crossing.finetune, "trainers", ())),
    ):
        for name in names:
            if not applies(kind, name):
                allowed = [other for other in catalogue[kind] if applies(kind, other)]
                yield (
                    f"{key}: {name!r} does not apply to data set {dataset!r}, {TOLD}; allowed: "
                    f"{listed(sorted(allowed))}"
                )
