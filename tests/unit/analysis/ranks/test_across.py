"""Ranks over data sets, their tests, and performance profiles."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from helpers.curves import curves
from labelbench_core.analysis.ranks.across import (
    across_tables,
    critical_difference,
    friedman_p,
    indistinguishable,
    ranks_over_datasets,
    wilcoxon_p,
)
from labelbench_core.analysis.savings.profiles import performance_profiles


def test_critical_differences_of_demsar() -> None:
    """His example: 4 classifiers, 14 data sets, q = 2.569, CD = 1.25."""
    assert critical_difference(4, 14) == pytest.approx(1.25, abs=0.005)
    assert critical_difference(2, 10) == pytest.approx(1.960 * math.sqrt(6 / 60), abs=1e-3)


def test_friedman_without_ties_is_scipy_s_in_the_form_of_iman_and_davenport() -> None:
    losses = np.random.default_rng(0).normal(size=(8, 4)) + np.arange(4) / 2
    chi_squared = stats.friedmanchisquare(*losses.T).statistic
    ratio = 7 * chi_squared / (8 * 3 - chi_squared)
    assert friedman_p(losses) == pytest.approx(stats.f.sf(ratio, 3, 21))
    tied = losses.round(0)
    chi_squared = stats.friedmanchisquare(*tied.T).statistic
    ratio = 7 * chi_squared / (8 * 3 - chi_squared)
    assert friedman_p(tied) == pytest.approx(stats.f.sf(ratio, 3, 21))
    assert math.isnan(friedman_p(np.ones((3, 3))))


@pytest.mark.parametrize(("datasets", "strategies"), [(2, 2), (2, 3), (4, 3), (3, 4), (2, 5)])
def test_friedman_of_few_data_sets_is_exact(datasets: int, strategies: int) -> None:
    """The same order everywhere is no proof where chance has few other orders."""
    same = np.tile(np.arange(strategies), (datasets, 1))
    assert friedman_p(same) == pytest.approx(math.factorial(strategies) ** (1.0 - datasets))
    rng = np.random.default_rng(3)
    seen = rng.permuted(same, axis=1)
    drawn = np.stack([rng.permuted(same, axis=1).sum(axis=0) for _ in range(4000)])
    spread = ((drawn - drawn.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    own = ((seen.sum(axis=0) - seen.sum() / strategies) ** 2).sum()
    assert friedman_p(seen) == pytest.approx((spread >= own - 1e-9).mean(), abs=0.04)


def test_friedman_s_p_value_is_never_below_the_probability_of_the_orders() -> None:
    assert friedman_p(np.tile(np.arange(4.0), (6, 1))) == pytest.approx(24.0**-5)
    tied = np.tile([1.0, 1.0, *np.arange(8.0)], (2, 1))
    assert friedman_p(tied) == pytest.approx(1 / (math.factorial(10) / math.prod([6])), rel=1e-9)


def test_wilcoxon_is_scipy_s_row_by_row() -> None:
    plain, tied = [0.1, -0.02, 0.3, 0.05, 0.07, 0.2], [0.1, -0.1, 0.3, 0.05, 0.07, 0.2]
    zeros = [0.0, 0.0, 0.3, 0.05, 0.07, 0.2]
    rows = np.array([plain, tied, np.zeros(6), zeros, plain[::-1]])
    wanted = [1.0 if not row.any() else stats.wilcoxon(row).pvalue for row in rows]
    assert wilcoxon_p(rows).tolist() == wanted


def several(values: dict[str, dict[str, list[list[float]]]]) -> pd.DataFrame:
    return pd.concat([curves(one, dataset=name) for name, one in values.items()])


def test_ranks_by_hand() -> None:
    table = several(
        {
            "x": {"a": [[0.5, 0.9]], "b": [[0.5, 0.8]], "c": [[0.5, 0.7]]},
            "y": {"a": [[0.5, 0.9]], "b": [[0.5, 0.9]], "c": [[0.5, 0.7]]},
            "z": {"a": [[0.5, 0.6]], "b": [[0.5, 0.8]], "c": [[0.5, 0.7]], "d": [[0.5, 0.7]]},
        }
    )
    found = ranks_over_datasets(table)
    # b: 2, 1.5, 1; a: 1, 1.5, 3; c: 3, 3, 2. `d` has one data set only.
    assert found["strategy"].tolist() == ["b", "a", "c"]
    assert found["mean_rank"].tolist() == pytest.approx([1.5, 5.5 / 3, 8 / 3])
    assert set(found["n_datasets"]) == {3}
    assert not found["differs"].any()
    assert across_tables(found)[0].cells[0][:3] == ("b", "1.50", "no")


def two_backbones(weak: dict[str, float], strong: dict[str, float]) -> pd.DataFrame:
    """The same last values on two data sets."""
    return pd.concat(
        curves({name: [[0.1, last]] for name, last in values.items()}, dataset=data, backbone=net)
        for data in ("x", "y")
        for net, values in (("weak", weak), ("strong", strong))
    )


def test_strategies_are_ranked_in_settings_that_all_of_them_have() -> None:
    """A mean over the easier settings alone would rank `costly` first."""
    found = ranks_over_datasets(
        two_backbones({"a": 0.4, "b": 0.3}, {"a": 0.9, "b": 0.7, "costly": 0.8})
    )
    assert found["strategy"].tolist() == ["a", "costly", "b"]
    assert found["mean_rank"].tolist() == [1, 2, 3]
    # Of strategies that meet nowhere, those beside the most others are ranked.
    found = ranks_over_datasets(
        two_backbones({"a": 0.4, "b": 0.3, "c": 0.2}, {"a": 0.9, "alone": 0.95})
    )
    assert found["strategy"].tolist() == ["a", "b", "c"]


def test_one_data_set_or_one_strategy_has_no_ranks() -> None:
    assert ranks_over_datasets(curves({"a": [[0.5, 0.6]], "b": [[0.5, 0.7]]})).empty
    alone = several({"x": {"a": [[0.5, 0.9]]}, "y": {"a": [[0.5, 0.9]]}})
    assert ranks_over_datasets(alone).empty
    apart = several({"x": {"a": [[0.5, 0.9]]}, "y": {"b": [[0.5, 0.9]]}})
    assert ranks_over_datasets(apart).empty
    assert ranks_over_datasets(several({"x": {"a": [[0.5]]}, "y": {"a": [[0.5]]}})).empty
    assert across_tables(ranks_over_datasets(alone)) == []


def test_bars_span_at_most_the_critical_difference() -> None:
    assert indistinguishable(np.array([1.0, 1.5, 2.4, 4.0]), 1.0) == [(0, 1), (1, 2)]
    assert indistinguishable(np.array([1.0, 3.0]), 1.0) == []
    assert indistinguishable(np.array([1.0, 1.2, 1.4]), 1.0) == [(0, 2)]


def test_profiles_by_hand() -> None:
    """Level .7: at 200 labels for a, at 300 for random and b; c never gets there."""
    values = {
        "random": [[0.5, 0.6, 0.7]],
        "a": [[0.5, 0.7, 0.8]],
        "b": [[0.5, 0.5, 0.7]],
        "c": [[0.5, 0.5, 0.5]],
    }
    found = performance_profiles(several({"x": values, "y": values}), "random")
    shares = {name: part for name, part in found.groupby("strategy")}
    assert shares["a"][["ratio", "share"]].to_numpy().tolist() == [[1.0, 1.0]]
    assert shares["b"][["ratio", "share"]].to_numpy().tolist() == [[1.0, 0.0], [1.5, 1.0]]
    assert shares["c"][["ratio", "share", "never"]].to_numpy().tolist() == [[1.0, 0.0, 1.0]]
    assert set(found["n_problems"]) == {2}
    assert performance_profiles(curves({"a": [[0.5, 0.6]]}), "random").empty
