"""Orders from one setting to another: rank correlations, and what noise leaves of them."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from helpers import published_runs as runs
from helpers.curves import curves
from labelbench_core.analysis.ranks.carried_orders import (
    HALVES,
    agreement_with_itself,
    carried_orders,
    carried_tables,
)
from labelbench_core.analysis.ranks.rank_correlations import Measured

NAMES = ("a", "b", "c", "d")


def drawn(offset: int, seeds: int = 4, rounds: int = 3) -> dict[str, list[list[float]]]:
    values = np.random.default_rng(offset).normal(0.5, 0.1, (len(NAMES), seeds, rounds))
    return {name: table.tolist() for name, table in zip(NAMES, values, strict=True)}


def of(*frames: pd.DataFrame, finetuned: pd.DataFrame | None = None) -> pd.DataFrame:
    rounds = pd.concat(frames, ignore_index=True)
    nothing = rounds.assign(trainer="t").head(0)
    return carried_orders(runs.experiment(), rounds, nothing if finetuned is None else finetuned)


def test_correlations_are_scipy_s_over_the_labels_of_both() -> None:
    first, second = drawn(0), drawn(1, rounds=2)
    table = of(curves(first), curves(second, backbone="b2"))
    assert table["varies"].tolist() == ["backbone"] * 2
    assert table["other"].tolist() == ["b2"] * 2
    for measure, value in (
        ("final", lambda one: np.mean(np.array(one)[:, 1])),
        ("area", lambda one: np.mean(np.array(one)[:, :2])),
    ):
        expected = stats.spearmanr(
            [value(first[name]) for name in NAMES], [value(second[name]) for name in NAMES]
        ).statistic
        (row,) = table[table["measure"] == measure].to_dict("records")
        assert row["correlation"] == pytest.approx(expected)
        assert row["low"] <= row["correlation"] <= row["high"]
        assert (row["num_strategies"], row["n_seeds"], row["strategies"]) == (4, 4, "a b c d")


def test_only_settings_that_differ_in_one_thing_are_paired() -> None:
    parts = [
        curves(drawn(0), backbone=backbone, proxy=proxy)
        for backbone, proxy in itertools.product(("b1", "b2"), ("p1", "p2"))
    ]
    table = of(*parts)
    assert table["varies"].value_counts().to_dict() == {"proxy": 4, "backbone": 4}
    assert (table["correlation"] == 1.0).all()  # equal values


def test_a_fine_tuning_is_compared_with_its_proxy_at_its_own_labels() -> None:
    rounds = curves(drawn(0))
    tuned = curves(drawn(0)).query("round == 1").assign(trainer="t")
    (row,) = of(rounds, finetuned=tuned).to_dict("records")
    assert (row["varies"], row["trainer"], row["other"]) == ("trainer", "proxy", "t")
    assert (row["measure"], row["correlation"]) == ("final", 1.0)
    (shown,) = carried_tables(pd.DataFrame([row]))
    assert shown.title == "order of the strategies by accuracy, another trainer"
    assert shown.cells[0][0] == "d / b / p / s, proxy → t"


def test_another_schedule_has_labels_of_its_own() -> None:
    other = curves(drawn(0), schedule="s2")
    other["num_labeled"] *= 7
    assert (of(curves(drawn(0)), other)["correlation"] == 1.0).all()
    same_schedule = curves(drawn(0), proxy="p2")
    same_schedule["num_labeled"] *= 7
    assert of(curves(drawn(0)), same_schedule).empty


def test_noise_that_two_settings_share_by_seed_is_drawn_together() -> None:
    """Two settings with equal values agree in every draw, however noisy the seeds are."""
    noisy = drawn(3)
    table = of(curves(noisy), curves(noisy, proxy="p2"))
    assert table["low"].tolist() == [1.0, 1.0]
    assert (table["with_itself"] < 1).all()


def test_agreement_with_itself_is_the_mean_over_all_halves() -> None:
    values = np.random.default_rng(5).normal(size=(5, 4)) + np.arange(5)[:, None] / 2
    side = [Measured(row, (0, 1, 2, 3)) for row in values]
    found = agreement_with_itself(side, np.random.default_rng(0))
    halves = [
        stats.spearmanr(values[:, one].mean(axis=1), np.delete(values, one, 1).mean(axis=1))[0]
        for one in itertools.combinations(range(4), 2)
    ]
    error = np.std(halves) / math.sqrt(HALVES)
    assert found == pytest.approx(np.mean(halves), abs=4 * error)
    assert math.isnan(
        agreement_with_itself([Measured(np.ones(1), (0,))] * 3, np.random.default_rng(0))
    )


def test_one_seed_two_strategies_and_constant_curves() -> None:
    one = {name: rows[:1] for name, rows in drawn(0).items()}
    table = of(curves(one), curves(one, proxy="p2"))
    assert table["low"].isna().all()
    assert table["with_itself"].isna().all()
    assert carried_tables(table)[0].cells[0][5:] == ("1.00", "–", "–")
    two = {name: drawn(0)[name] for name in NAMES[:2]}
    assert of(curves(two), curves(two, proxy="p2")).empty
    flat = {name: [[0.5, 0.5], [0.5, 0.5]] for name in NAMES}
    assert of(curves(flat), curves(flat, proxy="p2"))["correlation"].isna().all()
    assert of(curves(drawn(0))).empty


def test_equal_inputs_give_equal_tables() -> None:
    frames = curves(drawn(0)), curves(drawn(1), proxy="p2")
    pd.testing.assert_frame_equal(of(*frames), of(*frames))
