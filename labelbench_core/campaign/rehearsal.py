"""A campaign rehearsed on a labelled data set: it runs by itself, and its numbers can be checked.

Answers come from an annotator instead of from people, and go through the same files. What the
campaign would have said after each batch is kept beside what is true of the whole pool.
"""

import csv
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from labelbench_core.campaign.answers.answer import Outcome
from labelbench_core.campaign.answers.formats.table import label_cell
from labelbench_core.campaign.batches import StoredBatch
from labelbench_core.campaign.calls import ALL_LABELED, INBOX, Call, advance, waiting_files
from labelbench_core.campaign.pool import CampaignPool
from labelbench_core.campaign.settings import Campaign
from labelbench_core.campaign.standing.accuracy import accuracy_now, curve
from labelbench_core.campaign.standing.history import (
    PastModel,
    audit_answers,
    bought_rows,
    past_models,
    strata_of_rows,
)
from labelbench_core.campaign.standing.whole import outlook_of, stopping_of
from labelbench_core.campaign.state import CampaignState
from labelbench_core.campaign.zero_shot import ClassNamesClassifier

ANNOTATOR = "rehearsed"


@dataclass(frozen=True)
class RehearsedBatch:
    """What the campaign said when it handed out a batch, and what was true.

    Attributes
    ----------
    batch, num_labeled
        The batch, and the labels of the model that proposed it.
    audited
        Decided rows of the audit by then.
    estimate, low, high
        Accuracy by the audit, with its 95 % interval.
    answered
        Accuracy of that model on the whole pool, by the labels that the annotator gives: what the
        audit measures. Where a row can belong to any number of classes, that all of them are right.
    holds
        Whether it lies in the interval; None without a decided row of the audit.
    accuracy
        By the true labels: it differs where the annotator errs, in the audit as elsewhere.
    next_low, next_high
        95 % interval for `answered` of the next model, extrapolated; NaN where there is none.
    next_holds
        Whether it lies there; None where that is not known.
    """

    batch: int
    num_labeled: int
    audited: int
    estimate: float
    low: float
    high: float
    answered: float
    holds: bool | None
    accuracy: float
    next_low: float
    next_high: float
    next_holds: bool | None = None


@dataclass(frozen=True)
class RehearsedRule:
    """What a rule for stopping would have done.

    Attributes
    ----------
    rule
        Its name.
    num_labeled
        Labels with which it would have stopped; None where it would not have.
    accuracy, lost
        True accuracy there, and how much less that is than after the last batch; NaN where it would
        not have stopped.
    saved
        Labels that it would not have bought, of those that were, without those of the audit.
    """

    rule: str
    num_labeled: int | None
    accuracy: float
    lost: float
    saved: int


@dataclass(frozen=True)
class Rehearsed:
    """A rehearsal: the campaign as it ended, every batch, and every rule for stopping."""

    state: CampaignState
    batches: Sequence[RehearsedBatch]
    rules: Sequence[RehearsedRule]


def rehearse(
    campaign: Campaign,
    pool: CampaignPool,
    truth: np.ndarray,
    given: np.ndarray,
    batches: int,
    *,
    seconds: float | None = None,
    classifier: ClassNamesClassifier | None = None,
    threads: int = 1,
) -> Rehearsed:
    """Run a campaign by itself, in its folder, which must not have begun.

    Parameters
    ----------
    truth
        (N,) int64 true class of each row of the pool, or (N, C) of 0 and 1.
    given
        Labels as the annotator gives them, of the same shape.
    batches
        How many batches are answered, unless the pool is used up before.
    seconds
        That an answer takes, for the files of answers.
    classifier
        Of the class names, where `zero_shot` asks for one.
    """
    found: list[RehearsedBatch] = []
    done = advance(campaign, pool, classifier=classifier, threads=threads)
    while done.status != ALL_LABELED and (batch := done.batch) is not None:
        if past_models(done.state):
            found.append(compared(done.state, truth, given))
        if batch.number > batches:
            break
        _answer(campaign, pool, batch, done.state, given, seconds)
        come = waiting_files(campaign.folder)
        done = advance(campaign, pool, come, classifier=classifier, threads=threads)
    found = with_next(found)
    return Rehearsed(done.state, found, _rules(done, found))


def _answer(
    campaign: Campaign,
    pool: CampaignPool,
    batch: StoredBatch,
    state: CampaignState,
    given: np.ndarray,
    seconds: float | None,
) -> None:
    """Put the answers to a batch into the inbox, as a table."""
    path: Path = campaign.folder / INBOX / f"batch-{batch.number:03d}.csv"
    classes = state.history.classes
    label = "labels" if campaign.multilabel else "label"
    with open(path, "w", encoding="utf-8", newline="") as handle:
        lines = csv.writer(handle)
        lines.writerow(["item", label, "outcome", "annotator", "seconds", "batch"])
        for one in batch.record["items"]:
            said = given[state.row_of[one["item"]]]
            if campaign.multilabel:
                shown = label_cell([classes[place] for place in np.flatnonzero(said).tolist()])
            else:
                shown = classes[int(said)]
            took = "" if seconds is None else seconds
            lines.writerow([one["item"], shown, Outcome.LABELED.value, ANNOTATOR, took, batch.name])


def compared(state: CampaignState, truth: np.ndarray, given: np.ndarray) -> RehearsedBatch:
    """What a campaign says now, and what is true of the model that proposed its last batch.

    Parameters
    ----------
    truth, given
        As in `rehearse`.
    """
    campaign = state.campaign
    models, answers, stratum = past_models(state), audit_answers(state), strata_of_rows(state)
    model, bought = models[-1], bought_rows(state)
    classes = len(state.history.classes)
    said = accuracy_now(model, answers, bought, stratum, campaign.estimator, classes)
    answered, accuracy = _accuracy(model, given), _accuracy(model, truth)
    ahead = outlook_of(state, curve(models, answers, bought, stratum))
    low, high = math.nan, math.nan
    if ahead is not None and ahead.ahead:
        low, high = ahead.ahead[0][1].low, ahead.ahead[0][1].high
    estimate = said.estimate
    return RehearsedBatch(
        batch=model.batch,
        num_labeled=model.num_labeled,
        audited=int(answers.decided.sum()),
        estimate=estimate.estimate,
        low=estimate.low,
        high=estimate.high,
        answered=answered,
        holds=estimate.low <= answered <= estimate.high if estimate.n else None,
        accuracy=accuracy,
        next_low=low,
        next_high=high,
    )


def _accuracy(model: PastModel, labels: np.ndarray) -> float:
    hit = model.predicted == labels
    return float((hit if hit.ndim == 1 else hit.all(axis=1)).mean())


def with_next(batches: Sequence[RehearsedBatch]) -> list[RehearsedBatch]:
    """The same in order, with whether what was said of each next model was true."""
    found = list(batches)
    for place, (one, after) in enumerate(itertools.pairwise(batches)):
        if not math.isnan(one.next_low):
            holds = one.next_low <= after.answered <= one.next_high
            found[place] = replace(one, next_holds=holds)
    return found


def _rules(done: Call, batches: Sequence[RehearsedBatch]) -> list[RehearsedRule]:
    if not batches:
        return []
    by_labels = {one.num_labeled: one.accuracy for one in batches}
    last = batches[-1]
    found = []
    for one in stopping_of(done.state, past_models(done.state)):
        # A rule that is fulfilled only after the last batch has stopped nothing.
        if one.first is None or one.first >= last.num_labeled:
            found.append(RehearsedRule(one.rule, None, math.nan, math.nan, 0))
            continue
        accuracy = by_labels[one.first]
        lost, saved = last.accuracy - accuracy, last.num_labeled - one.first
        found.append(RehearsedRule(one.rule, one.first, accuracy, lost, saved))
    return found
