"""Rows to look at: labels that may be wrong, rows like no other, and rows that are nearly equal.

Labels of the audit are never among those in doubt: to correct where the model disagrees, and only
there, would make it look better than it is.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from labelbench_core.campaign.models import RowLabels, train
from labelbench_core.campaign.pool import CampaignPool, SomeRows
from labelbench_core.campaign.settings import Campaign
from labelbench_core.seeds import rng_for
from labelbench_core.selection.pool_rows import PredictedRows

FOLDS = 5
NEIGHBOURS = 10
REFERENCE_ROWS = 500
"""Random rows of the pool, for how near a row usually is to others."""
AT_ONCE = 1_000
"""Rows that are compared with a block of others at a time: about 100 MB."""
MOST_COMPARED = 200_000
"""Rows of the pool that others are compared with: of larger pools so many, drawn at random."""
OUTLYING = 0.01
"""A row is like no other where this share of random rows is farther from its neighbours."""
NEARLY_EQUAL = 0.99
"""Cosine of standardised embeddings from which rows are nearly equal."""


@dataclass(frozen=True)
class DoubtfulLabel:
    """A label that may be wrong: of a row, and what the model holds more likely.

    Attributes
    ----------
    row
        Its row of the pool.
    label, likelier
        Classes: as answered, and as predicted by a model that did not see this answer.
    probability
        Of `label`, by that model.
    """

    row: int
    label: int
    likelier: int
    probability: float


@dataclass(frozen=True)
class DoubtfulLabels:
    """Labels that may be wrong.

    Attributes
    ----------
    labels
        The least likely first.
    agreed
        Share of all answers that models agree with that did not see them; NaN where there are too
        few: the lower, the less does it mean that a model disagrees.
    """

    labels: Sequence[DoubtfulLabel]
    agreed: float


def doubtful_labels(
    campaign: Campaign,
    pool: CampaignPool,
    labels: RowLabels,
    num_classes: int,
    threads: int = 1,
) -> DoubtfulLabels:
    """Labels that may be wrong, by confident learning.

    Northcutt, Jiang & Chuang, "Confident learning: estimating uncertainty in dataset labels", JAIR
    70, 2021, as the package cleanlab has it, with probabilities by cross-validation. It takes the
    rows for a random sample; those that a strategy chose because they are hard are none, and many
    of them are in the list although they are right. Classes with fewer labels than there are folds
    are left out, as are rows with several classes.
    """
    if labels.values.ndim > 1:
        return DoubtfulLabels([], math.nan)
    counts = np.bincount(labels.values, minlength=num_classes)
    kept = np.flatnonzero(counts >= FOLDS)
    chosen = np.flatnonzero(np.isin(labels.values, kept))
    if len(kept) < 2:
        return DoubtfulLabels([], math.nan)
    from cleanlab.filter import find_label_issues

    part = RowLabels(labels.rows[chosen], labels.values[chosen])
    said = _held_out(campaign, pool, part, num_classes, threads)[:, kept]
    said /= said.sum(axis=1, keepdims=True)
    place = np.searchsorted(kept, part.values)
    found = find_label_issues(place, said, return_indices_ranked_by="self_confidence", n_jobs=1)
    doubts = [
        DoubtfulLabel(
            row=int(part.rows[one]),
            label=int(part.values[one]),
            likelier=int(kept[said[one].argmax()]),
            probability=float(said[one, place[one]]),
        )
        for one in found
        if said[one].argmax() != place[one]
    ]
    return DoubtfulLabels(doubts, float((said.argmax(axis=1) == place).mean()))


def _held_out(
    campaign: Campaign, pool: CampaignPool, labels: RowLabels, num_classes: int, threads: int
) -> np.ndarray:
    """(L, C) float64 probabilities of each labelled row, by a model of the other four folds."""
    order = rng_for("label-doubts", campaign.campaign, campaign.seed).permutation(len(labels.rows))
    # Each class is spread evenly over the folds.
    order = order[np.argsort(labels.values[order], kind="stable")]
    fold = np.zeros(len(order), np.int64)
    fold[order] = np.arange(len(order)) % FOLDS
    said = np.zeros((len(order), num_classes))
    nothing = np.zeros(0, np.int64)
    for part in range(FOLDS):
        rest, own = np.flatnonzero(fold != part), np.flatnonzero(fold == part)
        known = RowLabels(labels.rows[rest], labels.values[rest])
        model = train(pool, campaign.model_ids, num_classes, known, nothing, 0, None, threads)
        probabilities = PredictedRows(model.proxy, model.proxy.pool_rows(pool.embeddings))
        said[own] = probabilities.take(labels.rows[own])
    return said


@dataclass(frozen=True)
class Likeness:
    """How some rows lie among the pool's.

    Attributes
    ----------
    outliers
        Rows, the farthest first, that are farther from their neighbours than nearly all are.
    nearly_equal
        Pairs (two rows of the pool, one of which was asked about, and their cosine), the nearest
        first.
    """

    outliers: Sequence[int]
    nearly_equal: Sequence[tuple[int, int, float]]


def likeness(campaign: Campaign, pool: CampaignPool, rows: np.ndarray) -> Likeness:
    """Which of `rows` are like no other row of the pool, and which nearly equal one.

    By cosines of standardised embeddings: the mean of the nearest `NEIGHBOURS`, as in Kuan &
    Mueller, "Back to the basics: revisiting out-of-distribution detection baselines", 2022.
    """
    count = len(pool)
    rng = rng_for("likeness", campaign.campaign, campaign.seed)
    compared = np.arange(count)
    if count > MOST_COMPARED:
        compared = np.sort(rng.choice(count, MOST_COMPARED, replace=False))
    reference = rng.choice(count, min(REFERENCE_ROWS, count), replace=False)
    asked = np.concatenate([rows, reference])
    unit = _unit(pool)
    own = unit(pool.embeddings.take(asked))
    top = np.full((len(asked), NEIGHBOURS), -1.0, np.float32)
    nearest = np.full(len(asked), -1)
    for first, block in SomeRows(pool.embeddings, compared).blocks():
        part = compared[first : first + len(block)]
        others = unit(block).T
        for start in range(0, len(asked), AT_ONCE):
            here = slice(start, start + AT_ONCE)
            near = own[here] @ others
            near[asked[here, None] == part[None]] = -1.0  # not a row with itself
            best = near.argmax(axis=1)
            closer = near[np.arange(len(near)), best] > top[here, 0]
            nearest[here][closer] = part[best[closer]]
            both = np.concatenate([top[here], near], axis=1)
            nearer = np.partition(-both, NEIGHBOURS - 1, axis=1)[:, :NEIGHBOURS]
            top[here] = -np.sort(nearer, axis=1)
    usual = top[len(rows) :].mean(axis=1)
    mean, highest = top[: len(rows)].mean(axis=1), top[: len(rows), 0]
    outlying = np.flatnonzero(mean < np.quantile(usual, OUTLYING))
    pairs = np.flatnonzero(highest >= NEARLY_EQUAL)
    # Two rows that are nearest to each other are one pair.
    pairs = pairs[np.argsort(-highest[pairs], kind="stable")]
    found: dict[tuple[int, int], float] = {}
    for place in pairs.tolist():
        one, other = sorted((int(rows[place]), int(nearest[place])))
        found.setdefault((one, other), float(highest[place]))
    return Likeness(
        outliers=rows[outlying[np.argsort(mean[outlying], kind="stable")]].tolist(),
        nearly_equal=[(*pair, cosine) for pair, cosine in found.items()],
    )


def _unit(pool: CampaignPool) -> Callable[[np.ndarray], np.ndarray]:
    """A function that standardises embeddings, and scales them to length 1."""

    def unit(block: np.ndarray) -> np.ndarray:
        rows = pool.statistics.standardised(block)
        norms = np.sqrt(np.einsum("nd,nd->n", rows, rows))
        return rows / np.where(norms > 0, norms, 1)[:, None]

    return unit
