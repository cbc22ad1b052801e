"""The figure of the class balance shows the means of the table, and the pool's evenness."""

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers import fake_results
from helpers.project import PROJECT
from labelbench_core.analysis.collected.balance import BALANCE_COLUMNS
from labelbench_core.analysis.collected.frames import read_csv
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.figures import style
from labelbench_core.figures.class_balance import draw_class_balance

VALUES = fake_results.experiment(strategies=["random", "margin"], rounds=3, finetune=None)
EXPERIMENT = Experiment.from_json(json.dumps(VALUES))


@pytest.fixture(scope="module")
def balance(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    folder: Path = tmp_path_factory.mktemp("balance")
    fake_results.write(folder, VALUES)
    return read_csv(folder / fake_results.BALANCE, BALANCE_COLUMNS)


def test_lines_are_means_over_seeds_and_the_pools_stands_beside(balance: pd.DataFrame) -> None:
    with style.drawing():
        figure = draw_class_balance(balance, EXPERIMENT)
    evenness, distance = figure.axes
    assert evenness.get_ylabel() == "evenness in %"
    assert distance.get_ylabel() == "distance from the pool in %"
    for panel, measure in ((evenness, "evenness"), (distance, "distance_to_pool")):
        lines = [line.get_ydata() for line in panel.lines]
        for name in ("random", "margin"):
            rows = balance[balance["strategy"] == name]
            means = [
                100 * rows.loc[rows["round"] == number, measure].to_numpy().mean()
                for number in range(3)
            ]
            assert any(len(line) == 3 and np.allclose(line, means) for line in lines)
    # The pool has 2,500, 1,500 and 1,000 rows: 1.4855 of log2 3 bits.
    shares = np.array([0.5, 0.3, 0.2])
    level = 100 * -(shares * np.log2(shares)).sum() / np.log2(3)
    flat = [line.get_ydata() for line in evenness.lines if len(set(line.get_ydata())) == 1]
    assert any(np.allclose(line, level) for line in flat)


def test_every_setting_has_a_row_and_ceilings_have_no_line(balance: pd.DataFrame) -> None:
    both = pd.concat(
        [balance, balance.assign(backbone="clip"), balance.assign(strategy="look-ahead")]
    )
    with style.drawing():
        figure = draw_class_balance(both, EXPERIMENT)
        once = draw_class_balance(balance, EXPERIMENT)
    assert len(figure.axes) == 4
    assert [len(panel.lines) for panel in figure.axes[:2]] == [
        len(panel.lines) for panel in once.axes
    ]


@pytest.mark.parametrize(("count", "intervals"), [(6, 6), (7, 2)])
def test_intervals_are_drawn_for_as_many_strategies_as_captions_say(
    balance: pd.DataFrame, count: int, intervals: int
) -> None:
    names = ["random", "margin", "badge", "coreset", "entropy", "typiclust", "bald"][:count]
    values = fake_results.experiment(strategies=names, rounds=3, finetune=None)
    one = balance[balance["strategy"] == "margin"]
    whole = pd.concat([one.assign(strategy=name) for name in names])
    with style.drawing():
        figure = draw_class_balance(whole, Experiment.from_json(json.dumps(values)))
    assert [len(panel.collections) for panel in figure.axes] == [intervals, intervals]
    for figure_name in ("class_balance", "money", "label_efficiency", "difference", "metric"):
        caption = PROJECT / "rules" / "report" / f"{figure_name}.rst"
        assert "With more than six strategies" in caption.read_text(encoding="utf-8")


def test_pools_of_one_class_have_no_balance(balance: pd.DataFrame, tmp_path: Path) -> None:
    with style.drawing():
        figure = draw_class_balance(balance.assign(evenness=np.nan), EXPERIMENT)
    (text,) = figure.axes[0].texts
    assert text.get_text().startswith("No class balance")
    path = tmp_path / "balance.csv"
    with open(path, "w", encoding="utf-8", newline="") as handle:
        csv.writer(handle).writerow(name for name in BALANCE_COLUMNS if name != "annotator")
    with style.drawing():
        draw_class_balance(read_csv(path, BALANCE_COLUMNS), EXPERIMENT)
