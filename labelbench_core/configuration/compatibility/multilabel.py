"""What applies where a row has one class or any number of them, and what is refused by name."""

from collections.abc import Iterable, Iterator

from labelbench_core import registry
from labelbench_core.annotators import EXACT
from labelbench_core.configuration import entries
from labelbench_core.configuration.catalogue import Catalogue
from labelbench_core.configuration.experiment import Crossing
from labelbench_core.datasets.variants.variant import STORED, Variant
from labelbench_core.errors import InputError, listed
from labelbench_core.training.recipe import Recipe

TOLD = "whose rows may belong to any number of classes"


def is_multilabel(catalogue: Catalogue, dataset: str) -> bool:
    """Whether rows of a data set can belong to any number of classes.

    They can always, or if one of the options is given that `multilabel_by` names in `INFO`.
    """
    entry = catalogue["datasets"][dataset]
    info = registry.describe("datasets", entry["implementation"]).info
    given = registry.options_of(entry)
    return bool(info.get("multilabel")) or any(
        given.get(option) for option in info.get("multilabel_by", ())
    )


def multilabel_errors(crossing: Crossing, catalogue: Catalogue, dataset: str) -> Iterator[str]:
    """Errors on a multi-label data set: what is only defined where every row has one class."""
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
        trainer = entries.trainer_of(catalogue, name)
        # A trainer that the catalogue lacks is reported with the proxy's options.
        if trainer in catalogue["trainers"] and _applies(catalogue, "proxies", name):
            key = f"proxies: {name!r}: options.trainer"
            yield from _of_kind(catalogue, key, "trainers", (trainer,), of_dataset)
            yield from _trainer_options(catalogue, key, trainer, of_dataset)
    for name in getattr(crossing.finetune, "trainers", ()):
        yield from _trainer_options(catalogue, "finetune.trainers", name, of_dataset)
    variant = Variant.of(catalogue["datasets"][dataset])
    for key in STORED:
        if key != "near_copies" and getattr(variant, key) is not None:
            yield (
                f"datasets: {dataset!r}: {key} does not apply, since its rows may belong to any "
                "number of classes; allowed: leave it out"
            )


def _trainer_options(catalogue: Catalogue, key: str, name: str, of_dataset: str) -> Iterator[str]:
    """Options of a trainer that mean something only where a row has one class."""
    entry = catalogue["trainers"][name]
    if registry.options_of(entry).get("class_weights") == "balanced":
        told = f"{key}: {name!r}: options.class_weights: 'balanced' does not apply to"
        yield f"{told} {of_dataset}; allowed: none"
    if Recipe.from_options(entry.get("training")).head == "zero-shot":
        told = f"{key}: {name!r}: training.head: 'zero-shot' does not apply to"
        yield f"{told} {of_dataset}; allowed: fresh, proxy"


def single_label_errors(crossing: Crossing, catalogue: Catalogue, dataset: str) -> Iterator[str]:
    """Errors on a data set of one class a row: strategies for any number of classes only."""
    for key in ("strategies", "ceilings"):
        for name in getattr(crossing, key):
            claims = _claims(catalogue, "strategies", name)
            if "only" in claims:
                allowed = [
                    other
                    for other in catalogue["strategies"]
                    if (found := _claims(catalogue, "strategies", other)) and "only" not in found
                ]
                yield (
                    f"{key}: {name!r} is for multi-label data only, but rows of data set "
                    f"{dataset!r} have one class each; allowed: {listed(sorted(allowed))}"
                )


def _claims(catalogue: Catalogue, kind: str, name: str) -> list[bool | str]:
    """`INFO["multilabel"]` of a component and of all that it runs."""
    entry = catalogue[kind][name]
    try:
        options = registry.options_of(entry)
        run = registry.components_run(kind, entry["implementation"], options)
    except InputError:  # reported to experiments that name it
        return []
    return [registry.describe(*one).info.get("multilabel", False) for one in run]


def _applies(catalogue: Catalogue, kind: str, name: str) -> bool:
    """Whether a component says that it applies, and so do all that it runs."""
    claims = _claims(catalogue, kind, name)
    return bool(claims) and all(claims)


def _methods(crossing: Crossing, catalogue: Catalogue, dataset: str) -> Iterator[str]:
    """Strategies, proxies and trainers whose `INFO` does not say that they apply."""
    of_dataset = f"data set {dataset!r}, {TOLD}"
    for key, kind, names in (
        ("strategies", "strategies", crossing.strategies),
        ("ceilings", "strategies", crossing.ceilings),
        ("proxies", "proxies", crossing.proxies),
        ("finetune.trainers", "trainers", getattr(crossing.finetune, "trainers", ())),
    ):
        yield from _of_kind(catalogue, key, kind, names, of_dataset)


def _of_kind(
    catalogue: Catalogue, key: str, kind: str, names: Iterable[str], of_dataset: str
) -> Iterator[str]:
    """A line for each component that does not apply."""
    for name in names:
        if not _applies(catalogue, kind, name):
            allowed = [other for other in catalogue[kind] if _applies(catalogue, kind, other)]
            told = f"{key}: {name!r} does not apply to {of_dataset}"
            yield f"{told}; allowed: {listed(sorted(allowed))}"
