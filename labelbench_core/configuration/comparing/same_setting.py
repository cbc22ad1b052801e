"""Whether a setting of an experiment is a published one: only then may numbers be compared."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from labelbench_core import registry
from labelbench_core.configuration import entries
from labelbench_core.configuration.catalogue import Catalogue
from labelbench_core.datasets import BOTH
from labelbench_core.datasets.tables.beside_labels import has_weights
from labelbench_core.published.settings import (
    FINETUNE,
    LINEAR,
    SHALLOW,
    PublishedSetting,
    PublishedTraining,
)
from labelbench_core.training.recipe import Recipe

PROXIES = {LINEAR: "trained-linear", SHALLOW: "shallow", FINETUNE: "finetune"}
"""What is trained → the implementation of the proxy that does it."""
CHANGES_THE_POOL = ("pool_size", "long_tail", "merge_classes", "near_copies")
"""Keys of a data set's entry that make another data set of it."""
TRAINING_KEYS = (
    *("optimizer", "learning_rate", "weight_decay", "epochs", "patience"),
    *("batch_size", "unlabeled_ratio", "schedule"),
)
VARIANTS = {"bait": {"method": "swap"}}
"""Options with which a strategy is the published one; without an entry: none."""


def differences(
    published: PublishedSetting, setting: Mapping[str, str], trainer: str, catalogue: Catalogue
) -> Iterator[str]:
    """How a setting of an experiment differs from a published one, as lines; none if it does not.

    Compared are the data set with its splits, the annotator, the backbone, what is trained and how,
    and the budgets. The numbers of rounds and seeds do not count.

    Parameters
    ----------
    setting
        Ids of the experiment's setting: dataset, backbone, proxy, schedule.
    trainer
        The trainer whose fine-tunings are compared with the published ones; "": the proxy's rounds.
    """
    for key, name in (("dataset", "data set"), ("backbone", "backbone")):
        if setting[key] != getattr(published, key):
            yield f"{name}: {setting[key]}, published: {getattr(published, key)}"
    entry = catalogue["datasets"][setting["dataset"]]
    for key in CHANGES_THE_POOL:
        if entry.get(key) is not None and setting["dataset"] == published.dataset:
            yield f"data set: with {key} {entry[key]}, published: without"
    if has_weights(entry) and setting["dataset"] == published.dataset:
        yield f"rows: weighted ({entry.get('weights_for', BOTH)}), published: not"
    annotator = setting.get("annotator", "exact")
    if annotator != published.annotator:
        yield f"annotator: {annotator}, published: {published.annotator}"
    yield from _training_differences(published, setting["proxy"], trainer, catalogue)
    schedule = catalogue["schedules"][setting["schedule"]]
    if {schedule["initial"], schedule["batch"]} != {published.batch}:
        yield (
            f"budgets: {schedule['initial']:,} labels and {schedule['batch']:,} a round, "
            f"published: {published.batch:,} and {published.batch:,}"
        )


def _training_differences(
    published: PublishedSetting, proxy: str, trainer: str, catalogue: Catalogue
) -> Iterator[str]:
    selects = published.training if published.proxy is None else published.proxy
    trained = published.trained if published.proxy is None else SHALLOW
    implementation = catalogue["proxies"][proxy]["implementation"]
    trained_by = entries.trainer_of(catalogue, proxy)
    if implementation != PROXIES[trained]:
        yield f"proxy: {implementation}, published: {PROXIES[trained]}"
    elif trained_by is None:
        yield f"proxy's trainer: none, published: {selects.method}"
    else:
        found = _recipe_differences(catalogue["trainers"][trained_by], selects)
        yield from (f"proxy's {line}" for line in found)
    if bool(trainer) != (published.proxy is not None):
        there = "trained end to end on what a proxy bought" if published.proxy else "not"
        yield f"fine-tuned after the last round: {trainer or 'not'}, published: {there}"
    elif trainer:
        yield from _recipe_differences(catalogue["trainers"][trainer], published.training)


def _recipe_differences(entry: Mapping[str, Any], there: PublishedTraining) -> Iterator[str]:
    """What differs between a trainer's entry and a published training."""
    if entry["implementation"] != there.method:
        yield f"trainer: {entry['implementation']}, published: {there.method}"
        return
    recipe = Recipe.from_options(entry.get("training"))
    for key in TRAINING_KEYS:
        here, expected = getattr(recipe, key, None), getattr(there, key)
        if expected is not None and here != expected:
            yield f"training.{key}: {_text(here)}, published: {_text(expected)}"
    if recipe.validation != "extra":
        yield f"training.validation: {recipe.validation}, published: extra"


def _text(value: Any) -> str:
    if value is None:
        return "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def published_strategies(
    published: PublishedSetting, strategies: Iterable[str], catalogue: Catalogue
) -> dict[str, str]:
    """Id of a strategy → the published name, for those that are the published ones.

    A recorded list that is bought again (`replay`) stands for the strategy that it was bought by.
    """
    found: dict[str, str] = {}
    for strategy in strategies:
        entry = catalogue["strategies"][strategy]
        name, options = entry["implementation"], registry.options_of(entry)
        if name == "replay":
            name, options = options.get("strategy"), VARIANTS.get(str(options.get("strategy")), {})
        if name in published.strategies and options == VARIANTS.get(name, {}):
            found[strategy] = name
    return found


def validation_labels(catalogue: Catalogue, proxy: str, trainer: str) -> int:
    """Number of labels, beside those bought, by which the trainer or the proxy chooses weights."""
    chosen = trainer or entries.trainer_of(catalogue, proxy)
    if chosen is None:
        return 0
    recipe = Recipe.from_options(catalogue["trainers"][chosen].get("training"))
    return int(recipe.validation_size) if recipe.validation == "extra" else 0
