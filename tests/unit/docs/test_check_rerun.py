"""A run here against the tables that were kept: within the kept intervals, and complete."""

import numpy as np
import pandas as pd
import pytest

from docs import check_rerun, kept_results
from docs.check_rerun import differences
from helpers.curves import curves


@pytest.fixture
def kept() -> pd.DataFrame:
    values = np.random.default_rng(0).normal(0.7, 0.01, (2, 5, 3)).round(4)
    return curves({"random": values[0].tolist(), "margin": values[1].tolist()})


def test_equal_tables_agree(kept):
    assert differences(kept, kept) == ([], "30 of 30 values are equal, means differ by at most 0")
    other_metric = pd.concat([kept, kept.assign(metric="nll")])
    assert differences(kept, other_metric)[0] == []


def test_a_mean_outside_the_kept_interval_is_named(kept):
    made = kept.copy()
    is_cell = (made["strategy"] == "margin") & (made["num_labeled"] == 200)
    spread = kept[is_cell]["value"].std(ddof=1)
    half = 2.7764 * spread / np.sqrt(5)  # Student's t with four degrees of freedom
    made.loc[is_cell, "value"] += 0.9 * half
    assert differences(kept, made)[0] == []
    made.loc[is_cell, "value"] += 0.2 * half
    (line,) = differences(kept, made)[0]
    assert line.startswith("d, b, p, s, margin, test, accuracy, 200: ")
    assert " ± " in line


def test_missing_and_further_rows_are_named(kept):
    wrong, _ = differences(kept, kept.iloc[1:])
    assert wrong == ["d, b, p, s, random, test, accuracy, 100, 0: only in docs/results/"]
    wrong, _ = differences(kept.iloc[1:], kept)
    assert wrong == ["d, b, p, s, random, test, accuracy, 100, 0: only in results/"]


def test_the_command_says_in_one_line_what_is_wrong(kept, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(kept_results, "KEPT", tmp_path / "kept")
    assert check_rerun.main(["some"]) == 1
    assert "file not found" in capsys.readouterr().err
    report = tmp_path / "results" / "reports" / "some" / "tables"
    for folder in (tmp_path / "kept" / "some", report):
        folder.mkdir(parents=True)
        kept.to_csv(folder / "metrics.csv", index=False)
    assert check_rerun.main(["some"]) == 0
    assert capsys.readouterr().out == (
        "some: as kept in docs/results/: 30 of 30 values are equal, means differ by at most 0\n"
    )
    kept.assign(value=0.0).to_csv(folder / "metrics.csv", index=False)
    assert check_rerun.main(["some"]) == 1
    assert capsys.readouterr().err.count("\n") == 6
