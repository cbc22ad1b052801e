"""A campaign's file: what its keys mean, checked against the schema and the catalogue."""

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labelbench_core import registry
from labelbench_core.annotators import EXACT
from labelbench_core.campaign.advice.asked import advice_for
from labelbench_core.campaign.advice.kept import CHOSEN
from labelbench_core.campaign.answers.labels import MAJORITY
from labelbench_core.campaign.class_history import check_classes
from labelbench_core.campaign.file_checks import (
    ESTIMATOR,
    first_of,
    is_multilabel_of,
    misfits,
    named_entries,
    share_of,
    strategy_misfits,
    unknown_entries,
)
from labelbench_core.campaign.finish_settings import finish_of, starts_from_proxy
from labelbench_core.configuration.catalogue import Catalogue, wrong_entries
from labelbench_core.configuration.experiment import Crossing, Experiment
from labelbench_core.configuration.schemas import schema_errors
from labelbench_core.errors import InputError, raise_all
from labelbench_core.storage.places import printable

SCHEMA = "campaign.schema.json"


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
    finish
        `trainer`, an entry of the catalogue with its id, or None; `onnx`; and `look_below`, a
        share.
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
    agreement: str = MAJORITY
    suggestions: bool = False
    seed: int = 0
    estimator: str = ESTIMATOR
    target: float | None = None
    prices: Mapping[str, Any] | None = None
    advice: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    rehearsal: Mapping[str, Any] | None = None
    finish: Mapping[str, Any] | None = None

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

    def for_page(self) -> "Campaign":
        """Without what only its end depends on."""
        return dataclasses.replace(self, finish=None)

    def for_batches(self) -> "Campaign":
        """Without what only its page tells: a change of that has no influence on batches."""
        return dataclasses.replace(self.for_page(), target=None, prices=None)

    def for_finishing(self) -> "Campaign":
        """Without what only its batches and its page depend on."""
        return dataclasses.replace(
            self,
            first=self.strategy,
            batch_size=1,
            audit_share=0.0,
            next_batch_at=0.0,
            suggestions=False,
            target=None,
            prices=None,
            advice={},
            zero_shot=False,
            # These are in its collected labels.
            folder=Path(),
            classes=(),
            class_changes=(),
            audit=None,
            agreement=MAJORITY,
            finish={key: value for key, value in (self.finish or {}).items() if key != "onnx"},
        )

    def for_tuning(self) -> "Campaign":
        """Without what has no influence on the network that is fine-tuned at its end."""
        trainer = (self.finish or {}).get("trainer")
        found = dataclasses.replace(
            self.for_finishing(), estimator=ESTIMATOR, finish={"trainer": trainer}
        )
        if trainer and starts_from_proxy(trainer):
            return found
        return dataclasses.replace(found, proxy={}, strategy={}, first={})

    def for_labels(self) -> "Campaign":
        """Without what has no influence on its labels."""
        return dataclasses.replace(
            self.for_batches(),
            proxy={},
            strategy={},
            first={},
            batch_size=1,
            audit_share=0.0,
            next_batch_at=0.0,
            suggestions=False,
            advice={},
            zero_shot=False,
            estimator=ESTIMATOR,
        )


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
    raise_all(wrong_entries(catalogue, named_entries(config)))
    raise_all(f"{file}: {line}" for line in unknown_entries(config, catalogue))
    raise_all(f"{file}: {line}" for line in misfits(config, catalogue))
    kept = folder / config.get("folder", config["campaign"])
    if not kept.is_dir() and os.path.lexists(kept):
        told = f"{file}: folder: {printable(kept)} is no folder"
        raise InputError(f"{told}; allowed: a folder, or one that is not there yet")
    if "rehearsal" not in config:
        changes = tuple(config.get("class_changes", ()))
        check_classes(config["classes"], changes, kept, file)
    advice = _advice(config, catalogue, kept)
    config = {**config, **{key: one[CHOSEN] for key, one in advice.items()}}
    return Campaign(
        campaign=config["campaign"],
        folder=kept,
        pool=config["pool"],
        backbone=config["backbone"],
        proxy=_entry(catalogue, "proxies", config["proxy"]),
        strategy=_entry(catalogue, "strategies", config["strategy"]),
        first=_entry(catalogue, "strategies", first_of(config)[1]),
        zero_shot=first_of(config)[0] != "first",
        classes=tuple(config.get("classes", ())),
        class_changes=tuple(config.get("class_changes", ())),
        multilabel=is_multilabel_of(config, catalogue),
        batch_size=config.get("batch_size", 100),
        audit=_amount(config.get("audit")),
        audit_share=share_of(config.get("audit_share", "10%")),
        next_batch_at=share_of(config.get("next_batch_at", "100%")),
        agreement=config.get("agreement", MAJORITY),
        suggestions=config.get("suggestions", False),
        seed=config.get("seed", 0),
        estimator=config.get("estimator", ESTIMATOR),
        target=share_of(config["target"]) if "target" in config else None,
        prices=config.get("prices"),
        advice=advice,
        rehearsal=config.get("rehearsal"),
        finish=None
        if "rehearsal" in config
        else finish_of(config, catalogue, multilabel=is_multilabel_of(config, catalogue)),
    )


def _advice(config: Mapping[str, Any], catalogue: Catalogue, folder: Path) -> dict[str, Any]:
    """What our own results recommend for the strategy and the proxy that the file leaves out."""

    def is_allowed(strategy: str, proxy: Mapping[str, Any]) -> bool:
        return not any(strategy_misfits("strategy", strategy, config, catalogue, proxy))

    audit = share_of(config.get("audit_share", "10%"))
    labels = max(round(config.get("batch_size", 100) * (1 - audit)), 1)
    multilabel = is_multilabel_of(config, catalogue)
    return advice_for(config, catalogue, folder, labels, multilabel, is_allowed)


def _amount(value: int | str | None) -> int | float | None:
    return share_of(value) if isinstance(value, str) else value


def _entry(catalogue: Catalogue, kind: str, name: str) -> Mapping[str, Any]:
    return {"id": name, **catalogue[kind][name]}
