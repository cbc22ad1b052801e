"""Strategies with fewer seeds or rounds than the baseline, and settings without it."""

import copy
import json

import pandas as pd
import pytest

from helpers import fake_results
from helpers.analysis_jobs import (
    SMALL,
    collect,
    collect_all_costs,
    plot_everything,
    render,
    tabulate_results,
)
from helpers.web_page import Page
from labelbench_core.analysis.frames import read_csv
from labelbench_core.analysis.money import cost_to_reach
from labelbench_core.storage.files import read_json

ALONE = {"strategies": ["coreset"], "seeds": [2, 3], "rounds": 3, "finetune": None}
ELSEWHERE = {"strategies": ["badge"], "proxies": ["shallow"], "finetune": None}


def made(folder, *also):
    """The tables of an experiment with further crossings: name → table."""
    values = fake_results.experiment(**copy.deepcopy(SMALL))
    values["crossings"] += [{**values["crossings"][0], **one} for one in also]
    fake_results.write(folder, values)
    assert collect(folder, values) == tabulate_results(folder, values) == 0
    (folder / "experiment.json").write_text(json.dumps(values), encoding="utf-8")
    names = ("comparisons", "savings", "aubc", "ranking", "pairwise", "combined", "curves")
    return {name: read_csv(folder / "tables" / f"{name}.csv", ()) for name in names}


@pytest.fixture(scope="module")
def even(tmp_path_factory):
    return made(tmp_path_factory.mktemp("even"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("uneven")


@pytest.fixture(scope="module")
def uneven(folder):
    return made(folder, ALONE, ELSEWHERE)


def chosen(table, **values):
    for key, value in values.items():
        table = table[table[key] == value]
    return table.reset_index(drop=True)


def test_strategies_are_compared_over_what_both_have(even, uneven, folder):
    rows = chosen(uneven["comparisons"], strategy="coreset", metric="accuracy", split="test")
    assert rows["round"].tolist() == [1, 2]
    assert set(rows["n_seeds"]) == {2}
    savings = chosen(uneven["savings"], strategy="coreset")
    assert set(savings["n_seeds"]) == {2}
    area = chosen(uneven["aubc"], strategy="coreset", split="test").iloc[0]
    assert area["n_seeds"] == 2
    # The difference is of the first three budgets of both, not of three and four.
    values = pd.read_csv(folder / "metrics.csv")
    values = chosen(values, split="test", metric="accuracy", proxy="linear")
    values = values[(values["round"] < 3) & values["seed"].isin([2, 3])]
    means = values.pivot_table(index=["strategy", "seed"], columns="round", values="value")
    areas = means @ [0.25, 0.5, 0.25]
    expected = (areas["coreset"] - areas["random"]).mean()
    assert area["difference"] == pytest.approx(expected, rel=1e-8)
    # What was there is as it was, but for ranks, which now are among three.
    for name in ("savings", "aubc"):
        before = even[name][even[name]["strategy"] == "margin"]
        after = chosen(uneven[name], strategy="margin", proxy="linear")
        columns = [column for column in before if column != "p_holm"]
        pd.testing.assert_frame_equal(before[columns].reset_index(drop=True), after[columns])


def test_ranks_are_over_what_all_have(uneven):
    rows = chosen(uneven["ranking"], proxy="linear")
    assert set(rows["n_seeds"]) == {2}
    assert rows.groupby("split")["mean_rank"].sum().tolist() == pytest.approx([6, 6])


def test_a_setting_without_the_baseline_has_curves_and_no_comparisons(uneven):
    assert len(chosen(uneven["curves"], proxy="shallow")) > 0
    for name in ("comparisons", "savings"):
        assert chosen(uneven[name], proxy="shallow").empty
    (area,) = chosen(uneven["aubc"], proxy="shallow", split="test").to_dict("records")
    assert area["aubc"] > 0
    assert pd.isna(area["difference"])


def test_the_page_says_what_is_uneven(uneven, folder):
    costs = collect_all_costs(folder, json.loads((folder / "experiment.json").read_text()))
    plot_everything(folder, folder / "figures")
    manifest = {"dataset": "digits", "fingerprint": "f" * 64, "versions": {"pillow": "12.0"}}
    fake_results.note(folder / "digits.json", "data set", **manifest)
    status, path = render(folder)
    assert status == 0
    words = " ".join(" ".join(Page(path.read_text(encoding="utf-8")).words).split())
    assert (
        "coreset has 2 seeds and 3 budgets, random 3 seeds and 4 budgets (digits / dinov2-small / "
        "linear / first-100-batch-100). They are compared over what both have (2 seeds)" in words
    )
    assert (
        "random, the baseline, was not run in digits / dinov2-small / shallow / "
        "first-100-batch-100: nothing is compared" in words
    )
    (setting,) = read_json(folder / "summary.json")["settings"]
    assert setting["proxy"] == "linear"
    money = cost_to_reach(
        uneven["savings"], pd.read_csv(folder / "metrics.csv"), costs, {"label": 1.0}
    )
    rows = chosen(money, split="test").set_index("strategy")
    headline = chosen(uneven["savings"], split="test", definition="at-baseline-level")
    headline = headline.set_index("strategy")
    # Each at the level that it was compared at.
    for name in ("margin", "coreset"):
        assert rows.loc[name, "level"] == pytest.approx(headline.loc[name, "level"])
    assert rows.loc["random", "labels"] == headline.loc["margin", "baseline_labels"]
