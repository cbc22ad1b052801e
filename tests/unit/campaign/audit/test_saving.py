"""The saving on a user's own rows: what is trained, what is compared, and what can be told."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from benchmarks.saving_of_campaigns import campaign, expected_accuracy, scores
from labelbench_core.campaign.audit.saving import (
    ControlScores,
    compare,
    control_scores,
    most_labels,
    paired_differences,
)

STUDENT = stats.t.ppf(0.975, 399)


def test_the_control_never_sees_what_it_is_scored_on() -> None:
    trained: list[np.ndarray] = []

    def fit(rows: np.ndarray):
        trained.append(rows)

        def score(held_out: np.ndarray) -> np.ndarray:
            assert not np.intersect1d(rows, held_out).size
            return np.full(len(held_out), len(rows) / 100)

        return score

    found = control_scores(fit, 23, [5, 10, 18, 19], np.random.default_rng(0), repeats=3)
    assert most_labels(23) == 18
    assert found.labels.tolist() == [5, 10, 18]
    assert len(trained) == 3 * 5 * 3
    # Every row is scored once in a repeat, by a model of so many rows.
    assert (found.right == np.array([0.05, 0.1, 0.18])[None, :, None]).all()
    for smaller, larger in itertools.pairwise(trained):
        if len(smaller) < len(larger):
            assert np.isin(smaller, larger).all()
    assert len({tuple(rows) for rows in trained if len(rows) == 5}) > 10
    assert most_labels(4) == 0


def control(values: list[float], labels: list[int], count: int = 400) -> ControlScores:
    """The same rows are right in every repeat: nothing varies by what was trained on."""
    right = np.array([np.arange(count) < round(value * count) for value in values], float)
    fold = np.tile(np.arange(count) % 5, (4, 1))
    return ControlScores(np.array(labels), np.tile(right, (4, 1, 1)), fold)


def right_of(values: list[float], count: int = 400) -> np.ndarray:
    return np.array([np.arange(count) < round(value * count) for value in values], float)


def test_the_saving_is_the_ratio_of_labels_for_the_controls_last_level() -> None:
    base = control([0.5, 0.6, 0.7, 0.8], [40, 80, 120, 160])
    found = compare(base, [40, 80, 120, 160], right_of([0.5, 0.8, 0.9, 0.95]))
    assert (found.labels, found.level) == (160, pytest.approx(0.8))
    assert (found.strategy_labels, found.saving) == (80, 2)
    assert 1 < found.low < 2 < found.high
    assert found.told
    assert found.audit_labels_needed == 400


def test_ends_are_where_students_interval_of_the_difference_is_above_0() -> None:
    base = control([0.6, 0.7], [80, 160])
    own = right_of([0.5, 0.66, 0.72, 0.9])
    found = compare(base, [40, 80, 120, 160], own)
    labels = np.arange(40, 160.01, 0.01)
    rows = own - base.right[0, 1]
    mean = rows.mean(axis=1)
    squares = ((rows - mean[:, None]) ** 2).sum(axis=1)
    half = STUDENT * np.sqrt((squares + 1) / (400 * 399))
    lower, upper = (np.interp(labels, [40, 80, 120, 160], mean + s * half) for s in (-1, 1))
    assert found.high == pytest.approx(160 / labels[np.argmax(upper >= 0)], rel=1e-3)
    assert found.low == pytest.approx(160 / labels[np.argmax(lower >= 0)], rel=1e-3)


def test_nothing_is_compared_beyond_what_both_reach() -> None:
    base = control([0.6, 0.7, 0.8], [40, 80, 160])
    found = compare(base, [30, 60, 100], right_of([0.6, 0.75, 0.9]))
    assert found.labels == 80
    short = compare(base, [200, 300], right_of([0.8, 0.9]))
    assert (short.labels, short.told, short.audit_labels_needed) == (0, False, 250)
    assert math.isnan(short.saving)
    assert math.isinf(compare(base, [], np.zeros((0, 400))).audit_labels_needed)


def test_curves_are_compared_within_half_of_the_audit_if_they_can_be() -> None:
    base = control([0.5, 0.6, 0.7, 0.8], [40, 100, 120, 160], count=200)
    rates = [0.5, 0.65, 0.8, 0.9]
    found = compare(base, [40, 100, 120, 160], right_of(rates, count=200))
    assert (found.labels, found.level) == (100, pytest.approx(0.6))
    assert compare(base, [110, 130], right_of(rates[:2], count=200)).labels == 120


def test_what_cannot_be_told_says_how_many_labels_would_tell() -> None:
    base = control([0.7, 0.8], [80, 160])
    found = compare(base, [80, 160], right_of([0.7, 0.805]))
    assert not found.told
    assert found.low <= 1 <= found.high
    half = STUDENT * math.sqrt((0.005 * 0.995 * 400 + 1) / (400 * 399))
    assert found.audit_labels_needed == math.ceil(400 * (half / 0.005) ** 2)
    assert math.isinf(compare(base, [80, 160], right_of([0.7, 0.8])).audit_labels_needed)


def test_bounds_where_the_level_is_reached_at_once_or_not_at_all() -> None:
    base = control([0.6, 0.7], [80, 160])
    fast = compare(base, [80, 160], right_of([0.9, 0.95]))
    assert (fast.saving, fast.low, fast.high) == (2, 2, math.inf)
    slow = compare(base, [80, 320], right_of([0.2, 0.4]))
    assert math.isinf(slow.strategy_labels)
    assert (slow.saving, slow.low, slow.high) == (0.5, 0, 0.5)
    assert slow.told


def test_models_that_depend_on_what_they_saw_make_wider_intervals() -> None:
    rng = np.random.default_rng(0)
    base = control([0.6, 0.7], [80, 160])
    right = base.right.copy()
    steady = compare(base, [80, 160], right_of([0.7, 0.8]))
    for repeat in range(4):
        for part in range(5):
            own = base.fold[repeat] == part
            right[repeat, 1, own] = np.clip(right[repeat, 1, own] + rng.choice([-0.5, 0.5]), 0, 1)
    shaken = ControlScores(base.labels, right, base.fold)
    pair = [paired_differences(one, [160], right_of([0.8])) for one in (base, shaken)]
    widths = [found[0].high - found[0].low for found in pair]
    assert widths[1] > 1.5 * widths[0]
    half = STUDENT * math.sqrt((400 * 0.09 + 1) / (400 * 399))
    assert pair[0][0].estimate == pytest.approx(0.1)
    assert (pair[0][0].low, pair[0][0].high) == pytest.approx((0.1 - half, 0.1 + half))
    assert steady.told


def test_savings_of_simulated_campaigns_are_covered() -> None:
    level = expected_accuracy(25, np.random.default_rng(1))
    rng = np.random.default_rng(2)
    found = [campaign(50, 1.5, level, rng) for _ in range(15)]
    coverage, _, wrong, *_ = scores(found)
    assert float(coverage) >= 0.8  # 12 of 15: less than once in 1,800 times at 95 %
    assert float(wrong) <= 0.2
    assert any(one.least > 1 for one in found)
