"""Label savings against cases worked out by hand."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from helpers.curves import curves
from labelbench_core.analysis.savings.label_savings import (
    interval_text,
    label_savings,
    may_be_one,
    saving_text,
    saving_with_interval,
)
from labelbench_core.analysis.savings.saving_intervals import (
    AT_BASELINE,
    AT_STRATEGY,
    DEFINITIONS,
    Curve,
    compute_savings,
)
from labelbench_core.errors import InputError

BUDGETS = np.array([100.0, 200.0, 300.0, 400.0])


def saving(base: list, other: list, definition: str, budgets: np.ndarray = BUDGETS) -> dict:
    return saving_with_interval(
        Curve(BUDGETS, np.atleast_2d(base)), Curve(budgets, np.atleast_2d(other)), definition
    )


def ends(found: dict) -> tuple:
    return tuple(found[name] for name in ("low", "low_bound", "high", "high_bound"))


def seeds_around(mean: list[float], half_width: list[float] | float) -> np.ndarray:
    """Three seeds with this mean, whose 95 % t interval has this half-width at every budget."""
    spread = np.asarray(half_width) * math.sqrt(3) / stats.t.ppf(0.975, 2)
    return np.array(mean) + np.array([[-1.0], [0.0], [1.0]]) * spread


def test_saving_at_the_baselines_level() -> None:
    # The baseline ends at 0.7 with 400 labels; the strategy passes 0.7 half-way from 100 to 200.
    found = saving([0.1, 0.3, 0.5, 0.7], [0.1, 1.3, 1.3, 1.3], AT_BASELINE)
    assert found["saving"] == pytest.approx(400 / 150)
    assert (found["bound"], found["baseline_labels"], found["strategy_labels"]) == ("", 400, 150)
    assert found["level"] == pytest.approx(0.7)


def test_baseline_that_was_as_good_before_is_not_charged_its_last_budget() -> None:
    found = saving([0.1, 0.7, 0.9, 0.7], [0.1, 0.9, 0.9, 0.9], AT_BASELINE)
    assert found["baseline_labels"] == pytest.approx(200)
    assert found["saving"] == pytest.approx(200 / 175)


def test_strategy_that_never_gets_there_is_bounded() -> None:
    found = saving([0.1, 0.3, 0.5, 0.7], [0.1, 0.2, 0.3, 0.4], AT_BASELINE)
    assert (found["saving"], found["bound"]) == (1.0, "less than")
    assert math.isnan(found["strategy_labels"])
    # The baseline needed 200 of 400 labels for its last level: the bound is 1/2.
    peaked = saving([0.1, 0.7, 0.9, 0.7], [0.1, 0.2, 0.3, 0.4], AT_BASELINE)
    assert (peaked["saving"], peaked["bound"]) == (0.5, "less than")


def test_saving_at_the_strategys_level() -> None:
    # The strategy ends at 0.6 with 200 labels; the baseline gets there at 350.
    found = saving([0.1, 0.3, 0.5, 0.7], [0.1, 0.6], AT_STRATEGY, BUDGETS[:2])
    assert found["saving"] == pytest.approx(350 / 200)
    never = saving([0.1, 0.3, 0.5, 0.7], [0.1, 0.8], AT_STRATEGY, BUDGETS[:2])
    assert (never["saving"], never["bound"]) == (2.0, "more than")
    equal = saving([0.1, 0.3, 0.5, 0.7], [0.1, 0.5, 0.7, 0.8], AT_STRATEGY)
    assert (equal["saving"], equal["bound"]) == (1.0, "more than")
    worse = saving([0.3, 0.4, 0.5, 0.7], [0.2, 0.2, 0.2, 0.25], AT_STRATEGY)
    assert (worse["saving"], worse["bound"]) == (0.25, "less than")


def test_strategy_that_was_as_good_before_is_not_charged_its_last_budget() -> None:
    # It ends at 0.6, where it first was with 200 labels; the baseline gets there at 350.
    found = saving([0.1, 0.3, 0.5, 0.7], [0.1, 0.6, 0.8, 0.6], AT_STRATEGY)
    assert found["saving"] == pytest.approx(350 / 200)
    assert (found["baseline_labels"], found["strategy_labels"]) == pytest.approx((350, 200))


def test_baseline_that_does_not_rise_gives_no_saving() -> None:
    found = saving([[0.5] * 4] * 3, [[0.5, 0.6, 0.7, 0.8]] * 3, AT_BASELINE)
    assert found["bound"] == "undefined"
    assert math.isnan(found["saving"])
    assert math.isnan(found["low"])


SHAPES = {
    "rising": [0.1, 0.3, 0.5, 0.7],
    "saturated": [0.6, 0.9, 0.9, 0.9],
    "plateau": [0.1, 0.5, 0.5, 0.7],
    "peaked": [0.1, 0.8, 0.6, 0.7],
    "falling": [0.9, 0.8, 0.7, 0.6],
    "flat": [0.5, 0.5, 0.5, 0.5],
}


@pytest.mark.parametrize("definition", DEFINITIONS)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_strategy_compared_with_itself_saves_exactly_nothing(shape: str, definition: str) -> None:
    seeds = np.array(SHAPES[shape]) + np.array([[0.0], [0.03], [-0.02]])
    found = saving(seeds, seeds, definition)
    assert (found["saving"], found["bound"]) == (1.0, "")
    # The seeds differ by the same at every budget: that changes no number of labels.
    assert ends(found) == pytest.approx((1.0, "", 1.0, ""))


@settings(max_examples=100)
@given(
    shape=st.sampled_from([*SHAPES, "random walk"]),
    definition=st.sampled_from(DEFINITIONS),
    seeds=st.integers(1, 6),
    noise=st.sampled_from([0.0, 1e-9, 0.01, 0.2]),
    seed=st.integers(0, 2**32 - 1),
)
def test_noisy_curves_compared_with_themselves(
    shape: str, definition: str, seeds: int, noise: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    mean = np.array(SHAPES.get(shape, rng.normal(0, 0.1, 4).cumsum()))
    curve = Curve(BUDGETS, mean + rng.normal(0, noise, (seeds, 4)))
    found = saving_with_interval(curve, curve, definition)
    assert (found["saving"], found["bound"]) == (1.0, "")
    if seeds > 1:
        assert found["low"] <= 1.0 <= found["high"]
    else:
        assert math.isnan(found["low"])


@settings(max_examples=100)
@given(seeds=st.integers(2, 6), seed=st.integers(0, 2**32 - 1), noise=st.floats(0.001, 0.3))
def test_the_interval_holds_the_saving_and_turns_with_the_curves(
    seeds: int, seed: int, noise: float
) -> None:
    rng = np.random.default_rng(seed)
    curves = [
        Curve(BUDGETS, rng.normal(0.1, 0.2, 4).cumsum() + rng.normal(0, noise, (seeds, 4)))
        for _ in range(2)
    ]
    found = saving_with_interval(*curves, AT_BASELINE)
    turned = saving_with_interval(*reversed(curves), AT_STRATEGY)
    if found["bound"] == "undefined":
        assert turned["bound"] == "undefined"
        assert math.isnan(found["low"])
        return
    assert 0 < found["low"] <= found["saving"] * (1 + 1e-9)
    assert found["saving"] <= found["high"] * (1 + 1e-9)
    turns = {"": "", "less than": "more than", "more than": "less than"}
    for name, other in (("saving", "saving"), ("low", "high"), ("high", "low")):
        assert found[name] == pytest.approx(1 / turned[other])
    for name, other in (
        ("bound", "bound"),
        ("low_bound", "high_bound"),
        ("high_bound", "low_bound"),
    ):
        assert found[name] == turns[turned[other]]


def test_interval_pairs_seeds() -> None:
    # Two seeds, each with the strategy at 200 labels; they differ by as much as both rise.
    base = np.array([[0.1, 0.2, 0.3, 0.4], [0.5, 0.6, 0.7, 0.8]])
    other = np.array([[0.1, 0.4, 0.4, 0.4], [0.5, 0.8, 0.8, 0.8]])
    found = saving(base, other, AT_BASELINE)
    assert (found["saving"], *ends(found)) == pytest.approx((2.0, 2.0, "", 2.0, ""))


def test_interval_by_hand() -> None:
    # The baseline is without noise. The strategy's band around 0.1, 0.5, 0.9, 1.3 reaches 0.7 at
    # 225 and at 275 labels.
    found = saving([[0.1, 0.3, 0.5, 0.7]] * 3, seeds_around([0.1, 0.5, 0.9, 1.3], 0.1), AT_BASELINE)
    assert found["saving"] == pytest.approx(400 / 250)
    assert ends(found) == pytest.approx((400 / 275, "", 400 / 225, ""))


def test_end_that_may_lie_before_the_first_budget_is_open() -> None:
    found = saving([[0.1, 0.3, 0.5, 0.7]] * 3, seeds_around([0.5, 0.9, 1.3, 1.7], 0.3), AT_BASELINE)
    assert found["saving"] == pytest.approx(400 / 150)
    assert ends(found) == pytest.approx((400 / 225, "", 400 / 100, "more than"))
    certain = saving([[0.1, 0.3, 0.5, 0.7]] * 3, [[0.8, 0.9, 0.9, 0.9]] * 3, AT_BASELINE)
    assert ends(certain) == (4.0, "more than", 4.0, "more than")


def test_strategy_that_may_not_reach_the_level_is_read_at_its_own() -> None:
    # It ends 0.02 below the level, give or take 0.1: the band reaches 0.7 at 360 labels. Its own
    # last level is 0.68 +- 0.1, which the baseline may reach with 340 labels, if it is 0.58.
    other = seeds_around([0.1, 0.2, 0.48, 0.68], 0.1)
    found = saving([[0.1, 0.3, 0.5, 0.7]] * 3, other, AT_BASELINE)
    assert (found["saving"], found["bound"]) == (1.0, "less than")
    assert ends(found) == pytest.approx((340 / 400, "", 400 / 360, ""))


def test_strategy_that_certainly_does_not_has_a_bound_and_no_interval() -> None:
    found = saving([[0.1, 0.3, 0.5, 0.7]] * 3, seeds_around([0.1, 0.2, 0.3, 0.4], 0.1), AT_BASELINE)
    assert (found["saving"], found["bound"]) == (1.0, "less than")
    assert ends(found) == (1.0, "less than", 1.0, "less than")


def test_baseline_that_was_certainly_there_before_is_uncertain_both_ways() -> None:
    # Its band reaches 0.7, where it ends, at 175, 200 and 225; the strategy's at 125, 150 and 175.
    base = seeds_around([0.1, 0.7, 1.3, 0.7], [0.15, 0.15, 0.15, 0])
    other = seeds_around([0.1, 1.3, 1.3, 1.3], 0.3)
    found = saving(base, other, AT_BASELINE)
    assert found["saving"] == pytest.approx(200 / 150)
    low = math.exp(-math.hypot(math.log(200 / 175), math.log(175 / 150)))
    high = math.exp(math.hypot(math.log(225 / 200), math.log(150 / 125)))
    assert ends(found) == pytest.approx((200 / 150 * low, "", 200 / 150 * high, ""))


def test_one_seed_has_no_interval() -> None:
    for other in ([0.1, 0.5, 0.9, 1.3], [0.1, 0.2, 0.3, 0.4]):
        found = saving([0.1, 0.3, 0.5, 0.7], other, AT_BASELINE)
        assert math.isnan(found["low"])
        assert math.isnan(found["high"])
        assert (found["low_bound"], found["high_bound"]) == ("", "")


def test_experiments_do_not_touch_each_other() -> None:
    rng = np.random.default_rng(3)
    base = np.array([0.1, 0.3, 0.5, 0.7]) + rng.normal(0, 0.1, (6, 4, 4))
    other = base + rng.normal(0, 0.2, (6, 4, 4))
    for definition in DEFINITIONS:
        together = compute_savings(Curve(BUDGETS, base), Curve(BUDGETS, other), definition)
        for index in range(6):
            alone = saving(base[index], other[index], definition)
            np.testing.assert_array_equal(together.saving[index], alone["saving"])
            np.testing.assert_array_equal(together.low[index], alone["low"])
            np.testing.assert_array_equal(together.high[index], alone["high"])


def test_table_does_not_depend_on_the_order_of_rows() -> None:
    rng = np.random.default_rng(5)
    base = np.array([0.1, 0.3, 0.5, 0.7]) + rng.normal(0, 0.02, (5, 4))
    frame = curves({"random": base, "margin": base + np.array([0, 0.2, 0.2, 0.1])})
    first = label_savings(frame, "random")
    mixed = frame.sample(frac=1, random_state=1).sort_values("strategy", kind="stable")
    pd.testing.assert_frame_equal(first, label_savings(mixed, "random"))
    assert first["definition"].tolist() == [AT_BASELINE, AT_STRATEGY]
    row = first.iloc[0]
    assert row["low"] <= row["saving"] <= row["high"]


def test_table_pairs_the_seeds_of_both_and_refuses_gaps() -> None:
    frame = curves({"random": np.eye(4), "margin": np.eye(4)})
    fewer = label_savings(frame[(frame["strategy"] == "random") | (frame["seed"] != 3)], "random")
    same = label_savings(frame[frame["seed"] != 3], "random")
    pd.testing.assert_frame_equal(fewer, same)
    assert set(fewer["n_seeds"]) == {3}
    assert label_savings(frame, "badge").empty
    with pytest.raises(InputError, match="not every seed"):
        label_savings(frame.drop(index=2), "random")


def test_texts() -> None:
    assert saving_text(2.314) == "2.31×"
    assert saving_text(1.0, "more than") == "> 1.00×"
    assert saving_text(math.nan, "undefined") == "–"
    assert interval_text(1.0, "less than", 2.5, "") == "< 1.00× to 2.50×"
    assert interval_text(1.0, "more than", 1.0, "more than") == "> 1.00×"
    assert interval_text(math.nan, "", math.nan, "") == ""


@pytest.mark.parametrize(
    ("interval", "contains"),
    [
        ((0.36, "", 1.76, ""), True),
        ((1.1, "", 1.76, ""), False),
        ((0.4, "", 0.9, ""), False),
        ((1.0, "", 1.2, ""), True),
        ((1.0, "more than", 1.0, "more than"), False),
        ((0.5, "", 1.0, "less than"), False),
        ((1.4, "less than", 2.0, ""), True),
        ((0.5, "", 0.8, "more than"), True),
        ((math.nan, "", math.nan, ""), False),
    ],
)
def test_whether_an_interval_contains_one(interval, contains):
    assert may_be_one(*interval) is contains
