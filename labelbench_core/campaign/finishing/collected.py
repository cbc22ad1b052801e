"""All labels of a campaign at its end, as the jobs that finish it read them.

They do not read facts, which may grow meanwhile: what is trained, calibrated and told rests on the
same labels.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from labelbench_core.campaign.answers.answer import Label
from labelbench_core.campaign.answers.formats.table import label_cell
from labelbench_core.campaign.answers.labels import ItemLabel, State
from labelbench_core.campaign.finishing.pool_table import write_pool_table
from labelbench_core.campaign.models import RowLabels
from labelbench_core.campaign.notes import notes_of
from labelbench_core.campaign.pool import CampaignPool
from labelbench_core.campaign.standing.history import (
    AuditAnswers,
    BoughtRows,
    audit_answers,
    bought_rows,
    strata_of_rows,
)
from labelbench_core.campaign.state import CampaignState
from labelbench_core.errors import InputError
from labelbench_core.storage import files
from labelbench_core.storage.records import read_record, write_record

KIND = "campaign labels"
_OF_BOUGHT = ("batch", "reserved", "apart")


@dataclass(frozen=True)
class AnsweredItem:
    """What people said of a row, all answers together.

    Attributes
    ----------
    row, item
        Its row of the pool, and what it is called.
    state
        One of the values of `State`.
    label
        A class, or classes, in today's names; None unless people agree on one.
    confidence
        As of `ItemLabel`.
    annotators
        Who answered, in the order of their answers.
    batch
        Number of the batch in which it was handed out first; 0 where it was in none.
    seconds
        That all answers took together; None where none has a time.
    audit
        Whether it is of the audit: nothing was trained on it.
    """

    row: int
    item: str
    state: str
    label: Label | None
    confidence: float | None
    annotators: Sequence[str]
    batch: int
    seconds: float | None
    audit: bool


@dataclass(frozen=True)
class CollectedLabels:
    """All labels of a campaign.

    Attributes
    ----------
    record
        `campaign`, `classes`, `multilabel`, `batches`, `source` and `dataset_fingerprint` of the
        pool, `num_labeled`, `notes` (as `notes_of` gives them), `answers_sha256`, `items`.
    items
        Every row that was answered, in the order of the pool.
    training
        Labels to train on; those of the audit are not among them.
    audit
        What was answered of the audit.
    bought
        Those that are trained on, once more, with the rows that are reserved for the audit.
    stratum
        (N,) int64 of which stratum of the audit each row of the pool is, from 0.
    """

    record: Mapping[str, Any]
    items: Sequence[AnsweredItem]
    training: RowLabels
    audit: AuditAnswers
    bought: BoughtRows
    stratum: np.ndarray

    @property
    def classes(self) -> list[str]:
        """Today's names."""
        return self.record["classes"]

    @property
    def multilabel(self) -> bool:
        """Whether a row can belong to any number of classes."""
        return self.record["multilabel"]

    def require_pool(self, fingerprint: str) -> None:
        """`InputError` unless a pool with this fingerprint is that of the labels."""
        if self.record["dataset_fingerprint"] != fingerprint:
            raise InputError(
                f"campaign {self.record['campaign']}: its pool has changed since its labels were "
                "collected; run the same command again"
            )


def write_collected(
    state: CampaignState, pool: CampaignPool, record: Path, arrays: Path, table: Path
) -> dict[str, Any]:
    """Write all labels: a record, its arrays, and a table for people; the record.

    Raises
    ------
    InputError
        If there is no label to train on, or only labels of one class.
    """
    training, audit, bought = state.training_labels(), audit_answers(state), bought_rows(state)
    _require_classes(state, training)
    items = list(_answered(state))
    digest = files.write_npz(
        arrays,
        rows=training.rows,
        values=training.values,
        audit_rows=audit.rows,
        audit_decided=audit.decided,
        audit_labels=audit.labels,
        audit_stratum=audit.stratum,
        batch=bought.batch,
        reserved=bought.reserved,
        apart=bought.apart,
        stratum=strata_of_rows(state),
    )
    write_labels(table, pool, items, multilabel=state.campaign.multilabel)
    content = {
        "campaign": state.campaign.campaign,
        "classes": list(state.history.classes),
        "multilabel": state.campaign.multilabel,
        "batches": len(state.batches),
        "source": pool.source,
        "dataset_fingerprint": pool.dataset.manifest["fingerprint"],
        "num_labeled": len(training.rows),
        "notes": notes_of(state),
        "answers_sha256": state.receipts[-1].sha256 if state.receipts else None,
        "items": [vars(one) for one in items],
        "arrays_sha256": digest,
        "table_sha256": files.sha256_file(table),
    }
    return write_record(record, KIND, content)


def read_collected(record: Path, arrays: Path, campaign: str) -> CollectedLabels:
    """What `write_collected` wrote; `InputError` if it is damaged or of another campaign."""
    found = read_record(record, KIND, {"campaign": campaign})
    if files.sha256_file(arrays) != found["arrays_sha256"]:
        raise InputError(f"{arrays}: not the arrays that {record.name} names; delete both")
    values = files.read_npz(arrays)
    audit = AuditAnswers(
        *(values[f"audit_{key}"] for key in ("rows", "decided", "labels", "stratum"))
    )
    items = [
        AnsweredItem(
            **{**one, "label": _label(one["label"]), "annotators": tuple(one["annotators"])}
        )
        for one in found["items"]
    ]
    training = RowLabels(values["rows"], values["values"])
    labels = training.values.astype(bool) if training.values.ndim > 1 else training.values
    bought = BoughtRows(training.rows, labels, *(values[key] for key in _OF_BOUGHT))
    return CollectedLabels(found, items, training, audit, bought, values["stratum"])


def write_labels(
    path: Path, pool: CampaignPool, items: Sequence[AnsweredItem], *, multilabel: bool
) -> None:
    """The labels that people gave, as a table."""
    name = "labels" if multilabel else "label"
    header = ["item", name, "outcome", "confidence", "annotators", "batch", "seconds", "audit"]

    def cells(one: AnsweredItem) -> list[Any]:
        return [
            one.item,
            shown_label(one.label),
            one.state,
            "" if one.confidence is None else f"{one.confidence:.4f}",
            "; ".join(one.annotators),
            one.batch or "",
            "" if one.seconds is None else f"{one.seconds:g}",
            int(one.audit),
        ]

    write_pool_table(path, header, ((one.row, cells(one)) for one in items), pool)


def shown_label(label: Label | None) -> str:
    """A label as a cell of a table; empty where there is none."""
    if label is None:
        return ""
    return label if isinstance(label, str) else label_cell(label)


def _label(stored: Any) -> Label | None:
    return tuple(stored) if isinstance(stored, list) else stored


def _require_classes(state: CampaignState, training: RowLabels) -> None:
    campaign = f"campaign {state.campaign.campaign}"
    if not len(training.rows):
        raise InputError(
            f"{campaign}: finish: no row outside the audit has a label; allowed: after the first "
            "labels have come"
        )
    if training.values.ndim == 1 and len(np.unique(training.values)) < 2:
        name = state.history.classes[int(training.values[0])]
        raise InputError(
            f"{campaign}: finish: all {len(training.rows)} labels to train on are {name!r}; "
            "allowed: labels of two classes or more"
        )


def _answered(state: CampaignState) -> Iterator[AnsweredItem]:
    batch_of: dict[str, int] = {}
    for batch in state.batches:
        for one in batch.record["items"]:
            batch_of.setdefault(one["item"], batch.number)
    seconds: dict[str, float] = {}
    annotators: dict[str, dict[str, None]] = {}
    for answer in state.answers:
        annotators.setdefault(answer.item, {})[answer.annotator] = None
        if answer.seconds is not None:
            seconds[answer.item] = seconds.get(answer.item, 0.0) + answer.seconds
    there = [one for one in state.labels.items.values() if one.item in state.row_of]
    for one in sorted(there, key=lambda one: state.row_of[one.item]):
        yield AnsweredItem(
            row=state.row_of[one.item],
            item=one.item,
            state=one.state.value,
            label=one.label if _is_told(state, one) else None,
            confidence=one.confidence,
            annotators=tuple(annotators.get(one.item, ())),
            batch=batch_of.get(one.item, 0),
            seconds=seconds.get(one.item),
            audit=one.item in state.audit,
        )


def _is_told(state: CampaignState, one: ItemLabel) -> bool:
    """Whether people's answers are a whole label."""
    return one.state is State.LABELED and state.is_decided(one)
