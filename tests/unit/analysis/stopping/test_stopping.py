"""Rules for stopping, against plain loops over a seed's rounds, and what they cost and save."""

import json
import math
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pytest

from helpers.curves import curves
from labelbench_core.analysis.collected.curves import t_interval
from labelbench_core.analysis.stopping.stopping_points import (
    HINDSIGHT,
    STOPPING_COLUMNS,
    share_interval,
    stopping_table,
    stopping_tables,
)
from labelbench_core.analysis.stopping.stopping_rules import RULES
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.figures import style
from labelbench_core.figures.stopping import draw_stopping
from labelbench_core.metrics.signals import SIGNALS

Plain = Callable[[Sequence[float], Sequence[int]], int | None]


def stabilising(limit: float) -> Plain:
    """Bloodgood & Vijay-Shanker: the last three agreements are `limit` on average."""

    def plain(kappas: Sequence[float], _: Sequence[int]) -> int | None:
        for end in range(3, len(kappas)):
            if sum(kappas[end - 2 : end + 1]) / 3 >= limit:
                return end
        return None

    return plain


def first(holds: Callable[[float], bool]) -> Plain:
    def plain(values: Sequence[float], _: Sequence[int]) -> int | None:
        return next((place for place, value in enumerate(values) if holds(value)), None)

    return plain


def drops(times: int) -> Plain:
    def plain(values: Sequence[float], _: Sequence[int]) -> int | None:
        count = 0
        for place in range(1, len(values)):
            count = count + 1 if values[place] < values[place - 1] else 0
            if count == times:
                return place
        return None

    return plain


def before_buying(plain: Plain) -> Plain:
    def earlier(values: Sequence[float], labels: Sequence[int]) -> int | None:
        place = plain(values, labels)
        return None if place is None else place - 1

    return earlier


def little_gain(values: Sequence[float], labels: Sequence[int]) -> int | None:
    """Laws & Schütze: means of windows of three values, one round apart; per label of a round."""
    for end in range(3, len(values)):
        now, then = sum(values[end - 2 : end + 1]) / 3, sum(values[end - 3 : end]) / 3
        step = (labels[end] - labels[end - 3]) / 3
        if values[end] == max(values[: end + 1]) and 0 < (now - then) / step < 5e-5:
            return end
    return None


PLAIN: dict[str, Plain] = {
    "stabilising-predictions-99": stabilising(0.99),
    "stabilising-predictions-97": stabilising(0.97),
    "stabilising-predictions-95": stabilising(0.95),
    "classification-change": first(lambda value: value == 0),
    "overall-uncertainty": first(lambda value: value <= 0.01),
    "minimum-expected-error": first(lambda value: value >= 0.99),
    "max-confidence": before_buying(first(lambda value: value <= 0.01)),
    "min-error": first(lambda value: value >= 0.9),
    "expected-gain": little_gain,
    "confidence-drop": drops(3),
    "contradictory-information": drops(3),
    "variance": drops(2),
}


@pytest.mark.parametrize("name", RULES)
def test_every_rule_stops_where_a_plain_loop_does(name: str) -> None:
    rng = np.random.default_rng(3)
    labels = np.cumsum(rng.integers(50, 150, 12)).astype(np.float64)
    steps = rng.choice([-0.01, -0.002, 0.0, 0.004, 0.03], (400, 12))
    levels = {"changed": 0.0, "entropy": 0.02, "batch_entropy": 0.02, "batch_accuracy": 0.87}
    level = levels.get(RULES[name].signal, 0.97 if "95" not in name else 0.92)
    steps += rng.uniform(0, 1e-6, steps.shape)  # so that no two values are equal but for rounding
    values = np.clip(level + steps.cumsum(axis=1) * 0.5, 0, 1)
    if RULES[name].signal not in ("confidence", "entropy", "confidence_variance"):
        values[:, 0] = math.nan  # what compares with the round before begins with round 1
    places, stopped = RULES[name].stops(values, labels)
    for line, place, stops in zip(values, places, stopped, strict=True):
        expected = PLAIN[name](line.tolist(), labels.tolist())
        if expected is None or expected >= 11:
            assert (place, stops) == (11, False)
        else:
            assert (place, stops) == (expected, True)
    assert 0 < stopped.mean() < 1, "the test tells nothing apart"


def said(frame: pd.DataFrame, **signals: list[list[float]]) -> pd.DataFrame:
    """Signals of the rounds of `frame`, those not given missing: a row per seed."""
    rounds = frame.drop_duplicates(["strategy", "seed", "round"])
    columns = {name: math.nan for name in SIGNALS}
    filled = {name: np.ravel(values) for name, values in signals.items()}
    return rounds.drop(columns=["split", "metric", "value"]).assign(**columns | filled)


VALUES = [[0.5, 0.7, 0.82, 0.83, 0.835], [0.5, 0.72, 0.8, 0.83, 0.85]]
KAPPAS = [[math.nan, 0.99, 0.99, 0.99, 1.0], [math.nan, 0.5, 0.6, 0.99, 0.98]]


def test_table_by_hand() -> None:
    """The first seed stops with 400 labels of 500 and loses .005; the second does not stop."""
    frame = curves({"margin": VALUES})
    table = stopping_table(frame, said(frame, kappa=KAPPAS))
    names = [f"stabilising-predictions-{limit}" for limit in (99, 97, 95)]
    assert list(table["rule"]) == [*names, HINDSIGHT]
    row = table.iloc[0]
    assert (row["stopped"], row["labels"], row["last_labels"]) == (0.5, 450, 500)
    assert (row["stopped_low"], row["stopped_high"]) == share_interval(1, 2)
    assert row["saved"] == pytest.approx(0.1)
    mean, half = t_interval(np.array([0.005, 0.0]))
    assert row["lost"] == pytest.approx(mean)
    assert (row["lost_low"], row["lost_high"]) == pytest.approx((mean - half, mean + half))
    assert row["labels_high"] == 500  # cut at what can be
    assert table.iloc[-1]["labels"] == 450  # .83 is within a point of .835, and not of .85
    cells = stopping_tables(table)[0].cells[0]
    assert cells[:5] == ("margin", names[0], "1 of 2", "450", "10 %")
    assert cells[6] == "+0.25"


def test_losses_count_the_other_way() -> None:
    mirrored = [[1 - value for value in line] for line in VALUES]
    frame = curves({"margin": mirrored}).assign(metric="nll")
    table = stopping_table(frame, said(frame, kappa=KAPPAS))
    assert table["lost"].iloc[0] == pytest.approx(0.0025)
    assert "nats" in table["parameters"].iloc[-1]


def test_without_signals_or_rounds_there_is_nothing() -> None:
    frame = curves({"margin": VALUES})
    empty = said(frame).iloc[:0]
    for signals in (said(frame), empty, said(frame, kappa=KAPPAS).iloc[1:]):
        table = stopping_table(frame, signals)
        assert table.empty
        assert list(table)[-len(STOPPING_COLUMNS) :] == list(STOPPING_COLUMNS)
    one = curves({"margin": [[0.5]]})
    assert stopping_table(one, said(one, kappa=[[1.0]])).empty
    assert stopping_tables(stopping_table(frame, empty)) == []


def test_one_seed_has_no_intervals() -> None:
    frame = curves({"margin": VALUES[:1]})
    table = stopping_table(frame, said(frame, kappa=KAPPAS[:1]))
    assert math.isnan(table["lost_low"].iloc[0])
    assert stopping_tables(table)[0].cells[0][5] == "–"


@pytest.mark.parametrize("count", [0, 1, 3, 5])
def test_share_interval_is_where_the_score_test_begins_to_refuse(count: int) -> None:
    low, high = share_interval(count, 5)
    for end in (low, high):
        if 0 < end < 1:
            score = (count / 5 - end) / math.sqrt(end * (1 - end) / 5)
            assert abs(score) == pytest.approx(1.959964, rel=1e-5)
    assert low <= count / 5 <= high


def test_the_figure_has_hollow_marks_where_no_seed_stopped() -> None:
    frame = curves({"random": VALUES, "margin": VALUES})
    never = [[math.nan, 0.1, 0.1, 0.1, 0.1]] * 2
    table = stopping_table(frame, said(frame, kappa=[*KAPPAS, *never]))
    crossing = {
        **{f"{name}s": [name[0]] for name in ("dataset", "backbone", "schedule")},
        **{"proxies": ["p"], "strategies": ["random", "margin"], "seeds": [0, 1], "rounds": 5},
        "finetune": None,
    }
    names = {"experiment": "e", "baseline": "random", "highlight": "margin"}
    asked = Experiment.from_json(json.dumps({**names, "crossings": [crossing]}))
    with style.drawing():
        saved, lost = draw_stopping(table, asked).axes
        _, filled, hollow, _, still_hollow = saved.lines
        assert (len(filled.get_xdata()), len(hollow.get_xdata())) == (4, 0)
        assert len(still_hollow.get_xdata()) == 3  # all but hindsight
        assert still_hollow.get_markerfacecolor() == style.PAPER
        assert filled.get_xdata()[0] == pytest.approx(10)
        assert lost.lines[1].get_xdata()[0] == pytest.approx(0.25)
        note = draw_stopping(table.iloc[:0], asked).axes[0].texts[0].get_text()
    assert note.startswith("No rounds")
