"""What a campaign's file must name and must not combine, before anything runs."""

from collections.abc import Iterator, Mapping
from typing import Any

from labelbench_core import registry
from labelbench_core.annotators import EXACT
from labelbench_core.campaign.advice.asked import info_of_proxy, is_of_embeddings
from labelbench_core.campaign.advice.choice import USUAL_PROXY, USUAL_STRATEGY
from labelbench_core.campaign.finish_settings import NO_TRAINER, finish_errors
from labelbench_core.configuration.catalogue import Catalogue
from labelbench_core.configuration.compatibility.multilabel import is_multilabel
from labelbench_core.datasets.labels.unlabeled import has_labels
from labelbench_core.errors import InputError, did_you_mean, listed, shown

ALWAYS = frozenset({"embeddings", "labeled", "labels", "num_classes", "held_out"})
"""What a strategy finds in its pool with any proxy."""
FROM_NAMES = frozenset({"embeddings", "probabilities"})
"""What the first strategy finds where a text tower classifies by class names."""
FIRST, ZERO_SHOT = "typiclust", "first.zero-shot"
STRATEGY, PROXY = USUAL_STRATEGY, USUAL_PROXY
"""What is checked before it is known what our own results recommend."""
ESTIMATOR = "plain"


def share_of(text: str) -> float:
    """0.1 for "10%"."""
    return float(text.removesuffix("%")) / 100


def named_entries(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(kind, id) of all entries that a campaign names, its defaults included."""
    yield "datasets", config["pool"]
    yield "backbones", config["backbone"]
    yield "proxies", config.get("proxy", PROXY)
    for name in strategies_of(config).values():
        yield "strategies", name
    if (annotator := _annotator(config)) is not None:
        yield "annotators", annotator
    if (trainer := config.get("finish", {}).get("trainer", NO_TRAINER)) != NO_TRAINER:
        yield "trainers", trainer


def strategies_of(config: Mapping[str, Any]) -> dict[str, str]:
    """Key → id of a strategy."""
    return {
        "strategy": config.get("strategy", STRATEGY),
        **dict([first_of(config)]),
    }


def first_of(config: Mapping[str, Any]) -> tuple[str, str]:
    """(key, id) of the strategy of the first batch."""
    first: Any = config.get("first", FIRST)
    return (ZERO_SHOT, first["zero-shot"]) if isinstance(first, dict) else ("first", first)


def unknown_entries(config: Mapping[str, Any], catalogue: Catalogue) -> Iterator[str]:
    """Ids that the catalogue does not have."""
    named = {"pool": ("datasets", config["pool"]), "backbone": ("backbones", config["backbone"])}
    named["proxy"] = ("proxies", config.get("proxy", PROXY))
    named |= {key: ("strategies", name) for key, name in strategies_of(config).items()}
    if (annotator := _annotator(config)) is not None:
        named["rehearsal.annotator"] = ("annotators", annotator)
    for key, (kind, name) in named.items():
        if name not in catalogue[kind]:
            hint = did_you_mean(name, catalogue[kind])
            told = f"{key}: {shown(name)} is not in the catalogue of {kind}{hint}"
            yield f"{told}; allowed: {listed(sorted(catalogue[kind]))}"


def misfits(config: Mapping[str, Any], catalogue: Catalogue) -> Iterator[str]:
    """Values that do not go together, as lines."""
    pool = config["pool"]
    labelled = has_labels(catalogue["datasets"][pool])
    if "rehearsal" in config:
        yield from _of_rehearsal(config, catalogue)
    elif labelled:
        told = f"pool: {shown(pool)} has labels"
        yield f"{told}; allowed: a data set whose pool has none (`unlabeled: true`), or `rehearsal`"
    elif is_multilabel(catalogue, pool):
        told = f"pool: {shown(pool)} has `multilabel` among its options"
        yield f"{told}; allowed: `multilabel` in the campaign's file instead"
    classes = config.get("classes", ())
    if "rehearsal" not in config and not classes:
        yield "classes: missing; allowed: a list of at least two names of classes"
    folded = {name.strip().casefold() for name in classes}
    if len(folded) < len(classes):
        told = f"classes: {listed(classes)}"
        yield f"{told}; allowed: names that differ in more than upper case and blanks"
    name = config.get("proxy", PROXY)
    if not is_of_embeddings(name, catalogue):
        yield f"proxy: {shown(name)}; allowed: one that is trained on embeddings alone"
    info = info_of_proxy(name, catalogue)
    for key, strategy in strategies_of(config).items():
        yield from strategy_misfits(key, strategy, config, catalogue, info)
        if key == ZERO_SHOT:
            yield from _of_zero_shot(config, catalogue)
    yield from finish_errors(config, catalogue, multilabel=is_multilabel_of(config, catalogue))
    if "target" in config and not 0 < share_of(config["target"]) < 1:
        yield f"target: {shown(config['target'])}; allowed: a share above 0% and below 100%"
    if "estimator" in config:
        # Not imported by plans of campaigns that do not ask for one.
        from labelbench_core.campaign.audit.estimators import check_estimator

        try:
            # No strategy of this version records how probable it was that it proposes a row.
            check_estimator(
                config["estimator"],
                config.get("strategy", STRATEGY),
                records_probabilities=False,
                trained_without_row=False,
            )
        except InputError as error:
            yield str(error)


def _of_zero_shot(config: Mapping[str, Any], catalogue: Catalogue) -> Iterator[str]:
    """What keeps a classifier from being made of the class names."""
    name = config["backbone"]
    if not registry.describe("backbones", catalogue["backbones"][name]["implementation"]).info.get(
        "text"
    ):
        told = f"{ZERO_SHOT}: the backbone {shown(name)} has no text tower"
        yield f"{told}; allowed: one of the implementation open-clip-model, or the id of a strategy"
    if is_multilabel_of(config, catalogue):
        told = f"{ZERO_SHOT}: given with rows that have several labels"
        yield f"{told}; allowed: the id of a strategy"


def _of_rehearsal(config: Mapping[str, Any], catalogue: Catalogue) -> Iterator[str]:
    """What keeps a campaign from being rehearsed on its pool."""
    pool = config["pool"]
    if not has_labels(catalogue["datasets"][pool]):
        told = f"rehearsal: the pool {shown(pool)} has no labels"
        yield f"{told}; allowed: a data set with labels, or no `rehearsal`"
    for key in ("classes", "class_changes", "multilabel", "folder"):
        if key in config:
            yield f"{key}: given with `rehearsal`; allowed: none, it is the pool's"
    if _annotator(config) is not None and is_multilabel(catalogue, pool):
        told = f"rehearsal.annotator: {shown(_annotator(config))}, where rows have several labels"
        yield f"{told}; allowed: none, the labels of the pool are given"


def _annotator(config: Mapping[str, Any]) -> str | None:
    """Id of the annotator of a rehearsal; None where it gives the pool's own labels."""
    name = config.get("rehearsal", {}).get("annotator", EXACT)
    return None if name == EXACT else name


def is_multilabel_of(config: Mapping[str, Any], catalogue: Catalogue) -> bool:
    """Whether a row can belong to any number of classes."""
    if "rehearsal" in config:
        return is_multilabel(catalogue, config["pool"])
    return config.get("multilabel", False)


def strategy_misfits(
    key: str,
    name: str,
    config: Mapping[str, Any],
    catalogue: Catalogue,
    proxy: Mapping[str, Any],
) -> Iterator[str]:
    """What keeps a strategy from choosing batches that people label."""
    entry = catalogue["strategies"][name]
    info = registry.describe("strategies", entry["implementation"]).info
    needs = registry.needs(entry["implementation"], registry.options_of(entry))
    told = f"{key}: {shown(name)}"
    if info["kind"] == "sequential":
        yield f"{told} asks for one label after the other; allowed: one that chooses whole batches"
    elif info["kind"] == "ceiling":
        yield f"{told} sees hidden labels; allowed: a strategy that does not"
    elif "recorded" in needs:
        yield f"{told} buys what was bought elsewhere; allowed: a strategy that chooses"
    elif key == "first" and needs - {"embeddings"}:
        rest = listed(sorted(needs - {"embeddings"}))
        yield f"{told} needs {rest}; allowed: one that needs embeddings alone"
    elif key == ZERO_SHOT and needs - FROM_NAMES:
        rest = listed(sorted(needs - FROM_NAMES))
        yield f"{told} needs {rest}; allowed: one that needs embeddings and probabilities alone"
    elif missing := needs - ALWAYS - {*proxy.get("provides", ())}:
        offers = listed(sorted(proxy.get("provides", ())))
        yield f"{told} needs {listed(sorted(missing))}; the proxy provides: {offers}"
    elif is_multilabel_of(config, catalogue) and not info["multilabel"]:
        yield f"{told} is not defined for several labels a row; allowed: another strategy"
    elif not is_multilabel_of(config, catalogue) and info["multilabel"] == "only":
        yield f"{told} is for several labels a row; allowed: another strategy"
