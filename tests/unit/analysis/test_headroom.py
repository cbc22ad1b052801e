"""The share of the headroom and Fieller's interval."""

import dataclasses
import math

import numpy as np
import pytest

from helpers.curves import curves
from labelbench_core.analysis.collected.curves import t_quantile
from labelbench_core.analysis.headroom import (
    BOUNDED,
    NONE,
    UNBOUNDED,
    UNTESTED,
    headroom_table,
    headroom_tables,
    share_of_headroom,
)
from labelbench_core.configuration.experiment import Crossing, Experiment

EXPERIMENT = Experiment(
    experiment="e",
    crossings=(
        Crossing(
            datasets=("d",),
            backbones=("b",),
            proxies=("p",),
            schedules=("s",),
            strategies=("random", "margin"),
            seeds=(0, 1),
            rounds=2,
            ceilings=("look-ahead",),
        ),
    ),
    baseline="random",
    highlight="margin",
)


def test_the_ends_are_where_a_paired_test_begins_to_refuse() -> None:
    rng = np.random.default_rng(0)
    rooms = rng.normal(0.1, 0.02, 6)
    gains = 0.6 * rooms + rng.normal(0, 0.01, 6)
    found = share_of_headroom(gains, rooms)
    assert found["verdict"] == BOUNDED
    assert found["share"] == pytest.approx(gains.mean() / rooms.mean())
    assert found["low"] < found["share"] < found["high"]
    for end in ("low", "high"):
        left = gains - found[end] * rooms
        t_value = abs(left.mean()) / (left.std(ddof=1) / math.sqrt(6))
        assert t_value == pytest.approx(t_quantile(5), rel=1e-6)


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_coverage(seeds: int) -> None:
    rng = np.random.default_rng(seeds)
    covered = []
    for _ in range(2000):
        shared = rng.normal(0, 0.01, seeds)
        rooms = 0.1 + shared + rng.normal(0, 0.005, seeds)
        gains = 0.06 + shared + rng.normal(0, 0.01, seeds)
        found = share_of_headroom(gains, rooms)
        is_open = found["verdict"] == UNBOUNDED
        covered.append(is_open or found["low"] <= 0.6 <= found["high"])
    assert 0.93 < np.mean(covered) < 0.97


def test_what_has_no_share_says_why() -> None:
    assert share_of_headroom(np.array([0.1, 0.2]), np.array([-0.1, -0.2]))["verdict"] == NONE
    assert math.isnan(share_of_headroom(np.zeros(2), np.zeros(2))["share"])
    assert share_of_headroom(np.array([0.1]), np.array([0.2]))["verdict"] == UNTESTED
    unsure = share_of_headroom(np.array([0.1, 0.2, 0.0]), np.array([0.3, -0.2, 0.1]))
    assert unsure["verdict"] == UNBOUNDED
    assert math.isnan(unsure["low"])


def test_table_by_hand() -> None:
    """Margin gains .06 and .08, look-ahead .10 and .18: half of the headroom of .14."""
    values = {
        "random": [[0.5, 0.60], [0.5, 0.60]],
        "margin": [[0.5, 0.66], [0.5, 0.68]],
        "look-ahead": [[0.5, 0.70], [0.5, 0.78]],
    }
    table = headroom_table(curves(values), EXPERIMENT)
    final = table[table["measure"] == "final"].iloc[0]
    assert (final["ceiling"], final["strategy"]) == ("look-ahead", "margin")
    assert final["share"] == pytest.approx(0.5)
    assert final["num_labeled"] == 200
    assert set(table["strategy"]) == {"margin"}
    assert headroom_tables(table)[0].cells[0][:6] == (
        "look-ahead", "margin", "2", "+7.00", "+14.00", "50 %"
    )  # fmt: skip
    # Where lower is better, a gain is a lower value.
    mirrored = {name: [[1 - v for v in seed] for seed in seeds] for name, seeds in values.items()}
    losses = headroom_table(curves(mirrored).assign(metric="nll"), EXPERIMENT)
    assert losses["share"].tolist() == pytest.approx(table["share"].tolist())


def test_no_ceilings_no_rows() -> None:
    crossing = dataclasses.replace(EXPERIMENT.crossings[0], ceilings=())
    without = dataclasses.replace(EXPERIMENT, crossings=(crossing,))
    assert headroom_table(curves({"random": [[0.5, 0.6]]}), without).empty
    assert headroom_table(curves({"look-ahead": [[0.5, 0.6]]}), EXPERIMENT).empty
    assert headroom_tables(headroom_table(curves({"a": [[0.5, 0.6]]}), EXPERIMENT)) == []
