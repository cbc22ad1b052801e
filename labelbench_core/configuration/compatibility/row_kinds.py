"""What data sets consist of and backbones read: combinations that cannot run, before any job."""

from collections.abc import Iterator

from labelbench_core import registry
from labelbench_core.augmentation.settings import changed_rows
from labelbench_core.configuration import entries
from labelbench_core.configuration.catalogue import Catalogue
from labelbench_core.configuration.experiment import Crossing
from labelbench_core.datasets.rows.row_kinds import image_key_errors, rows_of
from labelbench_core.errors import InputError, listed
from labelbench_core.registry.info import IMAGES


def reads(catalogue: Catalogue, backbone: str) -> str:
    """What a backbone of the catalogue reads: one of `registry.info.ROWS`."""
    name = catalogue["backbones"][backbone]["implementation"]
    return registry.describe("backbones", name).info["reads"]


def pattern(catalogue: Catalogue, *, texts: bool) -> str:
    """A regular expression for the ids of the backbones that read texts, or of the others."""
    names = [name for name in catalogue["backbones"] if _reads(catalogue, name, "texts") == texts]
    # A pattern that matches nothing, if there are none.
    return "|".join(sorted(names)) or "(?!)"


def environment(catalogue: Catalogue, backbone: str) -> str:
    """The conda environment that a backbone of images needs: a file's name in `rules/envs`."""
    entry = catalogue["backbones"][backbone]
    info = registry.describe("backbones", entry["implementation"]).info
    options = registry.options_of(entry)
    for option, names in info.get("environment_by", {}).items():
        if options.get(option) in names:
            return names[options[option]]
    return info["environment"]


def row_errors(crossing: Crossing, catalogue: Catalogue) -> Iterator[str]:
    """A line for everything in a crossing that needs other rows than a data set has."""
    for dataset in crossing.datasets:
        entry = catalogue["datasets"][dataset]
        rows = rows_of(entry["implementation"])
        for line in image_key_errors(entry, rows):
            yield f"datasets: {dataset!r}: {line}"
        if rows == IMAGES:
            yield from _of_fixed_networks(crossing, catalogue)
        for backbone in crossing.backbones:
            read = reads(catalogue, backbone)
            if read != rows:
                fit = [name for name in catalogue["backbones"] if _reads(catalogue, name, rows)]
                yield (
                    f"backbones: {backbone!r} reads {read}, but the rows of data set {dataset!r} "
                    f"are {rows}; allowed with it: {listed(fit) or 'none in the catalogue'}"
                )
        for what, allowed in _of_other_rows(crossing, catalogue, rows):
            yield f"{what}, but the rows of data set {dataset!r} are {rows}; allowed: {allowed}"


def _of_fixed_networks(crossing: Crossing, catalogue: Catalogue) -> Iterator[str]:
    """A line for everything that would train a network that cannot be trained."""
    backbones = catalogue["backbones"]
    fit = [name for name in backbones if _can_be_trained(catalogue, name)]
    proxies = [
        f"proxies: {name!r}" for name in crossing.proxies if _trains_network(catalogue, name)
    ]
    trainers = crossing.finetune.trainers if crossing.finetune else ()
    for backbone in crossing.backbones:
        info = registry.describe("backbones", backbones[backbone]["implementation"]).info
        for what in (*proxies, *(f"finetune.trainers: {name!r}" for name in trainers)):
            if not info["trainable"]:
                yield (
                    f"{what} trains the network, but that of backbone {backbone!r} is fixed by its "
                    f"file; allowed with it: backbones such as {listed(fit[:5])}"
                )


def _trains_network(catalogue: Catalogue, proxy: str) -> bool:
    try:
        return entries.needs_images(catalogue, proxy) or bool(
            entries.option(catalogue, proxy, "refresh_every")
        )
    except InputError:  # reported to experiments that name it
        return False


def _can_be_trained(catalogue: Catalogue, backbone: str) -> bool:
    try:
        info = registry.describe("backbones", catalogue["backbones"][backbone]["implementation"])
        return info.info["trainable"] and _reads(catalogue, backbone, IMAGES)
    except InputError:
        return False


def _of_other_rows(
    crossing: Crossing, catalogue: Catalogue, rows: str
) -> Iterator[tuple[str, str]]:
    """What works on other rows than `rows` alone, and what is allowed instead."""
    fit = listed(name for name in catalogue["proxies"] if _needs(catalogue, name) in (None, rows))
    for proxy in crossing.proxies:
        if (needs := _needs(catalogue, proxy)) not in (None, rows):
            augmentation = entries.augmentation_of(catalogue, proxy)
            learns = f"learns from views {augmentation!r} of" if augmentation else "trains on"
            yield f"proxies: {proxy!r} {learns} {needs}", fit
    for trainer in crossing.finetune.trainers if crossing.finetune and rows != IMAGES else ():
        yield f"finetune.trainers: {trainer!r} trains on images", "no `finetune`"


def _reads(catalogue: Catalogue, backbone: str, rows: str) -> bool:
    try:
        return reads(catalogue, backbone) == rows
    except InputError:  # reported to experiments that name it
        return False


def _needs(catalogue: Catalogue, proxy: str) -> str | None:
    """The rows that a proxy needs beside embeddings: "images" or "texts"; None if there are none.

    "unknown" where its entry is wrong, which is reported to experiments that name it.
    """
    try:
        if entries.needs_images(catalogue, proxy) or entries.option(
            catalogue, proxy, "refresh_every"
        ):
            return IMAGES
        augmentation = entries.augmentation_of(catalogue, proxy)
        return augmentation and changed_rows(catalogue["augmentations"].get(augmentation, {}))
    except InputError:
        return "unknown"
