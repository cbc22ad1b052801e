"""From the rows that an audit stands for to the whole pool."""

import math

import numpy as np
import pytest

from labelbench_core.campaign.audit.estimators import Estimate, plain
from labelbench_core.campaign.audit.whole_pool import of_whole_pool, shift_of_rest


def test_where_nothing_was_bought_the_audit_stands_for_the_pool() -> None:
    rest = Estimate(0.8, 0.7, 0.9, 50, "plain")
    assert of_whole_pool(rest, 500, 0.0, 0) == rest


def test_rows_that_were_bought_count_as_they_are() -> None:
    found = of_whole_pool(Estimate(0.8, 0.7, 0.9, 50, "plain"), 300, 90.0, 100, 0.05)
    assert found.estimate == pytest.approx((90 + 300 * 0.85) / 400)
    assert found.low == pytest.approx((90 + 300 * 0.75) / 400)
    assert found.high == pytest.approx((90 + 300 * 0.95) / 400)
    assert (found.n, found.name) == (50, "plain")
    near = of_whole_pool(Estimate(0.99, 0.9, 1.0, 50, "plain"), 300, 100.0, 100, 0.05)
    assert near.estimate == near.high == 1.0


def test_without_an_audit_there_is_no_estimate_but_what_is_known_bounds_it() -> None:
    nothing = plain(np.zeros(0), np.zeros(0, np.int64), [300])
    found = of_whole_pool(nothing, 300, 90.0, 100, 0.05)
    assert math.isnan(found.estimate)
    assert (found.low, found.high) == (90 / 400, 390 / 400)


def test_the_rest_is_easier_by_the_confidence_that_the_strategy_left() -> None:
    right = np.repeat([0, 0, 1, 1.0], 5)
    confidence = np.repeat([0.2, 0.4, 0.6, 0.8], 5)
    slope = np.cov(right, confidence, bias=True)[0, 1] / confidence.var()
    assert slope > 1
    rest = [np.array([0.8, 0.9]), np.array([0.5] * 6), np.zeros(0)]
    reserved = [np.array([0.6]), np.array([0.4, 0.5]), np.array([0.1])]
    found = shift_of_rest(right, confidence, rest, reserved)
    assert found == pytest.approx(slope * (2 * 0.25 + 6 * 0.05) / 8)
    beyond = shift_of_rest(right, confidence, rest, reserved, 1.0)
    assert beyond == pytest.approx((slope - 1) / slope * found)
    assert shift_of_rest(1 - right, confidence, rest, reserved) == 0  # never against confidence
    # Few rows tell no slope; a stratum without reserved rows is taken as it is.
    assert shift_of_rest(right[:19], confidence[:19], rest, reserved) == 0
    assert shift_of_rest(right, confidence, rest[:1], [np.zeros(0)]) == 0
    assert shift_of_rest(right, confidence, [np.zeros(0)], reserved[:1]) == 0


def test_confidences_that_lie_close_together_move_nothing_far() -> None:
    confidence = np.append(np.full(29, 0.9995), 0.999)
    right = np.append(np.ones(29), 0.0)  # a slope of 2,000
    rest, reserved = [np.full(2000, 0.9995)], [np.full(200, 0.9695)]
    found = shift_of_rest(right, confidence, rest, reserved)
    assert found == pytest.approx(2 * 0.03)
    measured = plain(right.astype(bool), np.zeros(30, np.int64), [2000])
    whole = of_whole_pool(measured, 2000, 90.0, 100, found)
    assert whole.high - whole.low > 0.05
    assert shift_of_rest(right[20:], confidence[20:], rest, reserved) == 0


def test_intervals_hold_where_a_strategy_takes_the_hardest_rows() -> None:
    rng = np.random.default_rng(0)
    holds, alone, off = 0, 0, []
    for _ in range(400):
        confidence = rng.beta(3, 1, 1000)
        right = rng.random(1000) < confidence
        order = rng.permutation(1000)
        audit, others = order[:200], order[200:]
        taken = others[np.argsort(confidence[others])[:200]]
        rest = np.setdiff1d(np.arange(1000), taken)
        measured = plain(right[audit], np.zeros(200, np.int64), [800])
        shift = shift_of_rest(
            right[audit], confidence[audit], [confidence[rest]], [confidence[audit]]
        )
        found = of_whole_pool(measured, 800, 200.0, 200, shift)  # right on all that it learned
        truth = (200 + right[rest].sum()) / 1000
        holds += found.low <= truth <= found.high
        as_if = plain(right[audit], np.zeros(200, np.int64), [1000])
        alone += as_if.low <= truth <= as_if.high
        off.append(found.estimate - truth)
    assert holds / 400 >= 0.93
    assert alone / 400 < 0.2
    assert abs(np.mean(off)) < 0.003
