"""A campaign's file: what its keys mean, checked against the schema and the catalogue."""

import dataclasses
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labelbench_core import registry
from labelbench_core.annotators import EXACT
from labelbench_core.campaign.advice.asked import advice_for, info_of_proxy, is_of_embeddings
from labelbench_core.campaign.advice.choice import USUAL_PROXY, USUAL_STRATEGY
from labelbench_core.campaign.advice.kept import CHOSEN
from labelbench_core.configuration.catalogue import Catalogue, wrong_entries
from labelbench_core.configuration.compatibility.multilabel import is_multilabel
from labelbench_core.configuration.experiment import Crossing, Experiment
from labelbench_core.configuration.schemas import schema_errors
from labelbench_core.datasets.labels.unlabeled import has_labels
from labelbench_core.errors import InputError, did_you_mean, listed, raise_all, shown
from labelbench_core.storage.places import printable

SCHEMA = "campaign.schema.json"
ALWAYS = frozenset({"embeddings", "labeled", "labels", "num_classes", "held_out"})
"""What a strategy finds in its pool with any proxy."""
FROM_NAMES = frozenset({"embeddings", "probabilities"})
"""What the first strategy finds where a text tower classifies by class names."""
FIRST, ZERO_SHOT = "typiclust", "first.zero-shot"
STRATEGY, PROXY = USUAL_STRATEGY, USUAL_PROXY
"""What is checked before it is known what our own results recommend."""
ESTIMATOR = "plain"


@dataclass(frozen=True)
class Campaign:
    """A labelling campaign, as its file asks for it.

    Attributes
    ----------
    campaign
        Its id.
    folder
        Where all batches and answers are kept.
    pool, backbone
        Ids of the data set and of the network that embeds it.
    proxy, strategy, first
        Entries of the catalogue, with their ids.
    zero_shot
        Whether `first` sees what the backbone's text tower makes of the class names.
    classes
        Names of today's classes.
    class_changes
        What became of former classes, in order.
    audit
        Number of rows, or a share of the pool (a float); None: the default.
    audit_share, next_batch_at
        Shares, 0 to 1.
    estimator
        How accuracy is estimated: one of `audit.estimators.ESTIMATORS`.
    target
        Accuracy to reach, a share; None: none.
    prices
        `label`, the price of a label, and `currency`; None: not known.
    advice
        Why `strategy` and `proxy` were chosen, where the file leaves them out: see `advice.kept`.
    rehearsal
        `batches`, and perhaps `annotator` and `seconds`, where an annotator answers instead of
        people, on a labelled pool; else None. Its classes are those of the pool.
    """

    campaign: str
    folder: Path
    pool: str
    backbone: str
    proxy: Mapping[str, Any]
    strategy: Mapping[str, Any]
    first: Mapping[str, Any]
    classes: tuple[str, ...]
    class_changes: tuple[Mapping[str, Any], ...] = ()
    multilabel: bool = False
    zero_shot: bool = False
    batch_size: int = 100
    audit: int | float | None = None
    audit_share: float = 0.1
    next_batch_at: float = 1.0
    agreement: str = "majority"
    suggestions: bool = False
    seed: int = 0
    estimator: str = ESTIMATOR
    target: float | None = None
    prices: Mapping[str, Any] | None = None
    advice: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    rehearsal: Mapping[str, Any] | None = None

    def as_experiment(self) -> Experiment:
        """The experiment that prepares and embeds its pool, and has no rounds."""
        crossing = Crossing(
            datasets=(self.pool,),
            backbones=(self.backbone,),
            proxies=(self.proxy["id"],),
            schedules=(),
            strategies=(),
            seeds=(self.seed,),
            rounds=1,
            annotators=((self.rehearsal or {}).get("annotator", EXACT),),
        )
        return Experiment(self.campaign, (crossing,), baseline="random", highlight="margin")

    @property
    def model_ids(self) -> dict[str, Any]:
        """What names a model that is trained: ids, and entries of the catalogue."""
        return {
            "campaign": self.campaign,
            "backbone": self.backbone,
            "seed": self.seed,
            "proxy": self.proxy,
            "strategy": self.strategy,
        }

    def components(self) -> list[tuple[str, str, Mapping[str, Any]]]:
        """(kind, implementation, options) of all that a call loads by name."""
        strategies = {one["id"]: one for one in (self.first, self.strategy)}
        found = [("proxies", self.proxy), *(("strategies", one) for one in strategies.values())]
        return [(kind, one["implementation"], registry.options_of(one)) for kind, one in found]

    def as_mapping(self) -> dict[str, Any]:
        """JSON values, from which `from_mapping` makes an equal campaign."""
        values = {one.name: getattr(self, one.name) for one in dataclasses.fields(self)}
        return {**values, "folder": str(self.folder)}

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> "Campaign":
        """The campaign that `as_mapping` gave."""
        tuples = {key: tuple(values[key]) for key in ("classes", "class_changes")}
        return cls(**{**values, **tuples, "folder": Path(values["folder"])})

    def for_batches(self) -> "Campaign":
        """Without what only its page tells: a change of that has no influence on batches."""
        return dataclasses.replace(self, target=None, prices=None)


def load_campaign(
    config: Mapping[str, Any], catalogue: Catalogue, schema_folder: Path, file: str, folder: Path
) -> Campaign:
    """Check a campaign's file.

    Parameters
    ----------
    config
        Content of the file.
    schema_folder
        Folder of the schemas.
    file
        Its name, for messages.
    folder
        The file's own folder, from which its paths start.

    Raises
    ------
    InputError
        All errors, one a line: file, key, value, what is allowed.
    """
    raise_all(schema_errors(config, schema_folder / SCHEMA, file))
    raise_all(wrong_entries(catalogue, _named(config)))
    raise_all(f"{file}: {line}" for line in _unknown(config, catalogue))
    raise_all(f"{file}: {line}" for line in _misfits(config, catalogue))
    kept = folder / config.get("folder", config["campaign"])
    if not kept.is_dir() and os.path.lexists(kept):
        told = f"{file}: folder: {printable(kept)} is no folder"
        raise InputError(f"{told}; allowed: a folder, or one that is not there yet")
    advice = _advice(config, catalogue, kept)
    config = {**config, **{key: one[CHOSEN] for key, one in advice.items()}}
    return Campaign(
        campaign=config["campaign"],
        folder=kept,
        pool=config["pool"],
        backbone=config["backbone"],
        proxy=_entry(catalogue, "proxies", config["proxy"]),
        strategy=_entry(catalogue, "strategies", config["strategy"]),
        first=_entry(catalogue, "strategies", _first(config)[1]),
        zero_shot=_first(config)[0] != "first",
        classes=tuple(config.get("classes", ())),
        class_changes=tuple(config.get("class_changes", ())),
        multilabel=_is_multilabel(config, catalogue),
        batch_size=config.get("batch_size", 100),
        audit=_amount(config.get("audit")),
        audit_share=share_of(config.get("audit_share", "10%")),
        next_batch_at=share_of(config.get("next_batch_at", "100%")),
        agreement=config.get("agreement", "majority"),
        suggestions=config.get("suggestions", False),
        seed=config.get("seed", 0),
        estimator=config.get("estimator", ESTIMATOR),
        target=share_of(config["target"]) if "target" in config else None,
        prices=config.get("prices"),
        advice=advice,
        rehearsal=config.get("rehearsal"),
    )


def _advice(config: Mapping[str, Any], catalogue: Catalogue, folder: Path) -> dict[str, Any]:
    """What our own results recommend for the strategy and the proxy that the file leaves out."""

    def is_allowed(strategy: str, proxy: Mapping[str, Any]) -> bool:
        return not any(_of_strategy("strategy", strategy, config, catalogue, proxy))

    audit = share_of(config.get("audit_share", "10%"))
    labels = max(round(config.get("batch_size", 100) * (1 - audit)), 1)
    multilabel = _is_multilabel(config, catalogue)
    return advice_for(config, catalogue, folder, labels, multilabel, is_allowed)


def share_of(text: str) -> float:
    """0.1 for "10%"."""
    return float(text.removesuffix("%")) / 100


def _amount(value: int | str | None) -> int | float | None:
    return share_of(value) if isinstance(value, str) else value


def _entry(catalogue: Catalogue, kind: str, name: str) -> Mapping[str, Any]:
    return {"id": name, **catalogue[kind][name]}


def _named(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(kind, id) of all entries that a campaign names, its defaults included."""
    yield "datasets", config["pool"]
    yield "backbones", config["backbone"]
    yield "proxies", config.get("proxy", PROXY)
    for name in _strategies(config).values():
        yield "strategies", name
    if (annotator := _annotator(config)) is not None:
        yield "annotators", annotator


def _strategies(config: Mapping[str, Any]) -> dict[str, str]:
    """Key → id of a strategy."""
    return {
        "strategy": config.get("strategy", STRATEGY),
        **dict([_first(config)]),
    }


def _first(config: Mapping[str, Any]) -> tuple[str, str]:
    """(key, id) of the strategy of the first batch."""
    first: Any = config.get("first", FIRST)
    return (ZERO_SHOT, first["zero-shot"]) if isinstance(first, dict) else ("first", first)


def _unknown(config: Mapping[str, Any], catalogue: Catalogue) -> Iterator[str]:
    """Ids that the catalogue does not have."""
    named = {"pool": ("datasets", config["pool"]), "backbone": ("backbones", config["backbone"])}
    named["proxy"] = ("proxies", config.get("proxy", PROXY))
    named |= {key: ("strategies", name) for key, name in _strategies(config).items()}
    if (annotator := _annotator(config)) is not None:
        named["rehearsal.annotator"] = ("annotators", annotator)
    for key, (kind, name) in named.items():
        if name not in catalogue[kind]:
            hint = did_you_mean(name, catalogue[kind])
            told = f"{key}: {shown(name)} is not in the catalogue of {kind}{hint}"
            yield f"{told}; allowed: {listed(sorted(catalogue[kind]))}"


def _misfits(config: Mapping[str, Any], catalogue: Catalogue) -> Iterator[str]:
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
    for key, strategy in _strategies(config).items():
        yield from _of_strategy(key, strategy, config, catalogue, info)
        if key == ZERO_SHOT:
            yield from _of_zero_shot(config, catalogue)
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
    if _is_multilabel(config, catalogue):
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


def _is_multilabel(config: Mapping[str, Any], catalogue: Catalogue) -> bool:
    """Whether a row can belong to any number of classes."""
    if "rehearsal" in config:
        return is_multilabel(catalogue, config["pool"])
    return config.get("multilabel", False)


def _of_strategy(
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
    elif _is_multilabel(config, catalogue) and not info["multilabel"]:
        yield f"{told} is not defined for several labels a row; allowed: another strategy"
    elif not _is_multilabel(config, catalogue) and info["multilabel"] == "only":
        yield f"{told} is for several labels a row; allowed: another strategy"
