"""Published settings beside an experiment's own, and panels of figures, as jobs are handed them.

What decides whether a setting is the published one stands in the catalogue: it is looked up when
the experiment is loaded (`reference_keys`), so that jobs need no catalogue.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from labelbench_core.annotators import EXACT


def written_setting(ids: Iterable[str]) -> str:
    """The ids of a setting as messages, tables and pages write them, without those left open."""
    return " / ".join(filter(None, ids))


@dataclass(frozen=True)
class PublishedReference:
    """A published setting that a setting of the experiment is shown beside.

    Attributes
    ----------
    name
        Name of the published setting.
    setting
        Ids of the experiment's setting: dataset, backbone, proxy, schedule, and the annotator
        unless it is the exact one.
    trainer
        The trainer whose fine-tunings are compared; "": the proxy's rounds are.
    differs
        How the two differ; if empty, they are the same setting, and numbers are compared.
    strategies
        The experiment's id of a strategy → the published name.
    validation_labels
        Number of labels, beside those bought, that models are chosen by.
    """

    name: str
    setting: Mapping[str, str]
    trainer: str = ""
    differs: tuple[str, ...] = ()
    strategies: Mapping[str, str] = field(default_factory=dict[str, str])
    validation_labels: int = 0

    @property
    def is_same(self) -> bool:
        """Whether numbers may be compared."""
        return not self.differs


@dataclass(frozen=True)
class Panel:
    """One panel of the figure `panels`.

    `setting` and `trainer` as in `PublishedReference`; `smoothing` "max" draws the running maximum
    of each seed; `y` are the axis' limits in the figure's unit, None: around what is drawn.
    """

    title: str
    setting: Mapping[str, str]
    split: str
    metric: str
    trainer: str = ""
    smoothing: Literal["none", "max"] = "none"
    y: tuple[float, float] | None = None
    reference: PublishedReference | None = None
    validation_labels: int = 0


def ids_in_tables(setting: Mapping[str, str]) -> dict[str, str]:
    """A setting's ids as tables have them: with the annotator, even if it is the exact one."""
    return {"annotator": EXACT, **setting}


def validation_note(labels: int) -> str:
    """How tables, legends and captions name labels that the original does not count."""
    return f"+{labels:,} validation labels, not counted by the original"


def validation_notes(experiment: Any) -> list[str]:
    """Which of an experiment's references and panels were trained with more labels than bought."""
    notes = [
        f"{written_setting([*one.setting.values(), one.trainer])}: "
        f"{validation_note(one.validation_labels)}"
        for one in (*experiment.references, *experiment.panels)
        if one.validation_labels
    ]
    return list(dict.fromkeys(notes))
