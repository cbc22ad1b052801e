"""Where a campaign stands: all facts so far, and what they say of the pool as it is now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from labelbench_core.campaign.answers.answer import Answer
from labelbench_core.campaign.answers.classes import ClassHistory
from labelbench_core.campaign.answers.formats.handed import Expected
from labelbench_core.campaign.answers.labels import ItemLabel, Labels, State, labels_of
from labelbench_core.campaign.answers.ledger import Receipt, receipts
from labelbench_core.campaign.arrivals import (
    Arrivals,
    PresentItems,
    present_items,
    read_arrivals,
    record_arrival,
)
from labelbench_core.campaign.audit.order import (
    AuditOrder,
    draw_stratum,
    read_order,
    record_stratum,
)
from labelbench_core.campaign.batches import StoredBatch, read_batches
from labelbench_core.campaign.class_history import class_history, names_in
from labelbench_core.campaign.models import RowLabels
from labelbench_core.campaign.pool import CampaignPool
from labelbench_core.campaign.settings import Campaign


@dataclass(frozen=True)
class CampaignState:
    """All facts of a campaign so far.

    Attributes
    ----------
    arrivals, present
        All items that the pool has had, and those that it has now.
    order
        The random order of the audit.
    batches
        What was handed out.
    receipts
        What was answered, file by file.
    history
        The classes from the first batch until today.
    labels
        What all answers say, in today's names.
    """

    campaign: Campaign
    arrivals: Arrivals
    present: PresentItems
    order: AuditOrder
    batches: Sequence[StoredBatch]
    receipts: Sequence[Receipt]
    history: ClassHistory
    labels: Labels

    @cached_property
    def answers(self) -> list[Answer]:
        """All answers, in order of receipt, each with its batch."""
        return answers_with_batches(self.receipts, self.batches)

    @cached_property
    def row_of(self) -> Mapping[str, int]:
        """Item → its row in the pool, of all items that the pool has now."""
        number = self.present.number.tolist()
        return {self.arrivals.items[one]: row for row, one in enumerate(number)}

    @cached_property
    def handed_out(self) -> frozenset[str]:
        """All items of all batches."""
        return frozenset(item["item"] for batch in self.batches for item in batch.record["items"])

    @cached_property
    def audit(self) -> Mapping[str, int]:
        """Item → its stratum, of all items that are reserved for the audit.

        Items that were answered without having been handed out are released: whoever answered did
        not know which rows are the audit's, so that the others of it are a random part of the rows
        that are left.
        """
        reserved = self.order.stratum_of().items()
        return {item: one for item, one in reserved if item not in self.unasked}

    @cached_property
    def apart(self) -> frozenset[str]:
        """Items answered before any row of their stratum was handed out: the audit is of others.

        Rows that are answered later, without having been asked for, are chosen from what has been
        left: the audit's rows that were handed out before stand for them, too.
        """
        found = set[str]()
        if not self.unasked:  # as in most campaigns; strata may have a million rows
            return frozenset(found)
        for stratum in self.order.strata:
            own = set(stratum.items)
            places = (
                place
                for place, batch in enumerate(self.batches)
                if any(one["item"] in own for one in batch.record["items"])
            )
            first = next(places, len(self.batches))
            found |= {one for one in own & self.unasked.keys() if self.unasked[one] <= first}
        return frozenset(found)

    @cached_property
    def unasked(self) -> Mapping[str, int]:
        """Item → number of the last batch before its first answer, which no batch had asked for.

        Labels from before the campaign, for instance, are of number 0; see `apart` for what they
        are to the audit.
        """
        return unasked_answers(self.receipts, self.batches)

    def answered(self, batch: StoredBatch) -> int:
        """How many items of a batch have been answered, whatever became of their classes since."""
        with_it = self._answered_with(batch)
        return sum(
            item["item"] in with_it or self._holds(item["item"]) for item in batch.record["items"]
        )

    def _answered_with(self, batch: StoredBatch) -> frozenset[str]:
        """Items with an answer that names the batch."""
        return frozenset(one.item for one in self.answers if one.batch == batch.name)

    def _holds(self, item: str) -> bool:
        """Whether an item has an answer that holds today."""
        found = self.labels.items.get(item)
        return found is not None and found.state is not State.ASK_AGAIN

    def candidates(self) -> np.ndarray:
        """(k,) int64 rising rows that a strategy may propose: neither of the audit nor handed out.

        Nor do they have an answer that nobody was asked for.
        Items whose class was split since are asked for again (`to_ask_again`), without a strategy.
        """
        taken = self.handed_out | self.audit.keys() | self.unasked.keys()
        free = [row for item, row in self.row_of.items() if item not in taken]
        return np.sort(np.array(free, np.int64))

    def waited_for(self) -> list[str]:
        """Items that were handed out, are not of the audit, and have no answer that holds."""
        return [
            item
            for item in self.handed_out
            if item in self.row_of and item not in self.audit and not self._holds(item)
        ]

    def audit_waited_for(self) -> list[str]:
        """Items of the audit that were handed out and have no answer that holds."""
        return [
            item
            for item in self.handed_out
            if item in self.row_of and item in self.audit and not self._holds(item)
        ]

    def to_ask_again(self) -> list[str]:
        """Items, in order, whose only answers name a class that was split since.

        Items of the last batch without an answer in it are left out: they are being asked.
        """
        asked: set[str] = set()
        if self.batches:
            asked = {item["item"] for item in self.batches[-1].record["items"]}
            asked -= self._answered_with(self.batches[-1])
        return [one for one in self.labels.ask_again if one in self.row_of and one not in asked]

    def training_labels(self) -> RowLabels:
        """Labels to train on: of all labelled rows but those of the audit, in order of batches.

        Rows that were in no batch come first, in order of their first answers.
        Where rows have several labels, those on which annotators could not say something of every
        class are left out.
        """
        known = [
            (self.row_of[one.item], one)
            for one in self._labelled()
            if one.item not in self.audit and one.item in self.row_of
        ]
        rows = np.array([row for row, _ in known], np.int64)
        return RowLabels(rows, self.values_of([one for _, one in known]))

    def audited(self) -> list[ItemLabel]:
        """What is known of every audit item that was answered and that the pool still has."""
        return [
            one
            for item, one in self.labels.items.items()
            if item in self.audit and item in self.row_of and one.state is not State.ASK_AGAIN
        ]

    def _labelled(self) -> list[ItemLabel]:
        order: dict[str, int] = {}
        for batch in self.batches:
            for item in batch.record["items"]:
                order.setdefault(item["item"], len(order))
        found = [one for one in self.labels.items.values() if self.is_decided(one)]
        return sorted(found, key=lambda one: order.get(one.item, -1))

    def is_decided(self, one: ItemLabel) -> bool:
        """Whether its answers name its class, or say of every class whether it belongs to it."""
        return one.state is State.LABELED and not (self.campaign.multilabel and one.silent_on)

    def values_of(self, labelled: Sequence[ItemLabel]) -> np.ndarray:
        """Labels of decided items as numbers of today's classes: see `label_values`."""
        return label_values([one.label for one in labelled], self.history, self.campaign.multilabel)


def label_values(
    labels: Sequence[str | tuple[str, ...] | None], history: ClassHistory, multilabel: bool
) -> np.ndarray:
    """(n,) int64 classes of labels in today's names; with several labels (n, C) uint8."""
    place = {name: number for number, name in enumerate(history.classes)}
    if not multilabel:
        return np.array([place[str(one)] for one in labels], np.int64)
    values = np.zeros((len(labels), len(place)), np.uint8)
    for row, names in enumerate(labels):
        values[row, [place[name] for name in names or ()]] = 1
    return values


def read_state(campaign: Campaign, pool: CampaignPool) -> tuple[CampaignState, list[int]]:
    """Read all facts of a campaign; also the rows of its pool that are new.

    Raises
    ------
    InputError
        If a fact is not as it was written, or contradicts the campaign's file or its pool.
    """
    arrivals = read_arrivals(campaign.folder, campaign.campaign)
    present, new = present_items(arrivals, pool.items, pool.digests)
    batches = read_batches(campaign.folder, campaign.campaign)
    received = receipts(campaign.folder)
    history = class_history(
        campaign.classes,
        campaign.class_changes,
        [batch.record["classes"] for batch in batches],
        names_in(answer.label for one in received for answer in one.answers),
        f"campaign {campaign.campaign}",
    )
    state = CampaignState(
        campaign=campaign,
        arrivals=arrivals,
        present=present,
        order=read_order(campaign.folder, campaign.campaign),
        batches=batches,
        receipts=received,
        history=history,
        labels=labels_of(
            answers_with_batches(received, batches),
            history,
            method=campaign.agreement,
            offered={batch.name: batch.record["classes"] for batch in batches},
        ),
    )
    return state, new


def take_in(state: CampaignState, pool: CampaignPool, new: Sequence[int]) -> None:
    """Record the rows that have come to the pool, and draw and reserve their part of the audit."""
    campaign = state.campaign
    items = [pool.items[row] for row in new]
    arrivals = record_arrival(
        campaign.folder,
        campaign.campaign,
        state.arrivals,
        items,
        [pool.digests[row] for row in new],
    )
    order = state.order
    # A kill between the two leaves an arrival without an order; it is drawn now.
    for number in range(len(order.strata) + 1, int(arrivals.arrival.max(initial=0)) + 1):
        come = np.flatnonzero(arrivals.arrival == number).tolist()
        own = [arrivals.items[one] for one in come]
        stratum = draw_stratum(order, own, campaign.audit, campaign.campaign, campaign.seed)
        order = record_stratum(campaign.folder, campaign.campaign, order, stratum)


def expected_answers(state: CampaignState) -> Expected:
    """What files of answers may say."""
    handed = {
        batch.name: [item["item"] for item in batch.record["items"]] for batch in state.batches
    }
    names = dict.fromkeys([*state.history.names, *state.campaign.classes])
    return Expected(handed, tuple(names), state.campaign.multilabel, state.arrivals.items)


def unasked_answers(received: Sequence[Receipt], batches: Sequence[StoredBatch]) -> dict[str, int]:
    """See `CampaignState.unasked`."""
    number = {receipt.sha256: receipt.number for receipt in received}
    after = [number.get(batch.record["answers_sha256"] or "", 0) for batch in batches]
    first: dict[str, int] = {}
    for place, batch in enumerate(batches):
        for item in batch.record["items"]:
            first.setdefault(item["item"], place)
    found: dict[str, int] = {}
    seen = set[str]()
    for receipt in received:
        handed = sum(one < receipt.number for one in after)
        for answer in receipt.answers:
            if answer.item not in seen and first.get(answer.item, handed) >= handed:
                found[answer.item] = handed
            seen.add(answer.item)
    return found


def answers_with_batches(
    received: Sequence[Receipt], batches: Sequence[StoredBatch]
) -> list[Answer]:
    """All answers, in order of receipt; one that names no batch has the last that its item was in.

    Only batches that had been handed out when it was received count.
    """
    number = {receipt.sha256: receipt.number for receipt in received}
    handed: dict[str, list[tuple[int, str]]] = {}
    for batch in batches:
        after = number.get(batch.record["answers_sha256"] or "", 0)
        for item in batch.record["items"]:
            handed.setdefault(item["item"], []).append((after, batch.name))
    found: list[Answer] = []
    for receipt in received:
        for answer in receipt.answers:
            if answer.batch is None:
                came = [
                    name for after, name in handed.get(answer.item, ()) if after < receipt.number
                ]
                found.append(replace(answer, batch=came[-1]) if came else answer)
            else:
                found.append(answer)
    return found
