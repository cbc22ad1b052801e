"""What a campaign's file says of its end: the key `finish`, checked against the catalogue."""

from collections.abc import Iterator, Mapping
from typing import Any

from labelbench_core import registry
from labelbench_core.campaign.advice.choice import USUAL_PROXY
from labelbench_core.configuration.catalogue import Catalogue
from labelbench_core.datasets.rows.row_kinds import rows_of
from labelbench_core.errors import did_you_mean, listed, shown
from labelbench_core.registry.info import IMAGES
from labelbench_core.training.recipe import Recipe

LOOK_BELOW = "90%"
NO_TRAINER = "none"
MEMBERS = "member_probabilities"
SEMI_SUPERVISED, SUPERVISED = "finetune-flexmatch", "finetune-supervised"
"""Trainers of networks that can be trained, where the file names none: rows with one class, with
several. End to end, the mean of FlexMatch was above that of supervised training in all four of our
comparisons, by 1.3 to 2.9 points, surely so in one (docs/results.md)."""


def trainer_of(config: Mapping[str, Any], catalogue: Catalogue, *, multilabel: bool) -> str | None:
    """Id of the trainer of the model that is handed over; None: the proxy is.

    Parameters
    ----------
    config
        Content of a campaign's file, whose pool and backbone are in the catalogue.
    """
    asked = config.get("finish", {}).get("trainer")
    if asked is not None:
        return None if asked == NO_TRAINER else asked
    if _fixed(config, catalogue):
        return None
    default = SUPERVISED if multilabel else SEMI_SUPERVISED
    return default if default in catalogue["trainers"] else None


def finish_of(
    config: Mapping[str, Any], catalogue: Catalogue, *, multilabel: bool
) -> dict[str, Any]:
    """`trainer`, the catalogue's entry with its id, or None; `onnx`; `look_below`, a share."""
    asked = config.get("finish", {})
    name = trainer_of(config, catalogue, multilabel=multilabel)
    return {
        "trainer": None if name is None else {"id": name, **catalogue["trainers"][name]},
        "onnx": asked.get("onnx", False),
        "look_below": float(asked.get("look_below", LOOK_BELOW).removesuffix("%")) / 100,
    }


def starts_from_proxy(trainer: Mapping[str, Any]) -> bool:
    """Whether a trainer's entry starts from the classifier of the proxy."""
    return Recipe.from_options(trainer.get("training")).head == "proxy"


def finish_errors(
    config: Mapping[str, Any], catalogue: Catalogue, *, multilabel: bool
) -> Iterator[str]:
    """What keeps a campaign from being finished as its file asks, as lines."""
    asked = config.get("finish", {})
    if asked and "rehearsal" in config:
        yield "finish: given with `rehearsal`; allowed: one of the two"
        return
    if asked.get("onnx") and rows_of(_entry(config, catalogue, "datasets")) != IMAGES:
        yield "finish.onnx: true, and the rows of the pool are no images; allowed: false"
    name = asked.get("trainer")
    if name in (None, NO_TRAINER):
        if asked.get("onnx"):
            yield from _not_linear(config, catalogue, "finish.onnx: true", "false", name)
        return
    told = f"finish.trainer: {shown(name)}"
    if name not in catalogue["trainers"]:
        hint = did_you_mean(name, catalogue["trainers"])
        allowed = listed([NO_TRAINER, *sorted(catalogue["trainers"])])
        yield f"{told} is not in the catalogue of trainers{hint}; allowed: {allowed}"
        return
    if reason := _fixed(config, catalogue):
        yield f"{told}: {reason}; allowed: {NO_TRAINER}"
        return
    entry = catalogue["trainers"][name]
    info = registry.describe("trainers", entry["implementation"]).info
    if multilabel and not info.get("multilabel"):
        yield f"{told} is not defined for several labels a row; allowed: another trainer"
    if multilabel and registry.options_of(entry).get("class_weights") == "balanced":
        yield f"{told}: options.class_weights: 'balanced', with several labels a row; allowed: none"
    recipe = Recipe.from_options(entry.get("training"))
    if recipe.head == "zero-shot":
        yield f"{told}: training.head: 'zero-shot'; allowed in a campaign: fresh, proxy"
    if recipe.head == "proxy":
        yield from _not_linear(config, catalogue, f"{told}: training.head: 'proxy'", "fresh", name)
    if recipe.validation == "extra":
        yield f"{told}: training.validation: 'extra'; allowed in a campaign: none, held-out"


def _entry(config: Mapping[str, Any], catalogue: Catalogue, kind: str) -> str:
    key = {"datasets": "pool", "backbones": "backbone"}[kind]
    return catalogue[kind][config[key]]["implementation"]


def _fixed(config: Mapping[str, Any], catalogue: Catalogue) -> str:
    """Why the campaign's network cannot be trained; empty where it can be."""
    if rows_of(_entry(config, catalogue, "datasets")) != IMAGES:
        return "trains on images, and the pool has none"
    info = registry.describe("backbones", _entry(config, catalogue, "backbones")).info
    return (
        "" if info["trainable"] else "trains the network, and the backbone's is fixed by its file"
    )


def _not_linear(
    config: Mapping[str, Any], catalogue: Catalogue, told: str, allowed: str, trainer: str | None
) -> Iterator[str]:
    """A line where the proxy has no linear head and it, or a training from it, is asked for."""
    if trainer is None and not _fixed(config, catalogue):
        return  # the network is fine-tuned
    name = config.get("proxy", USUAL_PROXY)
    info = registry.describe("proxies", catalogue["proxies"][name]["implementation"]).info
    if not info.get("pretrained_head") or MEMBERS in info.get("provides", ()):
        of_proxy = f"{told}: the proxy {shown(name)} is no single linear head"
        yield f"{of_proxy}; allowed with it: {allowed}"
