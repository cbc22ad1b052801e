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
from labelbench_core.analysis.collected.frames import read_csv
from labelbench_core.analysis.targets.money import cost_to_reach, money_tables
from labelbench_core.stages.plan import Needs
from labelbench_core.storage.files import read_json

ALONE = {"strategies": ["coreset"], "seeds": [2, 3], "rounds": 3, "finetune": None}
BARELY = (
    {"strategies": ["badge"], "seeds": [3], "finetune": None},
    {"strategies": ["entropy"], "seeds": [7, 8], "finetune": None},
    {"strategies": ["coreset"], "rounds": 1, "finetune": None},
)
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


def page_of(folder):
    """The words of the report on what `made` left in the folder."""
    collect_all_costs(folder, json.loads((folder / "experiment.json").read_text()))
    plot_everything(folder, folder / "figures")
    manifest = {"dataset": "digits", "fingerprint": "f" * 64, "versions": {"pillow": "12.0"}}
    fake_results.note(folder / "digits.json", "data set", **manifest)
    status, path = render(folder)
    assert status == 0
    return " ".join(" ".join(Page(path.read_text(encoding="utf-8")).words).split())


@pytest.fixture(scope="module")
def even_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("even")


@pytest.fixture(scope="module")
def even(even_folder):
    return made(even_folder)


@pytest.fixture(scope="module")
def even_page(even, even_folder):
    return page_of(even_folder)


@pytest.fixture(scope="module")
def barely_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("barely")


@pytest.fixture(scope="module")
def barely(barely_folder):
    return made(barely_folder, *BARELY)


@pytest.fixture(scope="module")
def barely_page(barely, barely_folder):
    return page_of(barely_folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("uneven")


@pytest.fixture(scope="module")
def uneven(folder):
    return made(folder, ALONE, ELSEWHERE)


@pytest.fixture(scope="module")
def uneven_page(uneven, folder):
    return page_of(folder)


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


def test_the_page_says_what_is_uneven(uneven, folder, uneven_page):
    costs = read_csv(folder / "costs.csv", ())
    words = uneven_page
    assert (
        "coreset has 2 seeds and 3 budgets, random 3 seeds and 4 budgets (digits / dinov2-small / "
        "linear / first-100-batch-100). They are compared over what both have (2 seeds: 2, 3), "
        "at the level of the baseline with these seeds" in words
    )
    assert (
        "random, the baseline, was not run in digits / dinov2-small / shallow / "
        "first-100-batch-100: nothing is compared" in words
    )
    (setting,) = read_json(folder / "summary.json")["settings"]
    assert setting["proxy"] == "linear"
    money = cost_to_reach(
        uneven["savings"], pd.read_csv(folder / "metrics.csv"), costs, Needs(), {"label": 1.0}
    )
    rows = chosen(money, split="test").set_index("strategy")
    headline = chosen(uneven["savings"], split="test", definition="at-baseline-level")
    headline = headline.set_index("strategy")
    # Each at the level that it was compared at.
    for name in ("margin", "coreset"):
        assert rows.loc[name, "level"] == pytest.approx(headline.loc[name, "level"])
    assert rows.loc["random", "labels"] == headline.loc["margin", "baseline_labels"]
    assert "All strategies share the" not in words
    assert "Strategies share the first labels of the seeds that they have in common." in words
    assert "3 seeds. Strategies share the initial labels of the seeds that they" in words
    shown = next(table for table in money_tables(money) if "to reach the last test" in table.title)
    assert {row[0]: row[1] for row in shown.cells} == {"random": "3", "margin": "3", "coreset": "2"}


def test_an_area_over_fewer_budgets_says_so(folder, even_page, uneven_page):
    assert "area over labels" not in even_page
    assert "100 to 400 (fewer)" not in even_page
    assert "100 to 300 (fewer)" in uneven_page
    assert "100 to 400 (fewer)" not in uneven_page
    told = "The difference is over the seeds and budgets that both have."
    assert told in uneven_page
    assert told not in even_page


def test_pairs_without_a_test_have_no_wins_to_show(barely, barely_page):
    """Badge has one seed with all, entropy none with others, coreset only the first labels."""
    for split in ("test", "pool"):
        wins = chosen(barely["pairwise"], split=split).set_index("strategy")
        untested = ("badge", "entropy", "coreset")
        for name in untested:
            assert wins.loc[["random", "margin", "mean"], name].isna().all()
            assert wins.loc[name, ["random", "margin"]].isna().all()
            assert wins.loc[name, name] == 0
        # The mean is of the one other that was tested.
        assert wins.loc["mean", "random"] == wins.loc["margin", "random"]
        assert wins.loc["mean", "random"] > 0
    assert "A dash: no test, because there are not two common seeds" in barely_page


def test_the_page_says_what_has_nothing_in_common(barely_page):
    where = "(digits / dinov2-small / linear / first-100-batch-100)"
    assert (
        f"badge has 1 seed and 4 budgets, random 3 seeds and 4 budgets {where}. They are compared "
        "over what both have (1 seed: 3), at the level" in barely_page
    )
    assert (
        f"entropy has 2 seeds and 4 budgets, random 3 seeds and 4 budgets {where}. They have no "
        "seed in common and are not compared." in barely_page
    )
    assert (
        f"coreset has 3 seeds and 1 budget, random 3 seeds and 4 budgets {where}. They have only "
        "the first labels in common: no difference or area is compared." in barely_page
    )
    assert "Only 1 seed: one seed gives neither intervals nor tests." in barely_page
    assert "1 seeds" not in barely_page.replace("1 or", "")
    assert "nan" not in barely_page.split("All strategies over the whole budget")[1].split()
