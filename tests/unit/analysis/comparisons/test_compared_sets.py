"""Two result sets, point by point."""

import math
from pathlib import Path

import pandas as pd
import pytest
from scipy import stats

from helpers.curves import curves
from labelbench_core.analysis.comparisons.compared_sets import (
    COMPARED_COLUMNS,
    compare_sets,
    compared_lines,
)
from labelbench_core.storage.files import write_json
from workflow_scripts import compare_results

ONE = {"a": [[0.5, 0.60], [0.5, 0.64], [0.5, 0.62]]}
OTHER = {"a": [[0.5, 0.63], [0.5, 0.69], [0.5, 0.63]], "b": [[0.5, 0.7]]}


def test_differences_are_paired_by_seed_in_whatever_order_rows_come() -> None:
    second = curves(OTHER).sample(frac=1, random_state=1)
    table = compare_sets(curves(ONE), second)
    assert tuple(table.columns) == COMPARED_COLUMNS
    row = table[(table["strategy"] == "a") & (table["num_labeled"] == 200)].iloc[0]
    assert row["difference"] == pytest.approx(0.03)
    assert row["p_value"] == pytest.approx(stats.ttest_1samp([0.03, 0.05, 0.01], 0).pvalue)
    assert (row["n_seeds"], row["n_equal"]) == (3, 0)
    assert row["p_holm"] == pytest.approx(2 * row["p_value"])  # two points have a test
    start = table[(table["strategy"] == "a") & (table["num_labeled"] == 100)].iloc[0]
    assert (start["n_equal"], start["p_value"]) == (3, 1.0)
    alone = table[table["strategy"] == "b"]
    assert alone["n_first"].tolist() == [0, 0]
    assert alone["difference"].isna().all()


def test_kept_digits_are_no_difference_and_other_seeds_no_pair() -> None:
    first = curves(ONE)
    table = compare_sets(first, first.assign(value=first["value"] + 4e-7))
    assert (table["n_equal"] == table["n_seeds"]).all()
    assert list(compared_lines(table)) == [
        "in both: 2 points, of which 2 have equal values on all seeds"
    ]
    apart = compare_sets(first, first.assign(seed=first["seed"] + 10))
    assert not apart["n_seeds"].any()
    assert "without a common seed: 2 points" in next(compared_lines(apart))
    assert list(compared_lines(table.iloc[:0])) == ["neither has points"]


def test_one_seed_has_a_difference_without_an_interval() -> None:
    table = compare_sets(curves({"a": [[0.5, 0.6]]}), curves({"a": [[0.5, 0.7]]}))
    assert math.isnan(table["low"].iloc[1])
    assert list(compared_lines(table))[-1].endswith("+10.00 (1 seed)")


def test_points_without_a_test_and_seeds_of_one_set_alone_are_told() -> None:
    """Equal differences on all seeds have no spread, so that no test could find them."""
    first = curves(ONE)
    shifted = first.assign(value=first["value"] + 0.05)
    fewer = shifted[(shifted["seed"] < 2) | (shifted["num_labeled"] < 200)]
    lines = list(compared_lines(compare_sets(first, fewer)))
    assert "with seeds only in the first, left aside: 1 of these points" in lines
    assert not any("only in the second" in line for line in lines)
    assert "2 of these have no test: one common seed, or the same difference on all" in lines
    tested = list(compared_lines(compare_sets(first, curves(OTHER))))
    assert not any("no test" in line or "left aside" in line for line in tested)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, values in (("one", ONE), ("other", OTHER)):
        (tmp_path / name).mkdir()
        curves(values).to_csv(tmp_path / name / "metrics.csv", index=False)
        data = {"digits": "1", "mine": name}
        made_from = {"commit": name, "numpy": "2", "data": data}
        write_json(tmp_path / name / "made-from.json", made_from)
        write_json(
            tmp_path / name / "code.json", {"labelbench_core.x": name, "labelbench_core": "1"}
        )
    command = [str(tmp_path / "one"), str(tmp_path / "other")]
    assert compare_results.main([*command, "--table", str(tmp_path / "table.csv")]) == 0
    told = capsys.readouterr().out
    assert "commit: one → other" in told
    assert "data of mine: one → other\n" in told
    assert "numpy" not in told
    assert "digits" not in told
    assert "code: labelbench_core.x\n" in told
    assert "only in the second: 2 points" in told
    assert len(pd.read_csv(tmp_path / "table.csv")) == 4
    (tmp_path / "one" / "made-from.json").unlink()
    assert compare_results.main(command) == 0
    assert "not known what they were made from" in capsys.readouterr().out
    assert compare_results.main([str(tmp_path / "none"), command[1]]) == 2
    told = f"error: {tmp_path / 'none'}: no such folder; allowed: one that exists\n"
    assert capsys.readouterr().err == told
