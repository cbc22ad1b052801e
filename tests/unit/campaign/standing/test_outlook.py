"""What more labels may bring: extrapolated, to a target, and for money."""

import math
from dataclasses import replace

import numpy as np
import pytest

from labelbench_core.campaign.audit.estimators import Estimate
from labelbench_core.campaign.audit.extrapolation import extrapolated, price_to
from labelbench_core.campaign.standing.accuracy import CurvePoint
from labelbench_core.campaign.standing.outlook import FARTHEST, outlook

ASKED = {"bought": 400, "batch": 100, "most": 5000, "target": 0.9, "price": 0.5, "audit_share": 0.2}


def point(labels, accuracy, n=200):
    measured = Estimate(accuracy, accuracy - 0.04, accuracy + 0.04, n, "plain")
    return CurvePoint(2, labels, measured, measured, 0.0)


POINTS = [point(100, 0.7), point(200, 0.77), point(400, 0.82)]


def test_it_is_the_extrapolated_curve():
    found = outlook(POINTS, **ASKED)
    curve = extrapolated(np.array([100, 200, 400]), np.array([0.7, 0.77, 0.82]), (0.78, 0.86))
    assert [labels for labels, _ in found.ahead] == [500 + 100 * k for k in range(FARTHEST)]
    assert found.ahead[0][1] == curve.accuracy(500)
    assert found.gain == curve.gain(100)
    assert found.needed == curve.labels_to(0.9, 5000)


def test_what_is_extrapolated_is_the_curve_on_unseen_rows_and_what_the_bought_ones_add():
    points = [
        replace(point(one.num_labeled, one.unseen.estimate + 0.05), unseen=one.unseen, paired=error)
        for one, error in zip(POINTS, (0.03, 0.02, 0.0), strict=True)
    ]
    found = outlook(points, **ASKED)
    curve = extrapolated(
        np.array([100, 200, 400]),
        np.array([0.7, 0.77, 0.82]),
        (0.78, 0.86),
        np.array([0.03, 0.02, 0.0]),
        points[-1].accuracy.estimate - 0.82,
    )
    assert found.ahead[0][1] == curve.accuracy(500)
    assert found.ahead[0][1].estimate > outlook(POINTS, **ASKED).ahead[0][1].estimate


def test_labels_that_are_there_are_not_paid_for_again():
    usual = outlook(POINTS, **ASKED)
    assert usual.price == price_to(usual.needed, 400, 0.5, 0.2)
    more = outlook(POINTS, **{**ASKED, "bought": 490})  # 90 have come since the last model
    assert more.needed == usual.needed
    assert math.isinf(usual.price.high)
    assert more.price.low == pytest.approx(max(usual.price.low - 90 / 0.8 * 0.5, 0))


def test_where_no_row_is_left_nothing_is_gained():
    found = outlook(POINTS, **{**ASKED, "most": 400})
    assert found.gain is None
    assert found.ahead == []
    assert math.isinf(found.needed.high)
    assert outlook(POINTS, **{**ASKED, "most": 430}).gain is not None


@pytest.mark.parametrize(
    "points", [[], POINTS[:2], [*POINTS[:2], POINTS[1]], [point(1, 0.5, 0)] * 3]
)
def test_too_few_points_say_nothing(points):
    assert outlook(points, **ASKED) is None


def test_without_target_and_price():
    found = outlook(POINTS, **{**ASKED, "target": None})
    assert (found.target, found.needed, found.price) == (None, None, None)
    assert outlook(POINTS, **{**ASKED, "price": None}).price is None
