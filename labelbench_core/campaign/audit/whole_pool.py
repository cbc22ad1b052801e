"""From the rows that an audit stands for to the whole pool, with the rows that were bought.

No model is trained on a row of the audit, so that the audit tells nothing of rows that a model was
trained on: of these the labels are known, and so is on which of them the model is right. The audit
stands for the rest. It is a random part of the pool as it was before anything was bought, and what
is left is no random part: where a strategy takes the rows that models are least sure of, the rest
is easier than the audit, and where it takes typical ones, it is harder. The models' confidence
tells by how much. The rest is right more often than the audit's reserved rows by

    λ (mean confidence in the rest - mean confidence in the reserved rows),

the regression estimator of a mean (Cochran, Sampling Techniques, 1977, section 7.3), λ being the
slope of being right on confidence in the audit, at least 0; `prediction_powered` has the part up to
1 in it. It rests on this: rows that are equally hard for the model, by its confidence, are right
equally often, bought or not. On few rows, or where their confidences lie close together, a slope is
noise: there is none below `FEWEST` rows, and none above `STEEPEST`.
benchmarks/campaigns.py measures how often the intervals hold in whole campaigns, and how often they
would if the audit's share of right rows were taken for that of the pool.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from labelbench_core.campaign.audit.estimators import Estimate
from labelbench_core.campaign.audit.prediction_powered import slope_on_confidence

FEWEST = 20
"""Decided rows of the audit below which the rest is taken to be as easy as they are."""
STEEPEST = 2.0
"""Slope of being right on confidence above which there is no more to it: a model that is sure of
half as much as it should be."""


def of_whole_pool(
    rest: Estimate, rows: float, right: float, bought: int, shift: float = 0.0
) -> Estimate:
    """The mean over the pool, of which some rows are known.

    Parameters
    ----------
    rest
        The mean over the other rows, by the audit.
    rows
        How many other rows there are; where their number is itself estimated, not a whole one.
    right
        Sum of the scores of the rows that are known.
    bought
        How many are known.
    shift
        What is added to `rest`, its interval included, within 0 to 1.
    """
    if not bought and not shift:
        return rest

    def whole(mean: float, added: float) -> float:
        # np.clip keeps NaN: without an audit there is an interval, but no estimate.
        return float((right + rows * np.clip(mean + added, 0.0, 1.0)) / (rows + bought))

    if not rest.n:
        shift = 0.0
    ends = {"low": whole(rest.low, shift), "high": whole(rest.high, shift)}
    return replace(rest, estimate=whole(rest.estimate, shift), **ends)


def shift_of_rest(
    scores: np.ndarray,
    confidence: np.ndarray,
    rest: Sequence[np.ndarray],
    reserved: Sequence[np.ndarray],
    used: float = 0.0,
) -> float:
    """How much higher the mean score of the rest is than that of the audit's reserved rows.

    Parameters
    ----------
    scores
        (n,) whether the model is right on each decided row of the audit, or its score.
    confidence
        (n,) the model's probability that it is right there.
    rest
        H arrays of the confidence in every row of a stratum that was not bought, those of the audit
        among them.
    reserved
        H arrays of the confidence in the rows that are reserved for the audit, answered or not.
    used
        The largest slope that the estimate of the rest has used already: what is beyond is added.
    """
    total = sum(len(part) for part in rest)
    if not total or len(scores) < FEWEST:
        return 0.0
    slope = slope_on_confidence(np.asarray(scores, np.float64), np.asarray(confidence, np.float64))
    easier = sum(
        len(part) * (float(part.mean()) - float(own.mean()))
        for part, own in zip(rest, reserved, strict=True)
        if len(part) and len(own)
    )
    return max(min(slope, STEEPEST) - used, 0.0) * easier / total
