"""Extrapolated learning curves: on curves that are power laws, and on kept results."""

import math

import numpy as np
import pytest

from benchmarks.extrapolations import MeasuredCurve, checked, kept_curves, table
from labelbench_core.campaign.audit.extrapolation import Range, extrapolated, price_to

LABELS = np.array([100, 200, 300, 400, 500, 600])


def law(labels: np.ndarray | float) -> np.ndarray | float:
    return 1 - (0.05 + 2.0 * np.asarray(labels) ** -0.5)


def test_power_laws_are_followed() -> None:
    curve = extrapolated(LABELS, law(LABELS))
    assert curve is not None
    for labels in (600, 900, 1200, 2400):
        told = curve.accuracy(labels)
        assert told.low <= law(labels) <= told.high
        assert told.estimate == pytest.approx(law(labels), abs=0.015)
    widths = [curve.accuracy(n).high - curve.accuracy(n).low for n in (600, 900, 1200, 2400)]
    assert widths == sorted(widths)
    gain = curve.gain(300)
    assert gain.low <= law(900) - law(600) <= gain.high
    assert gain.estimate == pytest.approx(law(900) - law(600), abs=0.006)
    assert curve.gain(0) == Range(0.0, 0.0, 0.0)


def test_labels_to_a_target_are_where_the_curve_reaches_it() -> None:
    curve = extrapolated(LABELS, law(LABELS))
    target = float(law(1200))
    needed = curve.labels_to(target, 20_000)
    assert needed.low <= 1200 <= needed.high
    assert needed.estimate == pytest.approx(1200, rel=0.25)
    # Where the median curve crosses, the median accuracy is the target.
    assert curve.accuracy(needed.estimate).estimate == pytest.approx(target, abs=0.005)
    reached = curve.labels_to(0.5, 20_000)
    assert (reached.estimate, reached.low, reached.high) == (600, 600, 600)
    never = curve.labels_to(0.999, 700)
    assert math.isinf(never.estimate)
    assert math.isinf(curve.labels_to(0.96, 20_000).high)


def test_the_price_is_of_labels_still_needed_with_their_audit() -> None:
    told = price_to(Range(1000.0, 500.0, math.inf), 600, 0.05, audit_share=0.2)
    assert told.estimate == pytest.approx(400 / 0.8 * 0.05)
    assert told.low == 0
    assert math.isinf(told.high)


def test_few_rows_measured_on_make_wider_intervals_and_no_other_gain() -> None:
    exact = extrapolated(LABELS, law(LABELS))
    rough = extrapolated(LABELS, law(LABELS), (0.80, 0.93))
    assert rough.accuracy(600).low <= 0.81
    assert rough.accuracy(600).high >= 0.92
    for labels in (600, 1200):
        narrow, wide = exact.accuracy(labels), rough.accuracy(labels)
        assert wide.high - wide.low > 1.3 * (narrow.high - narrow.low)
    assert rough.gain(300).estimate == pytest.approx(exact.gain(300).estimate, abs=0.003)


def test_with_no_more_labels_the_interval_is_that_of_the_audit() -> None:
    labels, accuracy = np.array([50, 100, 200]), np.array([0.97, 0.99, 1.0])
    interval = (0.93, 1.0)  # that of 40 right rows of 40
    found = extrapolated(labels, accuracy, interval)
    assert found is not None
    today = found.accuracy(200)
    assert today.low == pytest.approx(0.93, abs=0.012)
    assert today.high > 0.995
    # Half of what lies above the lower end was certain before, and never below it.
    assert today.low < 0.95 < today.estimate


def test_curves_without_noise_of_one_or_no_errors_are_possible() -> None:
    for accuracy in (np.ones(4), np.zeros(4), np.array([0.5, 0.9, 0.4, 0.7])):
        told = extrapolated(LABELS[:4], accuracy).accuracy(800)
        assert 0 <= told.low <= told.estimate <= told.high <= 1


def test_too_few_points_are_not_extrapolated() -> None:
    assert extrapolated(LABELS[:2], law(LABELS[:2])) is None
    assert extrapolated(LABELS[:3], law(LABELS[:3])) is not None
    one, other = (extrapolated(LABELS, law(LABELS)).accuracy(900) for _ in range(2))
    assert one == other


def test_extrapolations_hold_on_some_kept_curves() -> None:
    curves = [one for one in kept_curves() if one.source in ("pacs", "banking77", "sst2")]
    assert len(curves) > 100
    found = checked(iter(curves[::9]))
    assert found["coverage"].mean() >= 0.95
    assert found["error"].median() < found["unchanged"].median()
    assert any("banking77" in row for row in table(found))


def test_the_benchmark_counts_what_is_missed() -> None:
    """A curve that breaks off is no power law: its end is missed, and counted so."""
    labels = np.arange(100.0, 1300, 100)
    broken = np.where(labels < 700, law(labels), 0.2)
    found = checked(iter([MeasuredCurve("broken", labels, broken)]))
    assert not found["coverage"].all()


def test_points_that_are_measured_on_few_rows_say_less_of_the_slope() -> None:
    labels, accuracy = np.array([100, 200, 300, 400]), np.array([0.6, 0.75, 0.82, 0.86])
    sure = extrapolated(labels, accuracy, (0.85, 0.87), np.zeros(4))
    unsure = extrapolated(labels, accuracy, (0.85, 0.87), np.array([0.04, 0.04, 0.03, 0.0]))
    alone = extrapolated(labels, accuracy, (0.85, 0.87))
    assert sure is not None and unsure is not None and alone is not None  # noqa: PT018
    np.testing.assert_array_equal(sure.draws(800), alone.draws(800))
    # A slope that the points hardly show is not taken for one: more curves fit, flatter ones too.
    assert unsure.exponent.std() > sure.exponent.std()
    assert unsure.accuracy(1600).estimate < sure.accuracy(1600).estimate


def test_what_the_bought_rows_add_grows_with_them() -> None:
    labels, accuracy = np.array([100, 200, 400]), np.array([0.6, 0.7, 0.8])
    unseen = extrapolated(labels, accuracy)
    whole = extrapolated(labels, accuracy, learned=0.05)
    assert unseen is not None
    assert whole is not None
    np.testing.assert_allclose(whole.draws(400), unseen.draws(400) + 0.05)
    added = (whole.draws(800) - unseen.draws(800))[whole.draws(800) < 1]
    assert 0.05 * 2**0.25 <= added.min() < added.max() <= 0.05 * 2 + 1e-12
    assert whole.draws(10**6).max() == 1
    assert whole.gain(400).estimate > unseen.gain(400).estimate
    assert whole.labels_to(0.9, 10_000).estimate < unseen.labels_to(0.9, 10_000).estimate
