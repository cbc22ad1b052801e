"""Combinations of proxies, trainers and backbones that cannot run, found before any job starts."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from labelbench_core import registry
from labelbench_core.backbones.zero_shot import require_text
from labelbench_core.configuration import entries
from labelbench_core.configuration.catalogue import Catalogue
from labelbench_core.configuration.compatibility.beside_budget import ending, labels_beside
from labelbench_core.configuration.compatibility.needed import needed_validation
from labelbench_core.configuration.experiment import Crossing
from labelbench_core.configuration.references import Panel
from labelbench_core.datasets import POOL, VAL
from labelbench_core.datasets.labels.unlabeled import has_labels
from labelbench_core.errors import InputError, did_you_mean, listed, shown
from labelbench_core.training.recipe import LEAST_TO_HOLD_OUT, Recipe


def combination_errors(crossing: Crossing, catalogue: Catalogue) -> list[str]:
    """One line for every combination of a crossing that cannot run."""
    errors: list[str] = []
    for proxy in crossing.proxies:
        found = list(_reference_errors(catalogue, proxy))
        errors += found or _proxy_errors(crossing, catalogue, proxy)
    if finetune := crossing.finetune:
        for trainer in finetune.trainers:
            errors += _trainer_errors(crossing, catalogue, trainer, finetune.rounds)
    return errors


def split_errors(
    crossing: Crossing, dataset: str, catalogue: Catalogue, sizes: Mapping[str, int]
) -> Iterator[str]:
    """Splits that a fine-tuning needs for evaluation or validation and a data set does not have."""
    for needed in needed_validation(crossing, dataset, catalogue):
        available = sizes.get(VAL, 0)
        if not available:
            yield f"{needed.told} has no split {VAL!r}; allowed: validation: none, held-out"
        elif available < needed.least:
            yield needed.line(available)
    for trainer in crossing.finetune.trainers if crossing.finetune else ():
        recipe = _recipe(catalogue, trainer)
        for split in recipe.evaluate or ():
            if split not in sizes:
                yield (
                    f"finetune.trainers: {trainer!r}: training.evaluate: data set {dataset!r} has "
                    f"no split {shown(split)}{did_you_mean(split, sizes)}; allowed: {listed(sizes)}"
                )


def panel_split_errors(
    panels: Iterable[Panel], dataset: str, catalogue: Catalogue, sizes: Mapping[str, int]
) -> Iterator[str]:
    """Splits that panels show and that their models are not evaluated on."""
    for place, panel in enumerate(panels):
        if panel.setting["dataset"] != dataset:
            continue
        evaluated = list(dict.fromkeys([POOL, *sizes]))
        told = f"data set {dataset!r} has no split {shown(panel.split)}"
        if not has_labels(catalogue["datasets"][dataset]):
            evaluated.remove(POOL)
            told += " with labels"
        if panel.trainer and (chosen := _recipe(catalogue, panel.trainer).evaluate) is not None:
            evaluated = list(chosen)
            told = f"trainer {panel.trainer!r} (training.evaluate) leaves it out"
        if panel.split not in evaluated:
            yield (
                f"panels.{place}.split: {shown(panel.split)}: {told}"
                f"{did_you_mean(panel.split, evaluated)}; allowed: {listed(evaluated)}"
            )


def _reference_errors(catalogue: Catalogue, proxy: str) -> Iterator[str]:
    """Ids in a proxy's options that the catalogue does not have."""
    for name, kind in (("trainer", "trainers"), ("augmentation", "augmentations")):
        chosen = entries.option(catalogue, proxy, name)
        if chosen is not None and chosen not in catalogue[kind]:
            yield (
                f"proxies: {proxy!r}: options.{name}: {shown(chosen)} is not in catalogue "
                f"{kind}.yaml{did_you_mean(chosen, catalogue[kind])}; "
                f"allowed: {listed(catalogue[kind])}"
            )


def _proxy_errors(crossing: Crossing, catalogue: Catalogue, proxy: str) -> Iterator[str]:
    if entries.starts_from_class_names(catalogue, proxy):
        yield from _textless(crossing, catalogue, f"proxies: {proxy!r}")
    trainer = entries.trainer_of(catalogue, proxy)
    if trainer is None:
        return
    where = f"proxies: {proxy!r} is trained by {trainer!r}, whose"
    recipe = _recipe(catalogue, trainer)
    yield from _mixing_errors(catalogue, trainer, where)
    if not entries.option(catalogue, proxy, "refresh_every"):
        yield from _held_out_errors(crossing, catalogue, recipe, where, [0])
    on_embeddings = "augmentation" in _options(catalogue, proxy)
    if on_embeddings:
        needs_views = _info(catalogue, trainer)["needs_unlabeled"]
        if needs_views and entries.augmentation_of(catalogue, proxy) is None:
            known = listed(catalogue["augmentations"])
            yield (
                f"proxies: {proxy!r}: options.augmentation: null, but trainer {trainer!r} needs "
                f"views of unlabelled rows; allowed: {known}"
            )
        yield from _image_options(catalogue, trainer, recipe, where)
    else:
        start = entries.starts_from_class_names(catalogue, proxy)
        allowed = ("fresh", "zero-shot") if start else ("fresh",)
        if recipe.head not in allowed:
            yield f"{where} training.head is {recipe.head!r}; allowed there: {listed(allowed)}"
    if recipe.validation == "extra":
        yield from _beside_budget(recipe, proxy, where)


def _beside_budget(recipe: Recipe, proxy: str, where: str) -> Iterator[str]:
    """Labels that a round spends and its budget does not count."""
    size = int(recipe.validation_size)
    if recipe.count_validation:
        yield (
            f"{where} training.validation is 'extra'; allowed there: none, held-out (all labels "
            "spent count towards a round's budget), or count_validation: false with it"
        )
    elif labels_beside(proxy) != size:
        yield (
            f"{where} weights are chosen by {size} labels that the budget does not count "
            f"(training.count_validation: false); allowed: an id of the proxy that says so, ending "
            f"in {ending(size)}"
        )


def _image_options(catalogue: Catalogue, trainer: str, recipe: Recipe, where: str) -> Iterator[str]:
    """Options that only networks on images support."""
    if recipe.gradient_checkpointing:
        yield f"{where} training.gradient_checkpointing is true; allowed on embeddings: false"
    if cutmix := registry.options_of(catalogue["trainers"][trainer]).get("cutmix"):
        yield f"{where} options.cutmix is {cutmix}; allowed on embeddings: 0 (mixup can be used)"


def _held_out_errors(
    crossing: Crossing, catalogue: Catalogue, recipe: Recipe, where: str, rounds: Iterable[int]
) -> Iterator[str]:
    """Too few labels to hold some of them out."""
    if recipe.validation != "held-out":
        return
    for schedule in crossing.schedules:
        sizes = catalogue["schedules"][schedule]
        labels = sizes["initial"] + min(rounds) * sizes["batch"]
        if labels < LEAST_TO_HOLD_OUT:
            yield (
                f"{where} training.validation is 'held-out', but schedule {schedule!r} has "
                f"{labels} label after round {min(rounds)}; allowed: at least "
                f"{LEAST_TO_HOLD_OUT} labels, or validation: none"
            )


def _mixing_errors(catalogue: Catalogue, trainer: str, where: str) -> Iterator[str]:
    """Mixing in batches of single examples."""
    options = registry.options_of(catalogue["trainers"][trainer])
    recipe = _recipe(catalogue, trainer)
    for name in ("mixup", "cutmix"):
        if options.get(name) and recipe.batch_size < 2 * recipe.accumulate:
            yield (
                f"{where} options.{name} is {options[name]}, but batches of {recipe.batch_size} in "
                f"{recipe.accumulate} parts leave a single example in a part; allowed there: 0"
            )


def _trainer_errors(
    crossing: Crossing, catalogue: Catalogue, trainer: str, rounds: Iterable[int]
) -> Iterator[str]:
    recipe = _recipe(catalogue, trainer)
    where = f"finetune.trainers: {trainer!r}"
    yield from _mixing_errors(catalogue, trainer, f"{where}:")
    yield from _held_out_errors(crossing, catalogue, recipe, f"{where}:", rounds)
    if recipe.head == "zero-shot":
        yield from _textless(crossing, catalogue, where)
    if recipe.head == "proxy":
        for proxy in crossing.proxies:
            if not entries.info(catalogue, proxy).get("pretrained_head"):
                yield (
                    f"{where} has training.head: proxy, but proxy {proxy!r} has no linear head on "
                    "the pretrained backbone's features; allowed with it: fresh, zero-shot"
                )


def _textless(crossing: Crossing, catalogue: Catalogue, where: str) -> Iterator[str]:
    """Starts from class names on backbones without a text tower."""
    for backbone in crossing.backbones:
        try:
            require_text(catalogue["backbones"][backbone])
        except InputError as error:
            yield f"{where} starts from class names; backbone {backbone!r}: {error}"


def _recipe(catalogue: Catalogue, trainer: str) -> Recipe:
    return Recipe.from_options(catalogue["trainers"][trainer].get("training"))


def _info(catalogue: Catalogue, trainer: str) -> dict[str, Any]:
    implementation = catalogue["trainers"][trainer]["implementation"]
    return registry.describe("trainers", implementation).info


def _options(catalogue: Catalogue, proxy: str) -> dict[str, Any]:
    implementation = catalogue["proxies"][proxy]["implementation"]
    return registry.describe("proxies", implementation).options
