"""The data set that a campaign has made, and which of its labels should be looked at, as tables."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from labelbench_core.campaign.answers.formats.table import BY, CORRECTION
from labelbench_core.campaign.answers.labels import State
from labelbench_core.campaign.finishing.collected import AnsweredItem, CollectedLabels, shown_label
from labelbench_core.campaign.finishing.pool_table import Line, write_pool_table
from labelbench_core.campaign.finishing.predictions import CalibratedPredictions
from labelbench_core.campaign.pool import CampaignPool
from labelbench_core.campaign.standing.accuracy import right_of_rest
from labelbench_core.campaign.standing.doubts import DoubtfulLabels
from labelbench_core.campaign.standing.history import BoughtRows

PEOPLE, MODEL, NOBODY = "people", "model", ""
WHY = {
    State.CONTRADICTED.value: "people disagree",
    State.UNSURE.value: "whoever saw it was unsure",
    State.SKIPPED.value: "whoever saw it skipped it",
    State.LABELED.value: "nothing was said of some class",
    State.ASK_AGAIN.value: "its class was split since",
}
"""Why a row that was answered has no label of people's."""


@dataclass(frozen=True)
class RowToCheck:
    """A row whose label should be looked at.

    Attributes
    ----------
    row
        Its row of the pool.
    by
        Who its label is from: `PEOPLE` or `MODEL`.
    wrong
        Calibrated probability that the label is wrong; None for people's.
    why
        In words.
    likelier
        What the model holds more likely, or next most likely.
    """

    row: int
    by: str
    wrong: float | None
    why: str
    likelier: str


@dataclass(frozen=True)
class WrongLabels:
    """How many labels of the model are wrong, by the audit.

    The audit tells how many of the rows that no strategy proposed the model is wrong on; on how
    many of the audit's own it is, is known.

    Attributes
    ----------
    estimate
        Number of rows, from the rows of the audit that people could decide.
    low, high
        Ends of its 95 % interval, wider by all rows of the audit that they could not decide.
    """

    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class Filled:
    """The data set: people's labels, and the model's where they have none.

    Attributes
    ----------
    by
        (N,) who each row's label is from: `PEOPLE`, `MODEL`, or `NOBODY` where people found that
        it is of no class.
    wrong
        How many of the model's labels are wrong; None where the audit says nothing.
    to_check
        Rows to look at: labels of the model, the likeliest wrong first, then people's, those that a
        model holds least likely first.
    """

    by: np.ndarray
    wrong: WrongLabels | None
    to_check: Sequence[RowToCheck]


def fill(
    collected: CollectedLabels,
    predictions: CalibratedPredictions,
    doubtful: DoubtfulLabels,
    look_below: float,
) -> Filled:
    """Who each label is from, and which should be looked at.

    Parameters
    ----------
    look_below
        Labels of the model are looked at where their probability is below.
    """
    by = np.full(len(predictions.probability), MODEL, object)
    for one in collected.items:
        if one.label is not None:
            by[one.row] = PEOPLE
        elif one.state == State.NO_CLASS.value:
            by[one.row] = NOBODY
    of_model = [*_of_model(collected, predictions, by, look_below)]
    of_model.sort(key=lambda one: (-(one.wrong or 0.0), one.row))
    # The model that disagrees has seen few labels of rows that a strategy chose because they are
    # hard: its probabilities say which answer to look at first, not how often one is wrong.
    why = "a model that did not see this answer disagrees"
    if doubtful.labels:
        why += f"; such models agree with {doubtful.agreed:.0%} of all answers"
    of_people = [
        RowToCheck(one.row, PEOPLE, None, why, collected.classes[one.likelier])
        for one in doubtful.labels
    ]
    return Filled(by, _wrong_labels(collected, predictions, by), of_model + of_people)


def _wrong_labels(
    collected: CollectedLabels, predictions: CalibratedPredictions, by: np.ndarray
) -> WrongLabels | None:
    """How many rows without a label of people's, and not found to be of no class, are wrong.

    A row of no class has no right label: the model is wrong on it. The lower end is with all
    undecided rows of the audit right, the upper one with all wrong; likewise for rows that people
    could not decide before the campaign, which the audit does not stand for.
    """
    asked = _asked(collected)
    apart = int(((by == MODEL) & asked.apart).sum())
    known = 0  # of the rows that the audit stands for, those that are wrong and need no estimate
    audit: dict[int, bool | None] = {}
    for one in collected.items:
        if one.audit:
            audit[one.row] = _is_right(collected, predictions, one)
            known += audit[one.row] is False
    decided = [row for row, right in audit.items() if right is not None]
    if not decided:
        return None

    def wrong(rows: Sequence[int], undecided: bool) -> tuple[float, float, float]:
        told = np.array([undecided if audit[row] is None else audit[row] for row in rows], bool)
        share, count = right_of_rest(
            predictions.model,
            np.array(rows, np.int64),
            told,
            asked,
            collected.stratum,
        )
        return (
            (count + apart) * (1 - share.estimate) - known,
            count * (1 - share.high) - known,
            count * (1 - share.low) - known + apart,
        )

    most = int((by == MODEL).sum())
    estimate, low, high = wrong(decided, undecided=True)
    if len(decided) < len(audit):
        low = wrong(list(audit), undecided=True)[1]
        high = wrong(list(audit), undecided=False)[2]
    return WrongLabels(*(float(min(max(one, 0.0), most)) for one in (estimate, low, high)))


def _asked(collected: CollectedLabels) -> BoughtRows:
    """Rows that were bought, and those that a strategy proposed and that are of no class.

    Without the latter, the others would be of no class more often than the audit is.
    """
    none = [one for one in collected.items if one.state == State.NO_CLASS.value and not one.audit]
    bought = collected.bought
    rows = np.concatenate([bought.rows, np.array([one.row for one in none], np.int64)])
    batch = np.concatenate([bought.batch, np.array([one.batch for one in none], np.int64)])
    return BoughtRows(rows, np.zeros(len(rows), np.int64), batch, bought.reserved, bought.apart)


def _is_right(
    collected: CollectedLabels, predictions: CalibratedPredictions, one: AnsweredItem
) -> bool | None:
    """Whether the model is right on an answered row; None where people did not decide."""
    if one.state == State.NO_CLASS.value:
        return False
    if one.label is None:
        return None
    names = one.label if isinstance(one.label, tuple) else (one.label,)
    return set(_names(collected, predictions, one.row)) == set(names)


def _of_model(
    collected: CollectedLabels,
    predictions: CalibratedPredictions,
    by: np.ndarray,
    look_below: float,
) -> Iterator[RowToCheck]:
    unsure = predictions.probability < look_below
    reasons = {one.row: WHY[one.state] for one in collected.items if by[one.row] == MODEL}
    for row in np.flatnonzero((by == MODEL) & unsure).tolist():
        why = "the model is unsure"
        if row in reasons:
            why = f"{reasons[row]}, and {why}"
        yield _to_check(collected, predictions, row, why)
    for row, why in reasons.items():
        if not unsure[row]:
            yield _to_check(collected, predictions, row, why)


def _to_check(
    collected: CollectedLabels, predictions: CalibratedPredictions, row: int, why: str
) -> RowToCheck:
    wrong = 1 - float(predictions.probability[row])
    likelier = ""
    if predictions.second is not None:
        likelier = collected.classes[int(predictions.second[row])]
    return RowToCheck(row, MODEL, wrong, why, likelier)


def write_data_set(
    path: Path,
    pool: CampaignPool,
    collected: CollectedLabels,
    predictions: CalibratedPredictions,
    filled: Filled,
) -> None:
    """Every row of the pool, with its label, whose it is, and how sure it is."""
    answered = {one.row: one for one in collected.items}
    name = "labels" if collected.multilabel else "label"
    header = ["item", name, BY, "confidence", "outcome", "annotators", "batch", "audit", "sha256"]

    def lines() -> Iterator[Line]:
        for row, item in enumerate(pool.items):
            one = answered.get(row)
            by = filled.by[row]
            yield (
                row,
                [
                    item,
                    _label(collected, predictions, one, row, by),
                    by,
                    _confidence(predictions, one, row, by),
                    "" if one is None else one.state,
                    "" if one is None else "; ".join(one.annotators),
                    "" if one is None or not one.batch else one.batch,
                    "" if one is None else int(one.audit),
                    pool.digests[row],
                ],
            )

    write_pool_table(path, header, lines(), pool)


def write_predictions(
    path: Path, pool: CampaignPool, collected: CollectedLabels, predictions: CalibratedPredictions
) -> None:
    """What the model says of every row of the pool, people's labels aside."""
    name = "labels" if collected.multilabel else "label"
    header = ["item", name, "probability"]
    header += [] if predictions.second is None else ["second", "second_probability"]

    def lines() -> Iterator[Line]:
        for row, item in enumerate(pool.items):
            cells = [item, _predicted(collected, predictions, row)]
            cells.append(f"{predictions.probability[row]:.4f}")
            if predictions.second is not None and predictions.second_probability is not None:
                cells.append(collected.classes[int(predictions.second[row])])
                cells.append(f"{predictions.second_probability[row]:.4f}")
            yield row, cells

    write_pool_table(path, header, lines(), pool)


def write_to_check(
    path: Path,
    pool: CampaignPool,
    collected: CollectedLabels,
    predictions: CalibratedPredictions,
    filled: Filled,
) -> None:
    """Rows to look at, as `Filled.to_check` has them."""
    answered = {one.row: one for one in collected.items}
    name = "labels" if collected.multilabel else "label"
    header = ["item", name, BY, "wrong", "likelier", "why", "annotators", CORRECTION]

    def lines() -> Iterator[Line]:
        for one in filled.to_check:
            wrong = "" if one.wrong is None else f"{one.wrong:.4f}"
            said = answered.get(one.row)
            label = _label(collected, predictions, said, one.row, one.by)
            who = "; ".join(said.annotators) if said else ""
            why = one.why
            yield one.row, [pool.items[one.row], label, one.by, wrong, one.likelier, why, who, ""]

    write_pool_table(path, header, lines(), pool)


def _label(
    collected: CollectedLabels,
    predictions: CalibratedPredictions,
    one: AnsweredItem | None,
    row: int,
    by: str,
) -> str:
    if by == MODEL:
        return _predicted(collected, predictions, row)
    return shown_label(one.label) if one is not None else ""


def _confidence(
    predictions: CalibratedPredictions, one: AnsweredItem | None, row: int, by: str
) -> str:
    if by == MODEL:
        return f"{predictions.probability[row]:.4f}"
    return "" if one is None or one.confidence is None else f"{one.confidence:.4f}"


def _predicted(collected: CollectedLabels, predictions: CalibratedPredictions, row: int) -> str:
    names = _names(collected, predictions, row)
    return shown_label(names) if collected.multilabel else names[0]


def _names(
    collected: CollectedLabels, predictions: CalibratedPredictions, row: int
) -> tuple[str, ...]:
    """The classes that the model predicts."""
    found = predictions.predicted[row]
    places = np.flatnonzero(found).tolist() if np.ndim(found) else [int(found)]
    return tuple(collected.classes[place] for place in places)
