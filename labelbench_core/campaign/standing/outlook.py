"""What more labels may bring: the curve extrapolated, the labels and the money to a target."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from labelbench_core.campaign.audit.extrapolation import (
    Range,
    extrapolated,
    price_to,
)
from labelbench_core.campaign.standing.accuracy import CurvePoint

FARTHEST = 10
"""Batches ahead, as far as the curve is drawn."""


@dataclass(frozen=True)
class Outlook:
    """What may come.

    Attributes
    ----------
    ahead
        (labels in all, accuracy) after one batch more, two, and so on.
    gain
        Change in accuracy that one batch more brings; None where no row is left.
    target
        The accuracy asked for; None where none is.
    needed
        Labels in all, without the audit's, with which the target is reached: infinite where all
        rows do not suffice. None without a target.
    price
        What the labels that are still needed cost, the audit's share included; None without a
        price or a target.
    """

    ahead: Sequence[tuple[int, Range]]
    gain: Range | None
    target: float | None = None
    needed: Range | None = None
    price: Range | None = None


def outlook(
    points: Sequence[CurvePoint],
    bought: int,
    batch: int,
    most: int,
    target: float | None,
    price: float | None,
    audit_share: float,
) -> Outlook | None:
    """Extrapolate a curve; None where it has fewer than three different numbers of labels.

    Parameters
    ----------
    bought
        Labels that there are, without those of the audit: the last model's, and those since.
    batch
        Labels that a batch adds, without those of the audit; at least 1.
    most
        Labels that there can be in all, without those of the audit.
    target
        Accuracy to reach, above 0 and below 1.
    price
        Of a label.
    audit_share
        Share of a batch that is of the audit; below 1.
    """
    by_labels = {one.num_labeled: one for one in points if one.accuracy.n}
    last = [by_labels[one] for one in sorted(by_labels)]
    labels = np.array([one.num_labeled for one in last], np.float64)
    if not last:
        return None
    now = last[-1]
    found = extrapolated(
        labels,
        np.array([one.unseen.estimate for one in last]),
        (now.unseen.low, now.unseen.high),
        np.array([one.paired for one in last]),
        now.accuracy.estimate - now.unseen.estimate,
    )
    if found is None:
        return None
    today = int(labels[-1])
    steps = [one for k in range(FARTHEST) if (one := today + (k + 1) * batch) <= most]
    ahead = [(one, found.accuracy(one)) for one in steps]
    left = min(batch, most - today)
    gain = found.gain(left) if left > 0 else None
    if target is None:
        return Outlook(ahead, gain)
    needed = found.labels_to(target, most)
    cost = None if price is None else price_to(needed, bought, price, audit_share)
    return Outlook(ahead, gain, target, needed, cost)
