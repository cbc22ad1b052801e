"""Every statistic of the analysis against a case worked out by hand."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from helpers.curves import curves
from labelbench_core.analysis.collected.curves import summarise_curves, t_interval
from labelbench_core.analysis.collected.frames import by_seed, by_strategy, seed_table
from labelbench_core.analysis.collected.units import signed, with_half_width
from labelbench_core.analysis.comparisons.aubc import area_under_budget_curve, aubc_table
from labelbench_core.analysis.comparisons.best import best_line, best_strategies, best_text
from labelbench_core.analysis.comparisons.finetuning import compare_to_proxy, verdict
from labelbench_core.analysis.comparisons.paired import (
    compare_to_baseline,
    detectable_effect,
    holm,
    paired_test,
    paired_tests,
)
from labelbench_core.analysis.comparisons.pairwise import checkpoint_rounds, penalty_matrix
from labelbench_core.analysis.ranks.ranking import mean_ranks
from labelbench_core.analysis.summary import last_difference_text
from labelbench_core.errors import InputError


def test_t_interval_of_three_values() -> None:
    # Mean 2, standard error 1 / sqrt(3), t(0.975, 2) = 4.302653.
    assert t_interval(np.array([1.0, 2.0, 3.0])) == pytest.approx((2.0, 4.302653 / math.sqrt(3)))


def test_one_value_has_no_interval() -> None:
    mean, half = t_interval(np.array([0.7]))
    assert mean == 0.7
    assert math.isnan(half)


def test_curves_are_means_and_never_running_maxima() -> None:
    table = summarise_curves(curves({"a": [[0.5, 0.9, 0.6], [0.7, 0.9, 0.8]]}))
    assert table["mean"].tolist() == pytest.approx([0.6, 0.9, 0.7])
    assert table["n_seeds"].tolist() == [2, 2, 2]
    # Spread of 0.5 and 0.7: standard error 0.1, t(0.975, 1) = 12.706205.
    assert table["half_width"].iloc[0] == pytest.approx(1.2706205)


def test_intervals_end_where_values_can_be() -> None:
    """Two seeds at .5 and .7 give .6 ± 1.27: of a share, that is 0 to 1."""
    values = {"a": [[0.5, 0.9], [0.7, 0.9]]}
    share = summarise_curves(curves(values))
    assert share[["low", "high"]].to_numpy().tolist() == [[0.0, 1.0], [0.9, 0.9]]
    nats = summarise_curves(curves(values).assign(metric="nll"))
    assert nats[["low", "high"]].iloc[0].tolist() == pytest.approx([0.0, 1.8706205])
    test = paired_test(np.array([0.0, 0.4]), "accuracy")
    assert (test["low"], test["high"]) == (-1.0, 1.0)
    assert test["half_width"] == pytest.approx(2.541241)
    assert with_half_width(0.6, 1.27, "accuracy") == "60.00 (0.00 to 100.00)"
    assert signed(0.2, 2.54, "accuracy") == "+20.00 (-100.00 to +100.00)"
    assert with_half_width(0.98, 0.01, "accuracy") == "98.00 ± 1.00"
    assert signed(-0.01, 0.01, "accuracy") == "-1.00 ± 1.00"


def test_holm_by_hand() -> None:
    # Sorted 0.01, 0.02, 0.03, 0.04 times 4, 3, 2, 1 = 0.04, 0.06, 0.06, 0.04; then never falling.
    adjusted = holm(np.array([0.04, 0.01, math.nan, 0.03, 0.02]))
    assert adjusted[[0, 1, 3, 4]] == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert math.isnan(adjusted[2])
    assert holm(np.array([0.6, 0.9])).tolist() == [1.0, 1.0]


def test_paired_test_by_hand() -> None:
    # Differences 1, 2, 3: t = 2 / (1 / sqrt 3) = 3.4641, two-sided p with 2 df = 0.0741799.
    test = paired_test(np.array([1.0, 2.0, 3.0]), "nll")
    assert test["difference"] == pytest.approx(2.0)
    assert test["p_value"] == pytest.approx(0.0741799, abs=1e-6)
    assert test["detectable"] == pytest.approx(1.0 * detectable_effect(3))


def test_paired_tests_take_each_row_by_its_own_seeds() -> None:
    """Against scipy, with rows of several numbers of seeds; of one and of none there is no test."""
    rows = np.array([[0.1, 0.3, 0.2, -0.1], [0.1, np.nan, 0.3, 0.15], [0.2, *[np.nan] * 3]])
    rows = np.vstack([rows, np.full(4, np.nan)])
    tests = paired_tests(rows, "accuracy")
    assert tests["n_seeds"].tolist() == [4, 3, 1, 0]
    for place in (0, 1):
        known = rows[place][~np.isnan(rows[place])]
        expected = stats.ttest_1samp(known, 0.0)
        assert tests["difference"][place] == pytest.approx(known.mean())
        assert tests["p_value"][place] == pytest.approx(expected.pvalue)
        ends = expected.confidence_interval()
        assert (tests["low"][place], tests["high"][place]) == pytest.approx((ends.low, ends.high))
    assert tests["difference"][2] == 0.2
    assert np.isnan([tests["p_value"][2:], tests["low"][2:], tests["detectable"][2:]]).all()


def test_two_values_for_one_seed_are_refused() -> None:
    frame = curves({"a": [[0.5, 0.9]]})
    with pytest.raises(
        InputError, match="two values for one seed and strategy: seed 0, a; allowed: one"
    ):
        seed_table(frame, "strategy")
    table = seed_table(curves({"b": [[0.5], [0.6]], "a": [[0.7]]}), "strategy")
    assert table.columns.tolist() == ["b", "a"]
    assert table.iloc[0].tolist() == [0.5, 0.7]
    assert np.isnan(table.loc[1, "a"])


def test_tables_of_all_strategies_are_those_of_each() -> None:
    even = curves({"b": [[0.5, 0.7], [0.6, 0.8]], "a": [[0.7, 0.6], [0.4, 0.9]]})
    for frame in (even, even.iloc[::-1], even[(even["strategy"] != "a") | (even["seed"] > 0)]):
        wanted = {name: by_seed(part) for name, part in frame.groupby("strategy", sort=False)}
        found = by_strategy(frame)
        assert list(found) == list(wanted)
        for name, table in wanted.items():
            pd.testing.assert_frame_equal(found[name], table)
    with pytest.raises(InputError, match=r"every number of labels: seed 1 has no value with \d+$"):
        by_strategy(even.iloc[:-1])
    with pytest.raises(
        InputError, match=r"two values for one seed and strategy: seed 1, a; allowed: one"
    ):
        compare_to_baseline(pd.concat([even, even.iloc[-1:]]), "b")


def test_paired_test_without_spread() -> None:
    assert paired_test(np.zeros(4), "accuracy")["p_value"] == 1.0
    same = paired_test(np.zeros(4), "accuracy")
    assert (same["low"], same["high"]) == (0.0, 0.0)
    assert math.isnan(same["detectable"])
    equal = paired_test(np.array([0.91 - 0.90, 0.81 - 0.80]), "accuracy")
    assert equal["difference"] == pytest.approx(0.01)
    assert all(math.isnan(equal[key]) for key in ("p_value", "low", "high", "detectable"))
    assert math.isnan(paired_test(np.array([0.1]), "accuracy")["p_value"])


@pytest.mark.parametrize(
    ("seeds", "effect"), [(3, 3.26), (5, 1.68), (10, 1.00), (20, 0.66), (30, 0.53), (50, 0.40)]
)
def test_detectable_effect(seeds: int, effect: float) -> None:
    assert detectable_effect(seeds) == pytest.approx(effect, abs=0.006)


def test_pairs_are_made_by_seed_not_by_order_of_rows() -> None:
    base = [[0.5, 0.60], [0.5, 0.80], [0.5, 0.70]]
    better = [[0.5, 0.61], [0.5, 0.83], [0.5, 0.72]]
    frame = curves({"random": base, "margin": better})
    ordered = compare_to_baseline(frame, "random")
    shuffled = compare_to_baseline(frame.sample(frac=1, random_state=4), "random")
    # Differences 0.01, 0.03, 0.02: the same test as 1, 2, 3 above, a hundred times smaller.
    assert ordered["p_value"].tolist() == pytest.approx([0.0741799], abs=1e-6)
    assert ordered["difference"].tolist() == pytest.approx([0.02])
    assert shuffled["p_value"].tolist() == ordered["p_value"].tolist()
    assert ordered["round"].tolist() == [1]


def test_pairs_are_of_the_seeds_that_both_have() -> None:
    base = [[0.5, 0.60], [0.5, 0.80], [0.5, 0.70]]
    frame = curves({"random": base, "margin": [[0.5, 0.61], [0.5, 0.99], [0.5, 0.74]]})
    odd = frame[(frame["strategy"] != "margin") | (frame["seed"] != 1)]
    (row,) = compare_to_baseline(odd, "random").to_dict("records")
    assert (row["n_seeds"], row["difference"]) == (2, pytest.approx(0.025))
    # Nothing to compare with: no rows.
    assert compare_to_baseline(frame, "entropy").empty
    apart = frame[(frame["strategy"] == "margin") == (frame["seed"] == 1)]
    assert compare_to_baseline(apart, "random").empty


def test_holm_runs_over_strategies_and_budgets_of_a_group() -> None:
    rng = np.random.default_rng(0)
    noise = {name: rng.normal(0.7, 0.05, (5, 3)).tolist() for name in ("random", "a", "b")}
    table = compare_to_baseline(curves(noise), "random")
    assert table["strategy"].tolist() == ["a", "a", "b", "b"]
    assert table["p_holm"].tolist() == pytest.approx(holm(table["p_value"].to_numpy()).tolist())
    assert table["p_holm"].min() == pytest.approx(min(1.0, 4 * table["p_value"].min()))


def test_area_under_budget_curve_by_hand() -> None:
    # Budgets 0, 100, 400: areas 50 and 225 of width 400 for a line through 0, 1, 0.5.
    area = area_under_budget_curve(np.array([0.0, 100.0, 400.0]), np.array([[0.0, 1.0, 0.5]]))
    assert area.tolist() == pytest.approx([(50 + 225) / 400])
    assert math.isnan(area_under_budget_curve(np.array([1.0]), np.ones((1, 1)))[0])


def test_aubc_table_compares_with_the_baseline() -> None:
    table = aubc_table(
        curves({"random": [[0, 1], [0, 0.8]], "a": [[0, 0.9], [0, 0.6]]}), "random"
    ).set_index("strategy")
    assert table.loc["random", "aubc"] == pytest.approx(0.45)
    assert table.loc["a", "difference"] == pytest.approx(-0.075)
    assert math.isnan(table.loc["random", "difference"])


def test_checkpoints_double_until_the_baseline_saturates() -> None:
    assert checkpoint_rounds(np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])) == [
        1,
        2,
        4,
        8,
    ]
    assert checkpoint_rounds(np.array([0.1, 0.5, 0.6, 0.897, 0.9])) == [1, 2]
    assert checkpoint_rounds(np.array([0.9, 0.9, 0.9])) == [1]
    assert checkpoint_rounds(np.array([0.9])) == []


def test_penalty_matrix_row_beats_column_by_seed_id() -> None:
    rng = np.random.default_rng(1)
    base = rng.normal(0.7, 0.05, (5, 2))
    better = base + 0.02 + rng.normal(0, 0.001, (5, 2))
    frame = curves({"random": base.tolist(), "good": better.tolist()})
    for rows in (frame, frame.sample(frac=1, random_state=3)):
        matrix = penalty_matrix(rows.sort_values("strategy", ascending=False), "random")
        assert matrix.loc["good", "random"] == 1.0
        assert matrix.loc["random", "good"] == 0.0
        assert matrix.loc["mean", "good"] < matrix.loc["mean", "random"]
    # A win in one of two settings counts 1, not 2.
    other = curves({"random": base.tolist(), "good": base.tolist()}, dataset="e")
    both = penalty_matrix(pd.concat([frame, other]), "random")
    assert both.loc["good", "random"] == 1.0


def test_mean_ranks_share_ties() -> None:
    table = mean_ranks(curves({"a": [[0.5, 0.9, 0.9]], "b": [[0.5, 0.9, 0.8]], "c": [[0.5, 0, 0]]}))
    ranks = table.set_index("strategy")["mean_rank"]
    assert ranks.to_dict() == pytest.approx({"a": 1.25, "b": 1.75, "c": 3.0})


def test_finetuning_is_compared_with_the_same_seeds_of_the_proxy() -> None:
    rounds = curves({"random": [[0.5, 0.60], [0.5, 0.70], [0.5, 0.1]]})
    rounds = pd.concat([rounds, rounds.assign(metric="nll", value=9.0)])
    tuned = rounds[
        (rounds["round"] == 1) & (rounds["seed"] < 2) & (rounds["metric"] == "accuracy")
    ].copy()
    tuned["value"] += [0.02, 0.04]
    tuned.insert(4, "trainer", "full")
    tuned = tuned.assign(held_out_labels=0, extra_labels=7)
    row = compare_to_proxy(tuned.sample(frac=1, random_state=1), rounds).iloc[0]
    assert (row["held_out_labels"], row["extra_labels"]) == (0, 7)
    assert row["n_seeds"] == 2
    assert row["proxy_value"] == pytest.approx(0.65)
    assert row["finetuned"] == pytest.approx(0.68)
    assert row["difference"] == pytest.approx(0.03)


def test_verdict_goes_by_the_corrected_p_value() -> None:
    assert verdict(0.1, 0.01, "accuracy") == "better"
    assert verdict(-0.1, 0.01, "accuracy") == "worse"
    assert verdict(0.1, 0.01, "nll") == "worse"
    assert verdict(-0.1, 0.01, "calibration-error") == "better"
    assert verdict(0.1, 0.2, "accuracy") == "not distinguishable"
    assert verdict(0.1, math.nan, "nll") == "not tested"


def test_the_best_by_area_and_what_cannot_be_told_from_it() -> None:
    """b has the highest area; c, .01 to .03 below, is worse; d cannot be told from it."""
    values = {
        "a": [[0.1, 0.2], [0.1, 0.21], [0.1, 0.19], [0.1, 0.2]],
        "b": [[0.5, 0.9], [0.5, 0.8], [0.5, 0.7], [0.5, 0.8]],
        "c": [[0.5, 0.88], [0.5, 0.782], [0.5, 0.679], [0.5, 0.781]],
        "d": [[0.5, 0.7], [0.5, 0.9], [0.5, 0.8], [0.5, 0.7]],
    }
    table = best_strategies(curves(values))
    assert table["strategy"].tolist() == ["b", "c", "d", "a"]
    assert table["verdict"].tolist() == ["best", "worse", "not distinguishable", "worse"]
    assert table["area"].iloc[0] == pytest.approx(0.65)
    pairs = itertools.combinations(values, 2)
    areas = {name: np.mean(seeds, axis=1) for name, seeds in values.items()}
    tests = [paired_test(areas[one] - areas[two], "accuracy")["p_value"] for one, two in pairs]
    # Of the pairs a b, a c, a d, b c, b d, c d.
    corrected = holm(np.array(tests))
    assert table["p_holm"].iloc[1:].tolist() == pytest.approx(corrected[[3, 4, 0]].tolist())
    text = best_text(table.to_dict("records"), "test", "accuracy")
    assert "b has the highest mean test accuracy (area under the curve): 65.00 %, 95 % int" in text
    assert "Cannot be told from it: d; worse: c, a (" in text
    assert "corrected for all 6 pairs" in text
    line = best_line(table.to_dict("records"), "test", "accuracy")
    assert (
        line == "Best over 100 to 200 labels, by mean test accuracy: b; d cannot be told from it."
    )


def test_the_best_of_one_seed_or_of_a_loss() -> None:
    alone = best_strategies(curves({"a": [[0.5, 0.9]], "b": [[0.5, 0.8]]}))
    assert alone["verdict"].tolist() == ["best", "not tested"]
    text = best_text(alone.to_dict("records"), "test", "accuracy")
    assert text.endswith("70.00 %. With these seeds, no test can tell how certain that is.")
    assert best_line(alone.to_dict("records"), "test", "accuracy").endswith(
        "accuracy: a; with these seeds, no test can tell how certain that is."
    )
    loss = curves({"a": [[0.5, 0.9]], "b": [[0.5, 0.8]]}).assign(metric="nll")
    assert best_strategies(loss)["strategy"].tolist() == ["b", "a"]
    assert best_strategies(curves({"a": [[0.5, 0.9]]})).empty


@pytest.mark.parametrize(
    ("verdicts", "sure"),
    [
        (["worse"], "s1 is worse"),
        (["worse"] * 3, "all others are worse"),
        (["not distinguishable"] * 4, "s1, s2, s3, s4 cannot be told from it"),
        (["not distinguishable"] * 6, "none of the other 6 can be told from it"),
        (
            ["not distinguishable"] * 6 + ["worse"],
            "s1, s2, s3, s4 and 2 more cannot be told from it",
        ),
        (
            ["worse", "not tested", "not distinguishable"],
            "s3 cannot be told from it; s2 not compared",
        ),
        (["worse", "not tested"], "s2 not compared"),
    ],
)
def test_one_sentence_says_how_sure_the_best_is(verdicts: list[str], sure: str) -> None:
    rows = [
        {"strategy": f"s{place}", "verdict": one, "first_labels": 10, "last_labels": 1000}
        for place, one in enumerate(["best", *verdicts])
    ]
    line = best_line(rows, "pool", "nll")
    assert line == f"Best over 10 to 1,000 labels, by mean pool nll: s0; {sure}."


def test_areas_of_the_best_are_over_what_all_have() -> None:
    """a leads over its three budgets, b over the two that both have."""
    longer = curves({"a": [[0.1, 0.4, 0.9], [0.1, 0.4, 0.9]]})
    table = best_strategies(pd.concat([longer, curves({"b": [[0.1, 0.5], [0.1, 0.6]]})]))
    assert table["strategy"].tolist() == ["b", "a"]
    assert table["last_labels"].nunique() == 1


def test_equal_differences_of_several_seeds_are_told_as_such() -> None:
    entry = {**paired_test(np.full(3, 0.02), "accuracy"), "verdict": "not distinguishable"}
    told = last_difference_text(entry, ("margin", "random"), "accuracy")
    assert told == (
        "margin minus random: +2.00 points with each of 3 seeds, without the spread that a test "
        "needs"
    )
