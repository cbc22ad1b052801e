"""First crossings and what the seeds leave open of them, against cases worked out by hand."""

import math

import numpy as np
import pytest
from scipy import stats

from labelbench_core.analysis.savings.crossings import crossing_of_zero, first_crossing

BUDGETS = np.array([100.0, 200.0, 300.0, 400.0])


@pytest.mark.parametrize(
    ("curve", "level", "labels"),
    [
        ([0.1, 0.3, 0.5, 0.7], 0.4, 250.0),
        ([0.1, 0.3, 0.5, 0.7], 0.5, 300.0),
        ([0.1, 0.3, 0.5, 0.7], 0.7, 400.0),
        ([0.1, 0.3, 0.5, 0.7], 0.8, math.inf),
        ([0.1, 0.3, 0.5, 0.7], 0.1, 100.0),
        ([0.1, 0.3, 0.5, 0.7], 0.0, 100.0),
        # Non-monotone: the first of three crossings.
        ([0.1, 0.6, 0.2, 0.7], 0.5, 180.0),
        # A dip below the start does not hide the later rise.
        ([0.3, 0.1, 0.5, 0.5], 0.4, 275.0),
        # A flat piece at the level: its first point.
        ([0.1, 0.5, 0.5, 0.7], 0.5, 200.0),
    ],
)
def test_first_crossing(curve: list[float], level: float, labels: float) -> None:
    found = first_crossing(BUDGETS, np.array([curve]), np.array([level]))
    assert found[0] == pytest.approx(labels)


def test_one_budget_is_a_curve() -> None:
    assert first_crossing(BUDGETS[:1], np.array([[0.5]]), np.array([0.4]))[0] == 100
    assert math.isinf(first_crossing(BUDGETS[:1], np.array([[0.5]]), np.array([0.6]))[0])


def crossing(mean: list[float], error: list[float]) -> tuple[float, float, float]:
    """Estimate and ends for three seeds whose mean has these half-widths at every budget."""
    quantile = stats.t.ppf(0.975, 2)
    # Seeds at mean - spread, mean, mean + spread: standard deviation `spread`.
    spread = np.array(error) * math.sqrt(3) / quantile
    seeds = np.array(mean) + np.array([[-1.0], [0.0], [1.0]]) * spread
    found = crossing_of_zero(BUDGETS, seeds[None])
    return float(found.estimate[0]), float(found.low[0]), float(found.high[0])


def test_ends_are_where_the_edges_of_the_t_band_cross() -> None:
    # Edges -2, 0, 2, 4 and -4, -2, 0, 2.
    found = crossing([-3, -1, 1, 3], [1, 1, 1, 1])
    assert found == pytest.approx((250, 200, 300))


def test_ends_lie_on_straight_lines_between_budgets() -> None:
    # Upper edge -2.5, -0.5, 1.5: zero at 225; lower edge -1.5, 0.5: zero at 275.
    assert crossing([-3, -1, 1, 3], [0.5] * 4) == pytest.approx((250, 225, 275))


def test_no_noise_leaves_nothing_open() -> None:
    assert crossing([-1, 0, 0, 0], [0] * 4) == (200, 200, 200)
    assert crossing([0.5, 1, 1, 1], [0] * 4) == (100, 100, 100)
    assert crossing([-3, -2, -1, -0.5], [0] * 4) == (math.inf, math.inf, math.inf)


def test_start_that_may_have_been_there_is_the_low_end() -> None:
    estimate, low, high = crossing([-1, 1, 3, 5], [2, 2, 2, 2])
    assert (estimate, low) == (150, 100)
    assert high == pytest.approx(250)


def test_level_that_may_not_be_reached_has_no_high_end() -> None:
    assert crossing([-3, -2, -1, 1], [2] * 4) == pytest.approx((350, 200, math.inf))
    # Never on the mean curve, but with the last labels it may be.
    assert crossing([-3, -2, -1, -0.5], [0.75] * 4) == pytest.approx((math.inf, 350, math.inf))


def test_only_what_is_connected_to_the_estimate_counts() -> None:
    # With 100 labels it may have been there, with 200 certainly not.
    assert crossing([-1, -2, 1, 3], [2, 0.5, 0.5, 0.5])[1] == pytest.approx(250)
    # A certain crossing counts only after the estimate, and stays where the curve falls again.
    assert crossing([-1, 1, 2, -1], [0.5] * 4)[2] == pytest.approx(175)


def test_one_seed_has_no_interval() -> None:
    found = crossing_of_zero(BUDGETS, np.array([[[-1.0, 1, 1, 1]]]))
    assert found.estimate[0] == 150
    assert np.isnan(found.low[0])
    assert np.isnan(found.high[0])
