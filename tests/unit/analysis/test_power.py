"""Detectable differences and seeds needed, against statsmodels' numbers and a simulation."""

import math

import numpy as np
import pytest

from helpers.curves import curves
from labelbench_core.analysis.comparisons.paired import detectable_effect
from labelbench_core.analysis.power import (
    AREA,
    FINAL,
    power_table,
    power_tables,
    seeds_needed,
    spread_interval,
)


def test_seeds_needed_are_those_of_statsmodels() -> None:
    """TTestPower().solve_power(effect_size, alpha=.05, power=.8), rounded up (statsmodels 0.15)."""
    assert [seeds_needed(effect, 1.0) for effect in (2.0, 1.0, 0.5, 0.25, 0.1)] == [
        5, 10, 34, 128, 787
    ]  # fmt: skip


def test_effects_at_a_corrected_level() -> None:
    assert detectable_effect(5, 0.05 / 9) == pytest.approx(3.070, abs=1e-3)
    assert detectable_effect(10, 0.05 / 40) == pytest.approx(1.810, abs=1e-3)
    assert detectable_effect(2, 0.05 / 40) == math.inf


def test_a_test_with_that_many_seeds_has_that_power() -> None:
    from scipy import stats

    rng = np.random.default_rng(3)
    needed = int(seeds_needed(0.8, 1.0))
    draws = rng.normal(0.8, 1.0, (20_000, needed))
    power = (stats.ttest_1samp(draws, 0.0, axis=1).pvalue < 0.05).mean()
    assert 0.79 < power < 0.86  # one seed fewer would be below .8
    fewer = (stats.ttest_1samp(draws[:, 1:], 0.0, axis=1).pvalue < 0.05).mean()
    assert fewer < 0.81


def test_the_spread_s_interval_covers() -> None:
    rng = np.random.default_rng(4)
    for count in (3, 10):
        spreads = rng.normal(0, 2.0, (2000, count)).std(axis=1, ddof=1)
        ends = np.array([spread_interval(spread, count) for spread in spreads])
        assert 0.93 < ((ends[:, 0] <= 2) & (ends[:, 1] >= 2)).mean() < 0.97


def test_a_row_by_hand() -> None:
    """Final differences .10, .12, .14: mean .12, spread .02."""
    values = {"random": [[0.5, 0.6]] * 3, "margin": [[0.5, 0.70], [0.5, 0.72], [0.5, 0.74]]}
    table = power_table(curves(values), "random")
    final = table[table["measure"] == FINAL]
    assert final["spread"].iloc[0] == pytest.approx(0.02)
    assert final["detectable"].iloc[0] == pytest.approx(0.02 * detectable_effect(3))
    assert final["difference"].tolist() == [0.005, 0.01, 0.02, 0.05]
    assert final["seeds"].tolist() == [seeds_needed(d, 0.02) for d in (0.005, 0.01, 0.02, 0.05)]
    # The first labels are the same: areas differ by half as much.
    assert table.loc[table["measure"] == AREA, "spread"].iloc[0] == pytest.approx(0.01)
    (shown,) = power_tables(table)
    assert shown.columns[-4:] == tuple(f"seeds for {p} points" for p in ("0.5", "1", "2", "5"))


def test_one_seed_and_equal_differences_have_no_power() -> None:
    for seeds in (1, 3):
        values = {"random": [[0.5, 0.6]] * seeds, "margin": [[0.5, 0.7]] * seeds}
        table = power_table(curves(values), "random")
        assert table[["spread", "detectable", "seeds", "seeds_holm"]].isna().all(axis=None)
        assert power_tables(table)[0].cells[0][3:] == ("–",) * 7
    assert power_table(curves({"a": [[0.5, 0.6]]}), "random").empty
    assert seeds_needed(1e-6, 1.0) == math.inf
