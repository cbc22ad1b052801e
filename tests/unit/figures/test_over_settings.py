"""Figures of pairwise wins, performance profiles, ranks over data sets, and headroom."""

import numpy as np
import pandas as pd
import pytest

from helpers.curves import curves
from labelbench_core.analysis.comparisons.pairwise import penalty_matrix
from labelbench_core.analysis.headroom import headroom_table
from labelbench_core.analysis.ranks.across import ranks_over_datasets
from labelbench_core.analysis.savings.profiles import performance_profiles
from labelbench_core.configuration.experiment import Crossing, Experiment
from labelbench_core.figures import style
from labelbench_core.figures.critical_difference import BAR_WIDTH, draw_critical_difference
from labelbench_core.figures.headroom import draw_headroom
from labelbench_core.figures.pairwise import draw_pairwise
from labelbench_core.figures.profiles import draw_profiles

BETTER = {"random": 0.0, "coreset": 0.02, "margin": 0.05, "look-ahead": 0.1}


def experiment(strategies: list[str], ceilings: tuple[str, ...] = ()) -> Experiment:
    rest = {"datasets": ("d",), "backbones": ("b",), "proxies": ("p",), "schedules": ("s",)}
    chosen = {"strategies": tuple(strategies), "ceilings": ceilings}
    crossing = Crossing(**rest, **chosen, seeds=(0, 1, 2, 3), rounds=5)
    return Experiment("e", (crossing,), baseline="random", highlight=strategies[-1])


def measured(names: list[str], datasets: int = 1, spread: float = 0.002) -> pd.DataFrame:
    """Curves of four seeds; each strategy is above random by its number in `BETTER`."""
    draw = np.random.default_rng(0)
    rises = np.linspace(0.5, 0.7, 6)
    parts = []
    for number in range(datasets):
        values = {
            name: (
                rises + BETTER.get(name, 0.0) * np.arange(6) / 5 + draw.normal(0, spread, (4, 6))
            ).tolist()
            for name in names
        }
        parts.append(curves(values).assign(dataset=f"d{number}"))
    return pd.concat(parts, ignore_index=True)


def texts(figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_the_strategy_of_a_row_beats_that_of_a_column() -> None:
    names = ["random", "margin"]
    matrix = penalty_matrix(measured(names), "random").rename_axis("strategy").reset_index()
    matrix.insert(0, "split", "test")
    with style.drawing():
        figure = draw_pairwise(matrix, experiment(names))
    (axes,) = figure.axes
    # Who is beaten least comes first; below the gap, the means.
    assert [text.get_text() for text in axes.get_yticklabels()] == ["margin", "random", "mean"]
    placed = {tuple(text.get_position()): text.get_text() for text in axes.texts}
    won = matrix.set_index("strategy").loc["margin", "random"]
    assert won > 0.5
    assert placed[1.5, 0.5] == f"{won:.2f}"
    assert placed[0.5, 1.5] == "0.00"
    assert placed[1.5, 2.75] == f"{won:.2f}"


def test_cells_of_many_strategies_have_no_numbers() -> None:
    names = [f"strategy-{number}-of-a-long-name" for number in range(40)]
    matrix = pd.DataFrame(0.1, index=[*names, "mean"], columns=names)
    matrix = matrix.rename_axis("strategy").reset_index().assign(split="test")
    with style.drawing():
        figure = draw_pairwise(matrix, experiment(names))
        figure.draw_without_rendering()
    assert texts(figure) == []
    assert len(figure.axes[0].get_yticks()) == 41


def test_profiles_end_at_the_share_that_reaches_the_level() -> None:
    names = ["random", "margin"]
    frame = measured(names)
    with style.drawing():
        figure = draw_profiles(performance_profiles(frame, "random"), experiment(names))
    (axes,) = figure.axes
    margin = next(line for line in axes.get_lines() if line.get_color() == style.HIGHLIGHT)
    # It is the first in every problem.
    assert margin.get_ydata().tolist() == [1.0, 1.0]
    other = next(line for line in axes.get_lines() if line.get_color() == style.INK)
    assert other.get_ydata()[0] == 0.0
    assert "4 problems" in axes.get_xlabel()


def test_bars_join_those_that_cannot_be_told_apart() -> None:
    names = ["random", "coreset", "margin"]
    table = ranks_over_datasets(measured(names, datasets=12))
    assert table["mean_rank"].tolist() == pytest.approx([1, 2, 3], abs=0.2)
    with style.drawing():
        figure = draw_critical_difference(table, experiment(names))
        wide = draw_critical_difference(
            ranks_over_datasets(measured(names, datasets=2)), experiment(names)
        )
    bars = [
        [line for line in one.axes[0].get_lines() if line.get_linewidth() == BAR_WIDTH]
        for one in (figure, wide)
    ]
    # With 12 data sets, .96 apart is enough; with 2, all are joined.
    assert [len(found) for found in bars] == [0, 1]
    assert f"critical difference {table['critical_difference'].iloc[0]:.2f}" in texts(figure)
    assert [one for one in texts(figure) if one.startswith("margin")] == ["margin 1.00"]


def test_shares_of_the_headroom_stand_between_baseline_and_ceiling() -> None:
    names = ["random", "coreset", "margin"]
    asked = experiment(names, ("look-ahead",))
    table = headroom_table(measured([*names, "look-ahead"]), asked)
    with style.drawing():
        figure = draw_headroom(table, asked)
    (axes,) = figure.axes
    markers = {look.marker for look in style.looks(names, "random", "margin").values()}
    dots = [line.get_xdata()[0] for line in axes.get_lines() if line.get_marker() in markers]
    assert sorted(dots) == pytest.approx([0.2, 0.5], abs=0.05)
    intervals = [line for line in axes.get_lines() if line.get_linewidth() == style.INTERVAL]
    assert len(intervals) == 2


def test_notes_stand_where_there_is_nothing_to_draw() -> None:
    alone = experiment(["random"])
    frame = measured(["random"])
    matrix = penalty_matrix(frame, "random").rename_axis("strategy").reset_index()
    two = measured(["random", "margin"])
    one_seed = penalty_matrix(two[two["seed"] == two["seed"].min()], "random")
    one_seed = one_seed.rename_axis("strategy").reset_index()
    with style.drawing():
        figures = [
            draw_pairwise(matrix.assign(split="test"), alone),
            draw_pairwise(one_seed.assign(split="test"), experiment(["random", "margin"])),
            draw_profiles(performance_profiles(frame, "random"), alone),
            draw_critical_difference(ranks_over_datasets(frame), alone),
            draw_headroom(headroom_table(frame, alone), alone),
        ]
    notes = [texts(figure) for figure in figures]
    assert [len(note) for note in notes] == [1] * 5
    assert all(
        one[0].startswith(start)
        for one, start in zip(
            notes, ("Nothing", "No test", "No level", "Ranks", "No ceiling"), strict=True
        )
    )
