"""A page with too many numbers about classes has some of them, and says which it lacks."""

import json

import numpy as np
import pandas as pd
import pytest

from helpers import fake_results
from labelbench_core.analysis.classes import classes_table
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.report import parts_data
from labelbench_core.report.series import CurveSeries

IDS = {"dataset": "digits", "backbone": "dinov2-small", "proxy": "linear"}
IDS |= {"schedule": "first-100-batch-100"}
STRATEGIES, SEEDS, ROUNDS, CLASSES = ("random", "margin", "badge"), 3, 10, 4
EXPERIMENT = Experiment.from_json(
    json.dumps(fake_results.experiment(strategies=list(STRATEGIES), rounds=ROUNDS, finetune=None))
)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    lists = [STRATEGIES, range(SEEDS), range(ROUNDS), ("test", "shifted"), range(CLASSES)]
    names = ["strategy", "seed", "round", "split", "class"]
    frame = pd.MultiIndex.from_product(lists, names=names).to_frame(index=False)
    hits = np.random.default_rng(0).integers(20, 50, len(frame))
    hits = frame.assign(**IDS, num_labeled=100 * (1 + frame["round"]), rows=50, hits=hits)
    hits.loc[hits["class"] == 2, ["rows", "hits"]] = 0
    return classes_table(hits, "random")


def series() -> CurveSeries:
    return CurveSeries([IDS], list(IDS))


def test_all_values_are_there_in_the_order_of_labels_then_classes(table: pd.DataFrame) -> None:
    curves = series()
    found = parts_data.parts_data(table, EXPERIMENT, curves)
    assert found["left_out"] == []
    # A class without rows has no accuracy, and is left out.
    names = ["0", "1", "3"]
    assert found["parts"] == [[0, "test", names, [50] * 3], [0, "shifted", names, [50] * 3]]
    assert len(found["series"]) == 2 * len(STRATEGIES)
    for setting, split, strategy, labels, seeds, *values in found["series"]:
        assert (setting, seeds) == (0, SEEDS)
        assert curves.labels[labels] == [100 * number for number in range(1, ROUNDS + 1)]
        rows = table[(table["split"] == split) & (table["strategy"] == strategy)]
        rows = rows[rows["rows"] > 0].sort_values(["num_labeled", "class"])
        for column, numbers in zip(parts_data.COLUMNS, values, strict=True):
            assert numbers == pytest.approx(rows[column].tolist(), abs=1e-6)


@pytest.mark.parametrize(
    ("most", "labels", "splits", "strategies", "told"),
    [
        (720, 10, 2, 3, None),
        (719, 6, 2, 3, "some numbers of labels"),
        (431, 6, 1, 3, "some numbers of labels, and splits other than test"),
        (215, 1, 1, 3, "all but the last labels, and splits other than test"),
        (35, 1, 1, 2, "all but the last labels of random and margin on test"),
        (1, 1, 1, 2, "all but the last labels of random and margin on test"),
    ],
)
def test_what_does_not_fit_is_left_out_and_named(
    table: pd.DataFrame,
    monkeypatch: pytest.MonkeyPatch,
    most: int,
    labels: int,
    splits: int,
    strategies: int,
    told: str | None,
) -> None:
    monkeypatch.setattr(parts_data, "MOST_VALUES", most)
    curves = series()
    found = parts_data.parts_data(table, EXPERIMENT, curves)
    assert found["left_out"] == ([] if told is None else [[0, told]])
    assert len({row[1] for row in found["series"]}) == splits
    assert len({row[2] for row in found["series"]}) == strategies
    (counts,) = {tuple(curves.labels[row[3]]) for row in found["series"]}
    assert len(counts) == labels
    assert counts[-1] == 100 * ROUNDS
    assert counts[0] == (100 if labels > 1 else 100 * ROUNDS)
