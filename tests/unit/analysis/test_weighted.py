"""Weighted metrics in tables: named, never mixed with unweighted ones, and hits by class."""

import math
import shutil
from pathlib import Path

import numpy as np
import pytest

from helpers import fake_results
from helpers.analysis_jobs import SMALL, collect
from helpers.curves import curves
from labelbench_core.analysis.classes import classes_table
from labelbench_core.analysis.collected.frames import (
    CURVE_COLUMNS,
    FINETUNED_COLUMNS,
    HIT_COLUMNS,
    present,
    read_csv,
)
from labelbench_core.analysis.comparisons.compared_sets import compare_sets, compared_lines
from labelbench_core.storage.files import read_json
from workflow_scripts.keep_tables import METRIC_COLUMNS

TUNED = {"trainers": ["full"], "strategies": ["margin"], "rounds": [1], "seeds": [1]}
SMALLER = {**SMALL, "seeds": [1, 2], "rounds": 2, "finetune": TUNED, "by_class": True}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Result files of a small experiment whose test is weighted, and the experiment."""
    folder, values = tmp_path_factory.mktemp("weighted"), fake_results.experiment(**SMALLER)
    fake_results.write(folder, values)
    for path in records(folder):
        fake_results.edit(path, weigh)
    fake_results.link(folder, values)
    return folder, values


def records(folder):
    return [*folder.glob("selections/**/round-*.json"), *folder.glob("finetuned/**/metrics.json")]


def weigh(record):
    """Every row of class c counts c + 1.5 times."""
    record["weighted"] = ["test"]
    for split, counts in record.get("classes", {}).items():
        if split == "test":
            of = np.arange(len(counts["rows"])) + 1.5
            counts["weights"] = (of * counts["rows"]).tolist()
            counts["hits"] = (of * counts["hits"]).tolist()


def test_tables_say_which_values_are_weighted(results):
    folder, values = results
    assert collect(folder, values) == 0
    for name, columns in (("metrics", CURVE_COLUMNS), ("finetuned", FINETUNED_COLUMNS)):
        table = read_csv(folder / f"{name}.csv", columns)
        assert list(table)[-1] == "weighted"
        assert ((table["split"] == "test") == (table["weighted"] == 1)).all()
        assert table["weighted"].nunique() == 2
        assert "weighted" in present(table, METRIC_COLUMNS)
        assert "weighted" not in present(table.drop(columns="weighted"), METRIC_COLUMNS)
    hits = read_csv(folder / "hits.csv", HIT_COLUMNS)
    test = hits[hits["split"] == "test"]
    assert (test["weight"] == (test["class"] + 1.5) * test["rows"]).all()
    assert hits[hits["split"] != "test"]["weight"].isna().all()


def test_a_round_without_weights_among_weighted_ones_is_refused(results, tmp_path, capsys):
    folder, values = tmp_path / "copy", results[1]
    shutil.copytree(results[0], folder)
    path = sorted(folder.glob("selections/**/margin/**/round-1.json"))[0]
    fake_results.edit(path, lambda record: record.pop("weighted"))
    fake_results.link(folder, values)
    assert collect(folder, values) == 2
    told = capsys.readouterr().err
    assert "splits with weighted metrics differ from those in" in told
    assert str(path) in told


def test_accuracy_by_class_is_the_share_of_weights(results):
    folder, values = results
    assert collect(folder, values) == 0
    hits = read_csv(folder / "hits.csv", HIT_COLUMNS)
    table = classes_table(hits, "random")
    # All rows of a class weigh the same here: its accuracy is that of equal weights.
    equal = hits.assign(hits=hits["hits"] / (hits["weight"] / hits["rows"]).fillna(1))
    expected = classes_table(equal.drop(columns="weight"), "random")
    for column in ("mean", "low", "high", "difference"):
        assert table[column].to_numpy() == pytest.approx(expected[column].to_numpy(), nan_ok=True)
    assert (table["rows"] == expected["rows"]).all()
    half = hits.assign(weight=hits["weight"] * 2)
    assert classes_table(half, "random")["mean"].to_numpy() == pytest.approx(
        np.where(table["split"] == "test", table["mean"] / 2, table["mean"])
    )


def test_weighted_and_unweighted_points_are_not_compared():
    plain = curves({"a": [[0.5, 0.6], [0.5, 0.7]]})
    weighted = plain.assign(weighted=1, value=0.9)
    table = compare_sets(plain, weighted)
    assert (table["n_seeds"] == 0).all()
    assert table["difference"].isna().all()
    lines = list(compared_lines(table))
    assert lines[0].startswith("only in the first: 2 points (")
    assert lines[1].startswith("only in the second: 2 points (")
    assert lines[1].endswith("; weighted by row)")
    assert "weighted" not in lines[0]
    same = compare_sets(weighted, weighted)
    assert (same["n_equal"] == 2).all()
    assert not math.isnan(same["difference"].iloc[0])
    assert "weighted" not in compare_sets(plain, plain)


def test_results_without_weights_have_no_such_columns(tmp_path: Path):
    values = fake_results.experiment(**SMALLER)
    fake_results.write(tmp_path, values)
    assert collect(tmp_path, values) == 0
    for name in ("metrics", "finetuned", "hits"):
        header = (tmp_path / f"{name}.csv").read_text().splitlines()[0].split(",")
        assert not {"weighted", "weight"} & set(header)
    assert "weighted" not in read_json(records(tmp_path)[0])
