"""Accuracy by class, against means over the seeds taken one class at a time."""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.fake_results import note
from labelbench_core.analysis.classes import (
    CLASS_COLUMNS,
    GROUP_COLUMNS,
    class_tables,
    classes_table,
    group_tables,
    groups_table,
    last_of_both,
    named,
    worst_group_tables,
)
from labelbench_core.analysis.collected.curves import t_interval
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.figures import style
from labelbench_core.figures.classes import MOST_NAMED, draw_classes, draw_groups

SETTING = {"dataset": "d", "backbone": "b", "proxy": "p", "schedule": "s"}


def experiment() -> Experiment:
    crossing = {
        **{f"{name}s": [value] for name, value in SETTING.items() if name != "proxy"},
        **{"proxies": ["p"], "strategies": ["random", "margin"], "seeds": [0, 1, 2], "rounds": 2},
        "finetune": None,
    }
    names = {"experiment": "e", "baseline": "random", "highlight": "margin"}
    return Experiment.from_json(json.dumps({**names, "by_class": True, "crossings": [crossing]}))


def hits(classes: int, empty: int | None = None) -> pd.DataFrame:
    """Of two strategies, three seeds and two rounds; class `empty` has no rows."""
    rng = np.random.default_rng(0)
    rows = []
    for strategy in ("random", "margin"):
        for seed in range(3):
            for number in range(2):
                for one in range(classes):
                    size = 0 if one == empty else 20 + one
                    head = {**SETTING, "strategy": strategy, "seed": seed, "round": number}
                    count = {"rows": size, "hits": int(rng.integers(0, size + 1))}
                    labels = {"num_labeled": 10 * (number + 1), "split": "test"}
                    rows.append({**head, **labels, "class": one, **count})
    return pd.DataFrame(rows)


def test_every_cell_is_the_mean_over_its_seeds() -> None:
    given = hits(4)
    table = classes_table(given, "random")
    assert list(table)[-len(CLASS_COLUMNS) :] == list(CLASS_COLUMNS)
    assert len(table) == 2 * 2 * 4
    for row in table.to_dict("records"):
        place = (given["num_labeled"] == row["num_labeled"]) & (given["class"] == row["class"])
        values = {
            name: (part["hits"] / part["rows"]).to_numpy()
            for name, part in given[place].sort_values("seed").groupby("strategy")
        }
        mean, half = t_interval(values[row["strategy"]])
        assert (row["mean"], row["half_width"]) == pytest.approx((mean, half))
        assert (row["low"], row["high"]) == pytest.approx(
            (max(mean - half, 0), min(mean + half, 1))
        )
        mean, half = t_interval(values[row["strategy"]] - values["random"])
        found = (row["difference"], row["difference_half_width"])
        assert found == pytest.approx((mean, half), abs=1e-11)
        assert (row["rows"], row["n_seeds"]) == (20 + row["class"], 3)


def test_differences_are_of_the_seeds_and_labels_of_both() -> None:
    given = hits(2)
    first = (given["strategy"] == "random") & (given["seed"] == 0)
    late = (given["strategy"] == "random") & (given["num_labeled"] == 20)
    table = classes_table(given[~first & ~late], "random")
    own = table[table["strategy"] == "margin"]
    assert own["n_seeds"].eq(3).all()
    assert own.loc[own["num_labeled"] == 20, "difference"].isna().all()
    one = given[(given["class"] == 0) & (given["num_labeled"] == 10) & (given["seed"] > 0)]
    parts = {name: (part["hits"] / part["rows"]).mean() for name, part in one.groupby("strategy")}
    assert own["difference"].iloc[0] == pytest.approx(parts["margin"] - parts["random"])
    assert set(last_of_both(table, experiment())["num_labeled"]) == {10}


def test_a_class_without_rows_has_no_accuracy() -> None:
    table = classes_table(hits(3, empty=1), "random")
    assert table[table["class"] == 1]["mean"].isna().all()
    assert table[table["class"] != 1]["mean"].notna().all()
    assert class_tables(table, experiment())[0].cells[-1][3] == "–"


def test_names_are_those_of_the_data_set(tmp_path: Path) -> None:
    note(tmp_path / "d.json", "data set", dataset="d", class_names=["cat", "dog"])
    table = named(classes_table(hits(2), "random"), f"{tmp_path}/{{dataset}}.json")
    assert table[["class", "name"]].drop_duplicates().to_numpy().tolist() == [
        [0, "cat"],
        [1, "dog"],
    ]
    assert {cells[0] for cells in class_tables(table, experiment())[0].cells} == {"cat", "dog"}


@pytest.mark.parametrize("classes", [2, 200])
def test_the_figure_has_a_line_and_a_dot_for_each_class(classes: int) -> None:
    table = classes_table(hits(classes), "random")
    with style.drawing():
        figure = draw_classes(table, experiment())
        left, right = figure.axes
        assert len(left.lines) == classes + 2
        assert len(right.lines[-1].get_xdata()) == classes
        assert len(right.get_yticks()) == (classes if classes <= MOST_NAMED else 0)
        assert max(figure.get_size_inches()) < 20


def test_neither_the_legend_nor_long_names_hide_lines_of_the_figure() -> None:
    table = classes_table(hits(3), "random")
    table["name"] = [f"{'very ' * 11}long{number}" for number in table["class"]]
    with style.drawing():
        figure = draw_classes(table, experiment())
        figure.draw_without_rendering()
        left, right = figure.axes
        legend = left.get_legend().get_window_extent()
        assert legend.y1 < left.get_window_extent().y0
        assert not legend.overlaps(left.xaxis.label.get_window_extent())
        assert 0 <= legend.x0 < legend.x1 < right.get_window_extent().x0
        assert legend.y0 >= 0
        assert max(len(label.get_text()) for label in right.get_yticklabels()) == 24


def test_the_baseline_is_not_compared_with_itself() -> None:
    table = classes_table(hits(3), "random")
    alone = dataclasses.replace(experiment(), highlight="random")
    with style.drawing():
        left, right = draw_classes(table, alone).axes
    assert len(left.lines) == 3 + 2
    assert not right.lines
    assert "No difference" in right.texts[0].get_text()


def test_settings_without_the_highlighted_strategy_are_left_out_of_the_figure() -> None:
    given = hits(3)
    other = given[given["strategy"] == "random"].assign(proxy="q")
    table = classes_table(pd.concat([other, given]), "random")
    with style.drawing():
        assert len(draw_classes(table, experiment()).axes) == 2
        table = table[table["proxy"] == "q"]
        assert "by_class" in draw_classes(table, experiment()).axes[0].texts[0].get_text()


def test_the_figure_by_group_has_every_split_with_groups_but_the_validations() -> None:
    given = hits(3).rename(columns={"class": "group"}).assign(**{"class": -1})
    shifted = given.assign(split="shifted", hits=given["rows"] // 2)
    table = groups_table(pd.concat([shifted, given, given.assign(split="val")]), "random")
    with style.drawing():
        axes = draw_groups(table, experiment()).axes
        assert [panel.get_ylabel() for panel in axes[::2]] == [
            "test accuracy in %",
            "shifted accuracy in %",
        ]
        assert [panel.get_title(loc="left") for panel in axes[::2]] == ["test", "shifted"]
        assert [len(panel.lines) for panel in axes[::2]] == [3 + 2] * 2
        assert set(axes[3].lines[-1].get_xdata()) == {0}
        empty = draw_groups(table.iloc[:0], experiment()).axes[0].texts[0].get_text()
        assert "by_group" in empty


def test_without_hits_there_is_a_note() -> None:
    table = classes_table(hits(2).iloc[:0], "random")
    assert table.empty
    assert class_tables(table, experiment()) == []
    with style.drawing():
        assert "by_class" in draw_classes(table, experiment()).axes[0].texts[0].get_text()


def test_groups_have_the_numbers_of_classes_with_the_same_hits() -> None:
    given = hits(4, empty=1)
    of_groups = given.rename(columns={"class": "group"}).assign(**{"class": -1})
    both = pd.concat([given.assign(group=math.nan), of_groups])
    table = groups_table(both, "random")
    assert list(table)[-len(GROUP_COLUMNS) :] == list(GROUP_COLUMNS)
    expected = classes_table(given, "random")
    pd.testing.assert_frame_equal(classes_table(both, "random"), expected)
    pd.testing.assert_frame_equal(table.rename(columns={"group": "class"}), expected)
    (text,) = group_tables(table, experiment())
    assert text.columns[:2] == ("group", "rows of test")
    assert len(text.cells) == 3  # a group without rows has no line
    assert groups_table(given, "random").empty


def test_the_worst_group_has_a_column_for_each_split() -> None:
    at = {"metric": "worst-group-accuracy", "half_width": 0.01}
    curves = pd.DataFrame(
        {**SETTING, **at, "split": split, "strategy": name, "num_labeled": 10 * step, "mean": mean}
        for name, step, split, mean in (
            ("random", 1, "test", 0.5),
            ("random", 2, "test", 0.6),
            ("random", 2, "hospital-b", 0.4),
            ("margin", 1, "test", 0.7),
        )
    )
    (table,) = worst_group_tables(pd.concat([curves, curves.assign(metric="accuracy", mean=1)]))
    assert table.columns == ("strategy", "labels", "test", "hospital-b")
    assert table.cells == (
        ("random", "20", "60.00 ± 1.00", "40.00 ± 1.00"),
        ("margin", "10", "70.00 ± 1.00", "–"),
    )
