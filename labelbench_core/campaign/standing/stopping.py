"""What the rules of the literature for stopping say, from predictions and the batches' labels.

No rule sees a label of the audit. The stop set of the rules (`metrics.signals`) is the whole pool.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from labelbench_core.analysis.stopping.stopping_rules import RULES
from labelbench_core.campaign.standing.history import PastModel
from labelbench_core.metrics.signals import SIGNALS, cohens_kappa

AFTER_ANSWERS = ("batch_accuracy", "contradiction")
"""Signals that are known of a model when the batch that it proposed has been answered."""


@dataclass(frozen=True)
class Verdict:
    """What a rule says after the last model.

    Attributes
    ----------
    rule, parameters
        Its name in `stopping_rules.RULES`, and its parameters as they are shown.
    value
        The last known value of its signal; NaN where there is none.
    says_stop
        Whether it is fulfilled there.
    first
        Labels that there were when it was first fulfilled; None where it has not been.
    """

    rule: str
    parameters: str
    value: float
    says_stop: bool
    first: int | None


def verdicts(
    models: Sequence[PastModel],
    proposed: Mapping[int, np.ndarray],
    labels: np.ndarray,
    batch_of: np.ndarray,
    count: int,
    today: int,
) -> list[Verdict]:
    """What every rule says, where each row has one class.

    Parameters
    ----------
    models
        In order.
    proposed
        Number of a batch → rows that its model proposed: those of the batch but the audit's.
    labels
        (N,) int64 label of each row, -1 where it has none or is of the audit.
    batch_of
        (N,) int64 with which batch each row was first handed out; what was not is not read.
    count
        Number of classes.
    today
        Labels that there are to train on.
    """
    signals = _signals(models, proposed, labels, batch_of, count)
    bought = np.array([one.num_labeled for one in models], np.float64)
    found = []
    for name, rule in RULES.items():
        values = signals[rule.signal]
        # What a batch's labels say is known of the last batch when it has been answered.
        last = int(np.flatnonzero(np.isfinite(values)).max(initial=-1)) + 1
        places = np.zeros(0, np.int64)
        if last:
            places = np.flatnonzero(rule.is_fulfilled(values[None, :last], bought[:last])[0])
        known_with = [one.num_labeled for one in models]
        if rule.signal in AFTER_ANSWERS:
            known_with = [*known_with[1:], today]
        found.append(
            Verdict(
                rule=name,
                parameters=rule.parameters,
                value=float(values[last - 1]) if last else math.nan,
                says_stop=bool(len(places)) and int(places[-1]) == last - 1,
                first=known_with[int(places[0])] if len(places) else None,
            )
        )
    return found


def _signals(
    models: Sequence[PastModel],
    proposed: Mapping[int, np.ndarray],
    labels: np.ndarray,
    batch_of: np.ndarray,
    count: int,
) -> dict[str, np.ndarray]:
    """Signal → (R,) its value after each model; NaN where there is none."""
    found = {name: np.full(len(models), np.nan) for name in SIGNALS}
    before: PastModel | None = None
    for place, one in enumerate(models):
        # The model was trained on the batches before the one that it proposed.
        unlabeled = (labels < 0) | (batch_of >= one.batch)
        if before is not None:
            both = one.known & before.known
            if both.any():
                now, then = one.predicted[both], before.predicted[both]
                found["kappa"][place] = cohens_kappa(now, then, count)
            free = both & unlabeled
            if free.any():
                found["changed"][place] = (one.predicted != before.predicted)[free].mean()
        free = one.known & unlabeled
        if free.any():
            confidence = one.confidence[free].astype(np.float64)
            found["confidence"][place] = confidence.mean()
            found["confidence_variance"][place] = confidence.var()
            if one.entropy is not None:
                found["entropy"][place] = one.entropy[free].mean(dtype=np.float64)
        rows = proposed.get(one.batch, np.zeros(0, np.int64))
        rows = rows[one.known[rows]]
        if len(rows) and one.entropy is not None:
            found["batch_entropy"][place] = one.entropy[rows].max()
        rows = rows[labels[rows] >= 0]
        if len(rows):
            wrong = one.predicted[rows] != labels[rows]
            doubts = 1 - one.confidence[rows].astype(np.float64)
            mean = float(doubts.mean())
            found["batch_accuracy"][place] = 1 - wrong.mean()
            found["contradiction"][place] = doubts[wrong].sum() / mean if mean > 0 else 0.0
        before = one
    return found
