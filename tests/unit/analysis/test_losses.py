"""Metrics of which lower is better: savings, ranks, wins and words all turn with them."""

import math

import numpy as np
import pytest
from scipy import stats

from helpers.curves import curves
from labelbench_core.analysis.collected.units import difference_text, value_text, with_half_width
from labelbench_core.analysis.comparisons.aubc import aubc_table
from labelbench_core.analysis.comparisons.finetuning import compare_to_proxy, verdict
from labelbench_core.analysis.comparisons.paired import compare_to_baseline
from labelbench_core.analysis.comparisons.pairwise import checkpoint_rounds, penalty_matrix
from labelbench_core.analysis.ranks.ranking import mean_ranks
from labelbench_core.analysis.savings.label_savings import label_savings
from labelbench_core.analysis.tables import accuracy_tables, comparison_tables
from labelbench_core.metrics.known import METRICS

SETTING = {"dataset": "d", "backbone": "b", "proxy": "p", "schedule": "s"}


def frame(metric, values):
    """A long table from `values`, strategy → (seeds, rounds); budgets are 100, 200, …"""
    return curves({name: np.asarray(seeds).tolist() for name, seeds in values.items()}).assign(
        metric=metric
    )


def losses(seed=0):
    """Three strategies' losses, falling at different rates, with noise."""
    rng = np.random.default_rng(seed)
    fall = np.exp(-np.arange(6) / 3)
    return {
        name: 0.3 + fall * scale + rng.normal(0, 0.02, (5, 6))
        for name, scale in (("random", 1.0), ("margin", 0.7), ("coreset", 1.1))
    }


def test_a_saving_of_a_loss_by_hand():
    # The baseline ends at 0.6, which the strategy has with 200 of its labels.
    table = label_savings(frame("nll", {"a": [[1.0, 0.8, 0.6]], "b": [[0.8, 0.6, 0.5]]}), "a")
    row = table[table["definition"] == "at-baseline-level"].iloc[0]
    assert (row["saving"], row["bound"]) == (pytest.approx(1.5), "")
    assert row["level"] == pytest.approx(0.6)


@pytest.mark.parametrize("metric", ["nll", "calibration-error"])
def test_savings_of_a_loss_are_those_of_its_mirror_image(metric):
    values = losses()
    mirrored = {name: 1.5 - curve for name, curve in values.items()}
    found = label_savings(frame(metric, values), "random")
    expected = label_savings(frame("accuracy", mirrored), "random")
    columns = ["saving", "low", "high", "baseline_labels", "strategy_labels"]
    np.testing.assert_allclose(found[columns], expected[columns])
    bounds = ["bound", "low_bound", "high_bound"]
    assert found[bounds].equals(expected[bounds])
    np.testing.assert_allclose(found["level"], 1.5 - expected["level"])


def test_the_lowest_loss_ranks_first():
    values = losses()
    found = mean_ranks(frame("nll", values)).set_index("strategy")["mean_rank"]
    stacked = np.stack(list(values.values()))[:, :, 1:]
    ranks = np.apply_along_axis(stats.rankdata, 0, stacked)
    assert found[list(values)].tolist() == pytest.approx(ranks.mean(axis=(1, 2)).tolist())
    assert found.idxmin() == "margin"


def test_the_lower_loss_wins():
    values = losses(1)
    found = penalty_matrix(frame("nll", values), "random")
    means = values["random"].mean(axis=0)
    # The first round within 1 % of the last level, and powers of two up to it.
    last = max(next(n for n in range(6) if 0.99 * means[n] <= means[-1]), 1)
    rounds = [n for n in (1, 2, 4) if n <= last]
    for first, mine in values.items():
        for second, other in values.items():
            wins = [
                stats.ttest_rel(mine[:, n], other[:, n], alternative="less").pvalue < 0.025
                for n in rounds
                if first != second
            ]
            assert found.loc[first, second] == pytest.approx(sum(wins) / len(rounds))
    assert found.loc["margin", "coreset"] > 0
    assert found.loc["coreset", "margin"] == 0


def test_a_loss_is_saturated_from_above():
    means = np.array([1.0, 0.5, 0.405, 0.4, 0.4])
    assert checkpoint_rounds(means, lower_is_better=True) == [1, 2]
    assert checkpoint_rounds(np.array([1.0, 0.5, 0.4, 0.3, 0.2]), lower_is_better=True) == [1, 2, 4]


def test_areas_and_differences_stay_in_the_units_of_the_metric():
    values = losses()
    table = frame("nll", values)
    areas = aubc_table(table, "random").set_index("strategy")
    heights = {name: np.trapezoid(curve, dx=1, axis=1) / 5 for name, curve in values.items()}
    for name, height in heights.items():
        assert areas.loc[name, "aubc"] == pytest.approx(height.mean())
    difference = (heights["margin"] - heights["random"]).mean()
    assert areas.loc["margin", "difference"] == pytest.approx(difference)
    assert difference < 0
    compared = compare_to_baseline(table, "random")
    last = compared[(compared["strategy"] == "margin") & (compared["round"] == 5)].iloc[0]
    expected = (values["margin"] - values["random"])[:, 5].mean()
    assert last["difference"] == pytest.approx(expected)


def test_a_lower_loss_by_fine_tuning_is_better():
    values = losses()
    rounds = frame("nll", values)
    extra = {"trainer": "full", "held_out_labels": 0, "extra_labels": 0}
    tuned = rounds.assign(value=rounds["value"] - 0.1 - 0.001 * rounds["seed"], **extra)
    row = compare_to_proxy(tuned, rounds).iloc[-1]
    assert row["difference"] == pytest.approx(-0.102)
    assert verdict(row["difference"], row["p_holm"], "nll") == "better"
    assert verdict(row["difference"], row["p_holm"], "accuracy") == "worse"


def test_numbers_are_shown_in_the_unit_of_the_metric():
    assert value_text(0.93414, "accuracy") == "93.41 %"
    assert value_text(0.23456, "nll") == "0.235 nats"
    assert value_text(math.nan, "nll") == "–"
    assert difference_text(-0.0123, "calibration-error") == "-1.23 points"
    assert difference_text(-0.0123, "nll") == "-0.012 nats"
    assert with_half_width(0.2, 0.01, "nll") == "0.200 ± 0.010"
    assert METRICS["nll"].unit == "nats, lower is better"


def test_titles_of_tables_say_which_way_is_better():
    means = frame("nll", losses()).assign(kind="method", mean=0.25, half_width=0.01)
    title = accuracy_tables(means, "nll")[0].title
    assert title == "test nll in nats, lower is better, d / b / p / s"
    compared = compare_to_baseline(frame("nll", losses()), "random")
    title = comparison_tables(compared, "nll")[0].title
    assert title.startswith("difference to the baseline in nats of test nll (below 0 is better), d")
