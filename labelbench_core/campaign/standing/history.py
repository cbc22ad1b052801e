"""What the models of a campaign predicted, batch by batch, for the rows that the pool has now."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from labelbench_core.campaign.batches import StoredBatch
from labelbench_core.campaign.state import CampaignState


@dataclass(frozen=True)
class PastModel:
    """A model that proposed a batch, by what it predicted.

    Attributes
    ----------
    batch
        The number of the batch that it proposed.
    num_labeled
        Labels that it was trained on.
    known
        (N,) bool whether it predicted each row of today's pool: those that came later it did not.
    predicted
        (N,) int64 predicted class, -1 where `known` is false; where a row can belong to any number
        of classes, (N, C) bool.
    confidence
        (N,) float32 probability that the prediction is right; 0 where `known` is false.
    entropy
        (N,) float32 entropy of the prediction as a share of the largest possible one; None for
        batches of versions that did not keep it, and where rows have several classes.
    """

    batch: int
    num_labeled: int
    known: np.ndarray
    predicted: np.ndarray
    confidence: np.ndarray
    entropy: np.ndarray | None


def past_models(state: CampaignState) -> list[PastModel]:
    """The models so far that predict today's classes, in order.

    Those from before a change of the classes say nothing of today's, and are left out. That the
    file has the same classes in another order is no change.
    """
    today = state.history.classes
    return [
        _past(batch, state.present.number, [*map(today.index, batch.trained["classes"])])
        for batch in state.batches
        if batch.trained is not None and set(batch.trained["classes"]) == set(today)
    ]


def _past(batch: StoredBatch, numbers: np.ndarray, places: Sequence[int]) -> PastModel:
    """What a model predicted, of whose classes each is at one of `places` today."""
    assert batch.trained is not None
    arrays = batch.arrays()
    own = arrays["numbers"]
    order = np.argsort(own)
    place = np.minimum(np.searchsorted(own[order], numbers), max(len(own) - 1, 0))
    row = order[place]
    known = own[row] == numbers
    predicted = arrays["predicted"]
    if predicted.ndim == 1:
        classes = np.where(known, np.array(places, np.int64)[predicted[row]], -1)
    else:
        classes = predicted[row][:, np.argsort(places)] & known[:, None]
    entropy = arrays.get("entropy")
    return PastModel(
        batch=batch.number,
        num_labeled=batch.trained["num_labeled"],
        known=known,
        predicted=classes,
        confidence=np.where(known, arrays["confidence"][row], 0).astype(np.float32),
        entropy=None if entropy is None else np.where(known, entropy[row], 0).astype(np.float32),
    )


@dataclass(frozen=True)
class AuditAnswers:
    """What was answered of the audit's rows that the pool still has.

    Attributes
    ----------
    rows
        (n,) int64 rows of the pool.
    decided
        (n,) bool whether the answers name each row's class (with several, say something of each).
    labels
        (n,) int64 classes, -1 where not decided; where a row can belong to any number of classes,
        (n, C) bool.
    stratum
        (n,) int64 of which stratum of the audit each is, from 0.
    """

    rows: np.ndarray
    decided: np.ndarray
    labels: np.ndarray
    stratum: np.ndarray

    def of(self, chosen: np.ndarray) -> "AuditAnswers":
        """Those of some of the rows: a mask or places."""
        return AuditAnswers(
            self.rows[chosen], self.decided[chosen], self.labels[chosen], self.stratum[chosen]
        )


def audit_answers(state: CampaignState) -> AuditAnswers:
    """All answers on rows of the audit so far, in the order of the first answers."""
    found = state.audited()
    rows = np.array([state.row_of[one.item] for one in found], np.int64)
    stratum = np.array([state.audit[one.item] for one in found], np.int64)
    decided = np.array([state.is_decided(one) for one in found], bool)
    values = state.values_of([one for one in found if state.is_decided(one)])
    if state.campaign.multilabel:
        labels = np.zeros((len(found), len(state.history.classes)), bool)
        labels[decided] = values.astype(bool)
    else:
        labels = np.full(len(found), -1, np.int64)
        labels[decided] = values
    return AuditAnswers(rows, decided, labels, stratum)


def strata_of_rows(state: CampaignState) -> np.ndarray:
    """(N,) int64 of which stratum each row of the pool is, from 0."""
    place = {item: n for n, one in enumerate(state.order.strata) for item in one.items}
    found = np.zeros(len(state.present.number), np.int64)
    for item, row in state.row_of.items():
        found[row] = place[item]
    return found


@dataclass(frozen=True)
class BoughtRows:
    """Rows whose labels were bought to train on, and those that are set aside for the audit.

    Attributes
    ----------
    rows
        (L,) int64 rows of the pool.
    labels
        (L,) int64 classes; where a row can belong to any number of classes, (L, C) bool.
    batch
        (L,) int64 the batch that each was first handed out with; of a row whose answer was not
        asked for, the last one before that came.
    reserved
        (N,) bool which rows of the pool are reserved for the audit, answered or not; see
        `_reserved`.
    apart
        (N,) bool which rows the audit does not stand for (`CampaignState.apart`): of those with a
        label it is known whether a model is right, whenever it was made, and of the others nothing.
    """

    rows: np.ndarray
    labels: np.ndarray
    batch: np.ndarray
    reserved: np.ndarray
    apart: np.ndarray

    def before(self, model: PastModel) -> "BoughtRows":
        """Those that were bought before a model proposed its batch, and that it predicted.

        Rows that are `apart` are among them, whenever their labels came.
        """
        there = (self.batch < model.batch) | self.apart[self.rows]
        return self.of(there & model.known[self.rows])

    def of(self, chosen: np.ndarray) -> "BoughtRows":
        """Some of the bought rows: a mask or places."""
        own = self.rows[chosen], self.labels[chosen], self.batch[chosen]
        return BoughtRows(*own, self.reserved, self.apart)


def bought_rows(state: CampaignState) -> BoughtRows:
    """All rows with labels to train on, and the rows that are reserved."""
    trained, batch_of = state.training_labels(), first_batches(state)
    labels = trained.values.astype(bool) if trained.values.ndim > 1 else trained.values
    apart = np.zeros(len(state.present.number), bool)
    apart[[row for item, row in state.row_of.items() if item in state.apart]] = True
    return BoughtRows(trained.rows, labels, batch_of[trained.rows], _reserved(state), apart)


def _reserved(state: CampaignState) -> np.ndarray:
    """(N,) bool which rows those of the audit that were answered are a random part of.

    Where people have answered rows that nobody had asked for and that are not `apart`, they have
    taken them from the reserved rows that are not handed out yet; what is left of these is no part
    of the same kind, and only those that were handed out are taken.
    """
    order = state.order.stratum_of()
    late = state.unasked.keys() - state.apart
    chosen_from = {
        place for place, one in enumerate(state.order.strata) if not late.isdisjoint(one.items)
    }
    found = np.zeros(len(state.present.number), bool)
    for item in state.audit:
        if item in state.row_of and (order[item] not in chosen_from or item in state.handed_out):
            found[state.row_of[item]] = True
    return found


def first_batches(state: CampaignState) -> np.ndarray:
    """(N,) int64 the batch that each row was first handed out with; 0: with none.

    Of a row that was answered without having been asked for, the last one before its answer came,
    also where it was asked again since.
    """
    found = np.zeros(len(state.present.number), np.int64)
    for batch in state.batches[::-1]:  # so that the first one of a row that was asked again stays
        items = (one["item"] for one in batch.record["items"])
        found[[state.row_of[one] for one in items if one in state.row_of]] = batch.number
    for item, number in state.unasked.items():
        if item in state.row_of:
            found[state.row_of[item]] = number
    return found


def right_rows(model: PastModel, rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(n,) bool whether a model is right on each of `rows`; with several labels, on all of them."""
    hit = model.predicted[rows] == labels
    return hit if hit.ndim == 1 else hit.all(axis=1)


def is_right(model: PastModel, answers: AuditAnswers) -> np.ndarray:
    """(n,) bool whether a model is right on each row of the audit; with several labels, on all."""
    return right_rows(model, answers.rows, answers.labels)
