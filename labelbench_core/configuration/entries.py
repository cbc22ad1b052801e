"""What follows from a proxy's entry in the catalogue: its trainer, and what it reads.

Used while the workflow is parsed; imports no proxy.
"""

from collections.abc import Mapping
from typing import Any

from labelbench_core import registry
from labelbench_core.configuration.catalogue import Catalogue
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.configuration.replays import pairs
from labelbench_core.embeddings import refreshing

LoadedByName = tuple[str, str, Mapping[str, Any]]
"""Kind, implementation and options of a component."""
NOT_OF_JOBS = ("prompts", "metric", "price", "seconds")


def entry(catalogue: Catalogue, kind: str, name: str) -> dict[str, Any]:
    """A catalogue entry with its id, as jobs get it, with the trainer's whole entry in a proxy's.

    Left out: prompts, which concern one rule only, and what concerns no rule: a data set's metric,
    an annotator's price and time.
    """
    chosen = catalogue[kind][name]
    result = {"id": name, **{key: one for key, one in chosen.items() if key not in NOT_OF_JOBS}}
    if kind == "proxies" and (trainer := trainer_of(catalogue, name)):
        result["options"] = {
            **registry.options_of(chosen),
            "trainer": entry(catalogue, "trainers", trainer),
        }
    return result


def info(catalogue: Catalogue, proxy: str) -> Mapping[str, Any]:
    """`INFO` of a proxy's implementation."""
    return registry.describe("proxies", catalogue["proxies"][proxy]["implementation"]).info


def needs_images(catalogue: Catalogue, proxy: str) -> bool:
    """Whether a proxy trains on images, and so reads no embeddings."""
    return bool(info(catalogue, proxy).get("needs_images"))


def option(catalogue: Catalogue, proxy: str, name: str) -> Any:
    """The value of a proxy's option, its default included; None if it has no such option."""
    chosen = catalogue["proxies"][proxy]
    defaults = registry.describe("proxies", chosen["implementation"]).options
    return {**defaults, **registry.options_of(chosen)}.get(name)


def trainer_of(catalogue: Catalogue, proxy: str) -> str | None:
    """Id of the trainer that a proxy is trained by."""
    return option(catalogue, proxy, "trainer")


def augmentation_of(catalogue: Catalogue, proxy: str) -> str | None:
    """Id of the augmentation whose cached views a proxy is trained on."""
    return option(catalogue, proxy, "augmentation")


def starts_from_class_names(catalogue: Catalogue, proxy: str) -> bool:
    """Whether a proxy needs the zero-shot classifier."""
    return option(catalogue, proxy, "start") == "zero-shot"


def components(
    catalogue: Catalogue, kind: str, name: str, backbone: str | None = None
) -> list[LoadedByName]:
    """(kind, implementation, options) of all that a job loads by name for one entry."""
    chosen = catalogue[kind][name]
    found: list[LoadedByName] = [(kind, chosen["implementation"], registry.options_of(chosen))]
    if kind == "proxies":
        if trainer := trainer_of(catalogue, name):
            found += components(catalogue, "trainers", trainer)
        if backbone and needs_images(catalogue, name):
            found += components(catalogue, "backbones", backbone)
    return found


def refreshed_after(catalogue: Catalogue, proxy: str, number: int) -> int | None:
    """The round after which the pool that round `number` sees was re-embedded, if it was."""
    return refreshing.refreshed_after(option(catalogue, proxy, "refresh_every"), number)


def trainer_starts_from_class_names(catalogue: Catalogue, trainer: str) -> bool:
    """Whether a trainer needs the zero-shot classifier."""
    training: Mapping[str, Any] = catalogue["trainers"][trainer].get("training") or {}
    return training.get("head") == "zero-shot"


def needs(experiment: Experiment, catalogue: Catalogue) -> dict[str, Any]:
    """What the experiment's proxies and trainers need, as JSON values; see `plan.Needs`.

    `augmentation`: proxy → id; `refresh`: proxy → `every` and `trainer`; `class_names`: the
    "proxies" and "trainers" that start from the class names; `images`: the proxies on images;
    `replays`, if there are any: strategies that buy recorded lists → others to compare them with.
    """
    proxies = sorted({ids["proxy"] for ids in experiment.settings()})
    refresh = {
        proxy: {"every": every, "trainer": trainer_of(catalogue, proxy)}
        for proxy in proxies
        if (every := option(catalogue, proxy, "refresh_every"))
    }
    trainers = {ids["trainer"] for ids in experiment.finetunings()}
    trainers |= {chosen["trainer"] for chosen in refresh.values()}
    return {
        "augmentation": {
            proxy: augmentation
            for proxy in proxies
            if (augmentation := augmentation_of(catalogue, proxy))
        },
        "refresh": refresh,
        "class_names": {
            "proxies": [name for name in proxies if starts_from_class_names(catalogue, name)],
            "trainers": [
                name
                for name in sorted(trainers)
                if trainer_starts_from_class_names(catalogue, name)
            ],
        },
        "images": [name for name in proxies if needs_images(catalogue, name)],
        # Named only where there are any, so that results of other experiments stay valid.
        **({"replays": replays} if (replays := pairs(experiment, catalogue)) else {}),
    }


def pattern(catalogue: Catalogue, *, needs_torch: bool) -> str:
    """A regular expression for the ids of the proxies that need torch, or of the others."""
    names = [
        name
        for name, entry in catalogue["proxies"].items()
        if not registry.problem_of("proxies", entry["implementation"])
        and info(catalogue, name)["needs_torch"] == needs_torch
    ]
    # A pattern that matches nothing, if there are none.
    return "|".join(sorted(names)) or "(?!)"
