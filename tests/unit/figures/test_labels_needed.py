"""The figure of labels needed against those of the baseline."""

import pandas as pd
import pytest

from helpers.curves import curves
from labelbench_core.analysis.targets.levels import labels_at_levels
from labelbench_core.configuration.experiment import Crossing, Experiment
from labelbench_core.figures import style
from labelbench_core.figures.labels_needed import draw_labels_needed


def experiment(strategies: list[str]) -> Experiment:
    rest = {"datasets": ("d",), "backbones": ("b",), "proxies": ("p",), "schedules": ("s",)}
    crossing = Crossing(**rest, strategies=tuple(strategies), seeds=(0, 1), rounds=3)
    return Experiment("e", (crossing,), baseline="random", highlight=strategies[-1])


def test_points_are_labels_of_both_at_a_level() -> None:
    values = {"random": [[0.5, 0.55, 0.65]] * 2, "margin": [[0.5, 0.7, 0.8]] * 2}
    levels = labels_at_levels(curves(values), "random", [0.6, 0.65, 0.75])
    with style.drawing():
        figure = draw_labels_needed(levels, experiment(["random", "margin"]))
    lines = figure.axes[0].get_lines()
    # .6: 250 and 150; .65: 300 and 175; the baseline does not reach .75.
    assert lines[0].get_xdata().tolist() == pytest.approx([250, 300])
    assert lines[0].get_ydata().tolist() == pytest.approx([150, 175])


@pytest.mark.parametrize("seeds", [1, 3])
def test_a_note_stands_where_there_is_nothing_to_draw(seeds: int) -> None:
    for values in ({"random": [[0.5, 0.6]] * seeds}, {"random": [[0.5, 0.5]] * seeds}):
        levels = labels_at_levels(curves(values), "random")
        with style.drawing():
            figure = draw_labels_needed(levels, experiment(["random"]))
        assert "No level" in figure.axes[0].texts[0].get_text()


def test_a_setting_or_split_without_such_a_level_has_a_note_in_its_panel() -> None:
    """The highlighted strategy's interval is drawn where one level alone is reached, too."""
    rising = {"random": [[0.5, 0.6, 0.7], [0.5, 0.62, 0.72]], "margin": [[0.5, 0.7, 0.8]] * 2}
    flat = {"random": [[0.5, 0.5, 0.5]] * 2, "margin": [[0.5, 0.5, 0.5]] * 2}
    table = pd.concat([curves(rising, dataset="x"), curves(flat, dataset="y")])
    levels = labels_at_levels(table, "random", [0.65])
    both = Crossing(("x", "y"), ("b",), ("p",), ("s",), ("random", "margin"), (0, 1), 3)
    with style.drawing():
        figure = draw_labels_needed(levels, Experiment("e", (both,), "random", "margin"))
    first, second = figure.axes
    assert first.collections[0].get_linewidth()[0] > 0
    assert not second.get_lines()
    assert "No level" in second.texts[0].get_text()
    assert "y" in second.get_title(loc="left") + second.get_title()
