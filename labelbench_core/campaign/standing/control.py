"""The saving on the user's own rows, beside models that are trained on the audit's random labels.

What is trained here is scored and forgotten: no model that proposes rows sees a label of the audit.
"""

from collections.abc import Callable, Sequence

import numpy as np

from labelbench_core.campaign.audit.saving import Saving, compare, control_scores, most_labels
from labelbench_core.campaign.models import RowLabels, train
from labelbench_core.campaign.pool import CampaignPool
from labelbench_core.campaign.settings import Campaign
from labelbench_core.campaign.standing.history import AuditAnswers, PastModel, is_right
from labelbench_core.seeds import rng_for
from labelbench_core.selection.pool_rows import PredictedRows

FEWEST = 10
"""Decided rows of the audit below which no control is trained."""


def saving_so_far(
    campaign: Campaign,
    pool: CampaignPool,
    models: Sequence[PastModel],
    answers: AuditAnswers,
    num_classes: int,
    threads: int = 1,
) -> Saving | None:
    """How many labels the strategy has saved; None before there are models and answers enough.

    Parameters
    ----------
    models
        The campaign's models, in order.
    answers
        All answers of the audit so far.
    """
    if not models:
        return None
    known = np.logical_and.reduce([one.known for one in models])
    shared = answers.of(known[answers.rows] & answers.decided)
    if len(shared.rows) < FEWEST:
        return None
    bought: dict[int, PastModel] = {one.num_labeled: one for one in models}
    labels = sorted(bought)
    right = np.array([is_right(bought[one], shared) for one in labels], np.float64)
    sizes = _compared_at(labels, len(shared.rows))
    fit = _fit(campaign, pool, shared, num_classes, threads)
    rng = rng_for("audit-control", campaign.campaign, campaign.seed)
    return compare(control_scores(fit, len(shared.rows), sizes, rng), labels, right)


def _compared_at(labels: Sequence[int], count: int) -> list[int]:
    """The number of labels that curves are compared at, as `compare` has it; empty without one."""
    possible = [one for one in labels if one <= most_labels(count)]
    return ([one for one in possible if one <= count // 2] or possible)[-1:]


def _fit(
    campaign: Campaign,
    pool: CampaignPool,
    answers: AuditAnswers,
    num_classes: int,
    threads: int,
) -> Callable[[np.ndarray], Callable[[np.ndarray], np.ndarray]]:
    nothing = np.zeros(0, np.int64)

    def fitted(places: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        labels = answers.labels[places]
        values = labels.astype(np.uint8) if labels.ndim > 1 else labels
        known = RowLabels(answers.rows[places], values)
        model = train(pool, campaign.model_ids, num_classes, known, nothing, 0, None, threads)

        def right(held_out: np.ndarray) -> np.ndarray:
            said = PredictedRows(
                model.proxy, model.proxy.pool_rows(pool.embeddings), multilabel=labels.ndim > 1
            ).take(answers.rows[held_out])
            if labels.ndim > 1:
                return ((said >= 0.5) == answers.labels[held_out]).all(axis=1)
            return said.argmax(axis=1) == answers.labels[held_out]

        return right

    return fitted
