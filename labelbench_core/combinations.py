"""Combinations of proxies, trainers and backbones that cannot run, found before any job starts."""

from collections.abc import Iterator

from labelbench_core import proxy_entries, registry
from labelbench_core.catalogue import Catalogue
from labelbench_core.errors import InputError, did_you_mean
from labelbench_core.experiment import Crossing
from labelbench_core.trainers.recipe import Recipe
from labelbench_core.zero_shot import require_text


def combination_errors(crossing: Crossing, catalogue: Catalogue) -> list[str]:
    """One line for every combination of a crossing that cannot run."""
    errors: list[str] = []
    for proxy in crossing.proxies:
        found = list(_reference_errors(catalogue, proxy))
        errors += found or _proxy_errors(crossing, catalogue, proxy)
    for trainer in crossing.finetune.trainers if crossing.finetune else ():
        errors += _trainer_errors(crossing, catalogue, trainer)
    return errors


def _reference_errors(catalogue: Catalogue, proxy: str) -> Iterator[str]:
    """Ids in a proxy's options that the catalogue does not have."""
    for name, kind in (("trainer", "trainers"), ("augmentation", "augmentations")):
        chosen = proxy_entries.option(catalogue, proxy, name)
        if chosen is not None and chosen not in catalogue[kind]:
            yield (
                f"proxies: {proxy!r}: options.{name}: {chosen!r} is not in catalogue {kind}.yaml"
                f"{did_you_mean(chosen, catalogue[kind])}; allowed: {', '.join(catalogue[kind])}"
            )


def _proxy_errors(crossing: Crossing, catalogue: Catalogue, proxy: str) -> Iterator[str]:
    if proxy_entries.starts_from_class_names(catalogue, proxy):
        yield from _textless(crossing, catalogue, f"proxies: {proxy!r}")
    trainer = proxy_entries.trainer_of(catalogue, proxy)
    if trainer is None:
        return
    where = f"proxies: {proxy!r} is trained by {trainer!r}, whose"
    recipe = _recipe(catalogue, trainer)
    on_embeddings = "augmentation" in _options(catalogue, proxy)
    if on_embeddings:
        needs_views = _info(catalogue, trainer)["needs_unlabeled"]
        if needs_views and proxy_entries.augmentation_of(catalogue, proxy) is None:
            known = ", ".join(catalogue["augmentations"])
            yield (
                f"proxies: {proxy!r}: options.augmentation: None, but trainer {trainer!r} needs "
                f"views of unlabelled images; allowed: {known}"
            )
    elif recipe.head != "fresh":
        yield f"{where} training.head is {recipe.head!r}; allowed there: fresh"
    if recipe.validation == "extra":
        yield (
            f"{where} training.validation is 'extra'; allowed there: none, held-out (all labels "
            "that a round spends are in its budget)"
        )


def _trainer_errors(crossing: Crossing, catalogue: Catalogue, trainer: str) -> Iterator[str]:
    recipe = _recipe(catalogue, trainer)
    where = f"finetune.trainers: {trainer!r}"
    if recipe.head == "zero-shot":
        yield from _textless(crossing, catalogue, where)
    if recipe.head == "proxy":
        for proxy in crossing.proxies:
            if not proxy_entries.info(catalogue, proxy).get("pretrained_head"):
                yield (
                    f"{where} has training.head: proxy, but proxy {proxy!r} has no linear head on "
                    "the pretrained backbone's features; allowed with it: fresh, zero-shot"
                )


def _textless(crossing: Crossing, catalogue: Catalogue, where: str) -> Iterator[str]:
    """Backbones that a start from class names is asked of, and that have no text tower."""
    for backbone in crossing.backbones:
        try:
            require_text(catalogue["backbones"][backbone])
        except InputError as error:
            yield f"{where} starts from class names; backbone {backbone!r}: {error}"


def _recipe(catalogue: Catalogue, trainer: str) -> Recipe:
    return Recipe.from_options(catalogue["trainers"][trainer].get("training"))


def _info(catalogue: Catalogue, trainer: str) -> dict:
    implementation = catalogue["trainers"][trainer]["implementation"]
    return registry.describe("trainers", implementation).info


def _options(catalogue: Catalogue, proxy: str) -> dict:
    implementation = catalogue["proxies"][proxy]["implementation"]
    return registry.describe("proxies", implementation).options
