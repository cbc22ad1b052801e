"""What follows from a proxy's entry in the catalogue: what it is trained by, and what it reads.

Used while the workflow is parsed; imports no proxy.
"""

from collections.abc import Mapping
from typing import Any

from labelbench_core import registry
from labelbench_core.catalogue import Catalogue


def entry(catalogue: Catalogue, kind: str, name: str) -> dict[str, Any]:
    """A catalogue entry with its id, as jobs get it: a proxy's trainer is an entry, too.

    Prompts are left out: they concern one rule only.
    """
    chosen = catalogue[kind][name]
    result = {"id": name, **{key: value for key, value in chosen.items() if key != "prompts"}}
    if kind == "proxies" and (trainer := trainer_of(catalogue, name)):
        options = {
            **(chosen.get("options") or {}),
            "trainer": entry(catalogue, "trainers", trainer),
        }
        result["options"] = options
    return result


def info(catalogue: Catalogue, proxy: str) -> Mapping[str, Any]:
    """`INFO` of a proxy's implementation."""
    return registry.describe("proxies", catalogue["proxies"][proxy]["implementation"]).info


def option(catalogue: Catalogue, proxy: str, name: str) -> Any:
    """The value of a proxy's option, its default included; None if it has no such option."""
    chosen = catalogue["proxies"][proxy]
    defaults = registry.describe("proxies", chosen["implementation"]).options
    return {**defaults, **(chosen.get("options") or {})}.get(name)


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
) -> list[tuple[str, str, Mapping[str, Any] | None]]:
    """(kind, implementation, options) of all that a job loads by name for one entry."""
    chosen = catalogue[kind][name]
    found = [(kind, chosen["implementation"], chosen.get("options"))]
    if kind == "proxies":
        if trainer := trainer_of(catalogue, name):
            found += components(catalogue, "trainers", trainer)
        if backbone and info(catalogue, name).get("needs_images"):
            found += components(catalogue, "backbones", backbone)
    return found


def refreshed_after(catalogue: Catalogue, proxy: str, number: int) -> int | None:
    """The round after which the pool that round `number` sees was embedded anew, if it was."""
    every = option(catalogue, proxy, "refresh_every")
    if not every or number <= every:
        return None
    return (number - 1) // every * every


def pattern(catalogue: Catalogue, *, needs_torch: bool) -> str:
    """A regular expression for the ids of the proxies that need torch, or of the others."""
    names = [
        name for name in catalogue["proxies"] if info(catalogue, name)["needs_torch"] == needs_torch
    ]
    # What matches nothing, if there are none.
    return "|".join(sorted(names)) or "(?!)"
