"""What labels and hours cost: the experiment's `prices`, and those of its annotators."""

from collections.abc import Iterator, Mapping
from typing import Any

from labelbench_core.configuration.catalogue import Catalogue
from labelbench_core.configuration.experiment import Experiment

OF_A_LABEL = ("price", "seconds")
"""What an annotator's entry may say of each of its labels."""


def prices_of(
    config: Mapping[str, Any], experiment: Experiment, catalogue: Catalogue
) -> dict[str, Any]:
    """The experiment's `prices`, with `annotators`: id → its `price` and `seconds`, if it has any.

    Labels of an annotator without a price cost `label`.
    """
    told = _told(experiment, catalogue)
    return {**config.get("prices", {}), **({"annotators": told} if told else {})}


def price_errors(
    config: Mapping[str, Any], experiment: Experiment, catalogue: Catalogue
) -> Iterator[str]:
    """Annotators of the experiment whose price is not the one that the experiment gives labels."""
    label = config.get("prices", {}).get("label")
    for name, entry in _told(experiment, catalogue).items():
        if label is not None and entry.get("price", label) != label:
            yield (
                f"prices.label: {label}, but annotator {name!r} has price: {entry['price']} in the "
                "catalogue (annotators.yaml); allowed: one of the two, or the same price in both"
            )


def _told(experiment: Experiment, catalogue: Catalogue) -> dict[str, dict[str, Any]]:
    """What the entries of the experiment's annotators say of a label."""
    entries = {
        name: catalogue["annotators"].get(name, {}) for name in experiment.all_of("annotators")
    }
    found = {
        name: {key: entry[key] for key in OF_A_LABEL if key in entry}
        for name, entry in entries.items()
    }
    return {name: told for name, told in found.items() if told}
