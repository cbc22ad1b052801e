"""Labels to reach a level and savings there, against cases worked out by hand."""

import math

import numpy as np
import pandas as pd
import pytest

from helpers.curves import curves
from labelbench_core.analysis.targets.levels import (
    LEVEL_COLUMNS,
    labels_at_levels,
    labels_text,
    level_tables,
    round_levels,
)


def row(table: pd.DataFrame, strategy: str, level: float) -> dict:
    found = table[(table["strategy"] == strategy) & np.isclose(table["level"], level)]
    assert len(found) == 1
    return found.iloc[0].to_dict()


def test_labels_lie_on_straight_lines_between_budgets() -> None:
    """From .5 at 100 to .7 at 200 labels, .6 is reached at 150; the baseline needs 250 for it."""
    values = {"random": [[0.5, 0.55, 0.65]] * 2, "margin": [[0.5, 0.7, 0.8]] * 2}
    table = labels_at_levels(curves(values), "random", [0.6, 0.75, 0.9, 0.5])
    found = row(table, "margin", 0.6)
    assert found["labels"] == pytest.approx(150)
    assert found["baseline_labels"] == pytest.approx(250)
    assert found["saving"] == pytest.approx(250 / 150)
    assert (found["bound"], found["saving_bound"]) == ("", "")
    # The baseline never gets to .75: margin, at 250, saves more than 300 / 250 of its labels.
    found = row(table, "margin", 0.75)
    assert found["saving"] == pytest.approx(300 / 250)
    assert found["saving_bound"] == "more than"
    assert math.isnan(found["baseline_labels"])
    # Nobody gets to .9, everybody starts at .5: nothing to compare.
    assert row(table, "margin", 0.9)["bound"] == "more than"
    assert row(table, "margin", 0.9)["labels"] == 300
    assert row(table, "margin", 0.9)["saving_bound"] == "undefined"
    assert row(table, "margin", 0.5)["bound"] == "less than"
    assert row(table, "margin", 0.5)["saving_bound"] == "undefined"
    # The baseline has labels and no saving over itself.
    assert row(table, "random", 0.6)["labels"] == pytest.approx(250)
    assert math.isnan(row(table, "random", 0.6)["saving"])


def test_intervals_contain_their_estimates_and_widen_with_the_spread() -> None:
    rng = np.random.default_rng(5)
    widths = []
    for spread in (0.001, 0.02):
        noise = rng.normal(0, spread, (2, 6, 8))
        rising = np.linspace(0.5, 0.85, 8)
        faster = np.linspace(0.5, 0.95, 8)
        values = {"random": (rising + noise[0]).tolist(), "margin": (faster + noise[1]).tolist()}
        found = row(labels_at_levels(curves(values), "random", [0.7]), "margin", 0.7)
        assert found["labels_low"] <= found["labels"] <= found["labels_high"]
        assert found["saving_low"] <= found["saving"] <= found["saving_high"]
        widths.append(found["saving_high"] / found["saving_low"])
    assert widths[0] < widths[1]


def test_interval_holds_the_true_labels_and_saving_often_enough() -> None:
    """300 experiments of five seeds: at least 93 % (the saving's interval is rather too wide)."""
    rng = np.random.default_rng(1)
    base, own = np.linspace(0.5, 0.9, 9), np.minimum(np.linspace(0.5, 1.1, 9), 1.1)
    labels, saved = 0, 0
    for _ in range(300):
        values = {
            "random": (base + rng.normal(0, 0.02, (5, 9))).tolist(),
            "margin": (own + rng.normal(0, 0.02, (5, 9))).tolist(),
        }
        found = row(labels_at_levels(curves(values), "random", [0.75]), "margin", 0.75)
        true_own, true_base = (100 + 800 * 0.25 / rise for rise in (0.6, 0.4))
        labels += found["labels_low"] <= true_own <= found["labels_high"]
        saved += found["saving_low"] <= true_base / true_own <= found["saving_high"]
    assert labels >= 279
    assert saved >= 279


def test_lower_is_better_is_reached_from_above() -> None:
    values = {"random": [[1.0, 0.8, 0.6]] * 2, "margin": [[1.0, 0.6, 0.4]] * 2}
    table = labels_at_levels(curves(values).assign(metric="nll"), "random", [0.8])
    assert row(table, "margin", 0.8)["labels"] == pytest.approx(150)
    assert row(table, "margin", 0.8)["saving"] == pytest.approx(200 / 150)


def test_default_levels_are_few_and_round() -> None:
    assert round_levels([np.array([0.412, 0.7]), np.array([0.45, 0.83])]).tolist() == [
        0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8
    ]  # fmt: skip
    assert len(round_levels([np.array([0.9012, 0.9049])])) in range(3, 13)
    assert round_levels([np.array([0.5, 0.5])]).size == 0
    assert round_levels([np.array([0.6, 0.5])]).size == 0


def test_one_seed_ties_and_flat_curves() -> None:
    one = labels_at_levels(curves({"random": [[0.5, 0.7]], "margin": [[0.5, 0.9]]}), "random")
    assert one[["labels_low", "labels_high", "saving_low", "saving_high"]].isna().all(axis=None)
    bounds = ["low_bound", "high_bound", "saving_low_bound", "saving_high_bound"]
    assert not (one[bounds] != "").any(axis=None)
    flat = labels_at_levels(curves({"random": [[0.5, 0.5]] * 3, "a": [[0.5, 0.5]] * 3}), "random")
    assert flat.empty
    assert tuple(flat.columns[-len(LEVEL_COLUMNS) :]) == LEVEL_COLUMNS
    assert level_tables(flat) == []
    alone = labels_at_levels(curves({"a": [[0.5, 0.7], [0.5, 0.8]]}), "random")
    assert alone["saving"].isna().all()
    titles = [table.title for table in level_tables(alone)]
    assert titles == ["labels to reach test accuracy, d / b / p / s"]


def test_labels_as_text() -> None:
    found = {"labels": 1234.4, "bound": "", "labels_low": 1100.0, "labels_high": 1400.0}
    found["low_bound"] = ""
    assert labels_text({**found, "high_bound": ""}) == "1,234 (1,100 to 1,400)"
    assert labels_text({**found, "high_bound": "more than"}) == "1,234 (1,100 to > 1,400)"
    assert labels_text({**found, "low_bound": "less than", "high_bound": ""}) == (
        "1,234 (≤ 1,100 to 1,400)"
    )
    never = {"labels": 2000.0, "bound": "more than", "labels_low": 2000.0, "labels_high": 2000.0}
    assert labels_text({**never, "high_bound": "more than"}) == "> 2,000"
    assert labels_text({**never, "labels_low": math.nan, "high_bound": ""}) == "> 2,000"
    start = {"labels": 100.0, "bound": "less than", "labels_low": 100.0, "labels_high": 150.0}
    start["low_bound"] = "less than"
    assert labels_text({**start, "high_bound": ""}) == "≤ 100 (≤ 100 to 150)"
    assert labels_text({**start, "labels_high": 100.0, "high_bound": ""}) == "≤ 100"


def test_the_interval_is_open_where_the_first_labels_may_suffice() -> None:
    wide = [[0.4, 0.7, 0.9], [0.6, 0.8, 0.95], [0.3, 0.75, 0.9]]
    table = labels_at_levels(curves({"random": wide, "margin": wide}), "random", [0.5, 0.9])
    assert row(table, "margin", 0.5)["low_bound"] == "less than"
    assert row(table, "margin", 0.5)["labels_low"] == 100
    assert row(table, "margin", 0.9)["low_bound"] == ""
