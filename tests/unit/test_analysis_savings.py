"""Label savings against cases worked out by hand."""

import math

import numpy as np
import pandas as pd
import pytest

from labelbench_core.analysis.savings import (
    AT_BASELINE,
    AT_STRATEGY,
    Curve,
    first_crossing,
    interval_text,
    label_savings,
    saving_text,
    saving_with_interval,
)
from labelbench_core.errors import InputError

BUDGETS = np.array([100.0, 200.0, 300.0, 400.0])


def saving(base: list, other: list, definition: str, budgets: np.ndarray = BUDGETS) -> dict:
    rng = np.random.default_rng(0)
    return saving_with_interval(
        Curve(BUDGETS, np.atleast_2d(base)), Curve(budgets, np.atleast_2d(other)), definition, rng
    )


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
    worse = saving([0.3, 0.4, 0.5, 0.7], [0.3, 0.1, 0.1, 0.2], AT_STRATEGY)
    assert (worse["saving"], worse["bound"]) == (0.25, "less than")


def test_baseline_that_does_not_rise_gives_no_saving() -> None:
    found = saving([[0.5] * 4] * 3, [[0.5, 0.6, 0.7, 0.8]] * 3, AT_BASELINE)
    assert found["bound"] == "undefined"
    assert math.isnan(found["saving"])
    assert math.isnan(found["low"])


@pytest.mark.parametrize(
    "curve", [[0.1, 0.3, 0.5, 0.7], [0.1, 0.8, 0.6, 0.7], [0.2, 0.9, 0.9, 0.4]]
)
def test_a_strategy_compared_with_itself_saves_exactly_nothing(curve: list[float]) -> None:
    seeds = np.array(curve) + np.array([[0.0], [0.03], [-0.02]])
    found = saving(seeds, seeds, AT_BASELINE)
    assert (found["saving"], found["low"], found["high"]) == (1.0, 1.0, 1.0)
    assert found["bound"] == found["low_bound"] == found["high_bound"] == ""


def test_bootstrap_interval_resamples_seeds_in_pairs() -> None:
    # Two seeds, each with the strategy at 200 labels: an unpaired resampling would spread.
    base = np.array([[0.1, 0.2, 0.3, 0.4], [0.5, 0.6, 0.7, 0.8]])
    other = np.array([[0.1, 0.4, 0.4, 0.4], [0.5, 0.8, 0.8, 0.8]])
    found = saving(base, other, AT_BASELINE)
    assert (found["saving"], found["low"], found["high"]) == pytest.approx((2.0, 2.0, 2.0))


def test_bootstrap_interval_by_hand() -> None:
    # Resamples of two seeds: both first (1/4), mixed (1/2), both second (1/4): the ends are pure.
    base = np.array([[0.0, 0.1, 0.2, 0.3]] * 2)
    other = np.array([[0.0, 0.3, 0.3, 0.3], [0.0, 0.15, 0.3, 0.3]])
    found = saving(base, other, AT_BASELINE)
    # Mean curve 0, 0.225, 0.3: reaches 0.3 at 300 only; the first seed alone does at 200.
    assert found["saving"] == pytest.approx(400 / 300)
    assert (found["low"], found["high"]) == pytest.approx((400 / 300, 400 / 200))


def test_end_of_the_interval_can_be_a_bound() -> None:
    base = np.array([[0.0, 0.1, 0.2, 0.3]] * 2)
    other = np.array([[0.0, 0.4, 0.4, 0.4], [0.0, 0.2, 0.2, 0.25]])
    found = saving(base, other, AT_BASELINE)
    assert found["bound"] == ""
    assert found["high_bound"] == ""
    assert (found["low"], found["low_bound"]) == (1.0, "less than")
    assert found["high"] == pytest.approx(400 / 175)


def table(values: dict[str, np.ndarray]) -> pd.DataFrame:
    names = {"dataset": "d", "backbone": "b", "proxy": "p", "schedule": "s"}
    rows = [
        {
            **names,
            "strategy": strategy,
            "seed": seed,
            "round": number,
            "num_labeled": int(BUDGETS[number]),
            "split": "test",
            "metric": "accuracy",
            "value": value,
        }
        for strategy, seeds in values.items()
        for seed, curve in enumerate(seeds)
        for number, value in enumerate(curve)
    ]
    return pd.DataFrame(rows)


def test_table_does_not_depend_on_the_order_of_rows() -> None:
    rng = np.random.default_rng(5)
    base = np.array([0.1, 0.3, 0.5, 0.7]) + rng.normal(0, 0.02, (5, 4))
    frame = table({"random": base, "margin": base + np.array([0, 0.2, 0.2, 0.1])})
    first = label_savings(frame, "random")
    mixed = frame.sample(frac=1, random_state=1).sort_values("strategy", kind="stable")
    pd.testing.assert_frame_equal(first, label_savings(mixed, "random"))
    assert first["definition"].tolist() == [AT_BASELINE, AT_STRATEGY]
    row = first.iloc[0]
    assert row["low"] <= row["saving"] <= row["high"]


def test_table_refuses_unpaired_seeds_and_gaps() -> None:
    frame = table({"random": np.eye(4), "margin": np.eye(4)})
    with pytest.raises(InputError, match="different seeds"):
        label_savings(frame[(frame["strategy"] == "random") | (frame["seed"] != 3)], "random")
    with pytest.raises(InputError, match="not every seed"):
        label_savings(frame.drop(index=2), "random")
    with pytest.raises(InputError, match="baseline 'badge'"):
        label_savings(frame, "badge")


def test_texts() -> None:
    assert saving_text(2.314) == "2.31×"
    assert saving_text(1.0, "more than") == "> 1.00×"
    assert saving_text(math.nan, "undefined") == "–"
    assert interval_text(1.0, "less than", 2.5, "") == "< 1.00× to 2.50×"
    assert interval_text(1.0, "more than", 1.0, "more than") == "> 1.00×"
    assert interval_text(math.nan, "", math.nan, "") == ""
