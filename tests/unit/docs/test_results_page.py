"""The tables of docs/results.md are those under docs/results/, which `keep_tables` writes."""

import json
import re

import pandas as pd
import pytest

from docs import decisions, kept_results, result_tables
from docs import make_results as results
from labelbench_core.errors import InputError
from workflow_scripts._code_notes import digests_of
from workflow_scripts.keep_tables import CODE, MADE_FROM

SETTING = {
    "dataset": "digits",
    "backbone": "tiny",
    "proxy": "linear",
    "schedule": "start-10-batch-10",
}


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A folder of kept results in the place of the project's, with one experiment."""
    monkeypatch.setattr(kept_results, "KEPT", tmp_path)
    folder = tmp_path / "some"
    folder.mkdir()
    rows = [
        {
            **SETTING,
            "strategy": strategy,
            "seed": seed,
            "num_labeled": labels,
            "split": "test",
            "metric": "accuracy",
            "value": value + 0.01 * seed,
        }
        for strategy, start in (("random", 0.5), ("margin", 0.6))
        for seed in range(2 if strategy == "random" else 1)
        for labels, value in ((10, start), (20, start + 0.1))
    ]
    pd.DataFrame(rows).to_csv(folder / "metrics.csv", index=False)
    saving = {
        **SETTING,
        "split": "test",
        "metric": "accuracy",
        "strategy": "margin",
        "baseline": "random",
        "saving": 1.5,
        "bound": "more than",
        "low": 1.25,
        "low_bound": "",
        "high": 2.0,
        "high_bound": "more than",
    }
    pd.DataFrame([saving]).to_csv(folder / "savings.csv", index=False)
    order = {
        "split": "test",
        "measure": "final",
        "statistic": "kendall",
        "num_strategies": 8,
        "correlation": 0.5,
        "low": -0.1,
        "high": 0.9,
        "contains_zero": True,
    }
    pd.DataFrame([order]).to_csv(folder / "orders.csv", index=False)
    (folder / "made-from.json").write_text(json.dumps({"metric": "accuracy"}))
    return folder


@pytest.mark.parametrize("page", results.PAGES, ids=lambda page: page.name)
def test_every_page_is_in_step_with_the_kept_tables(page):
    text = page.read_text("utf-8")
    assert results.renewed(text) == text, "run: python -m docs.make_results"


@pytest.mark.parametrize("folder", sorted(kept_results.KEPT.iterdir()), ids=lambda one: one.name)
def test_every_kept_table_says_which_configuration_commit_and_code_made_it(folder):
    made_from = json.loads((folder / MADE_FROM).read_text())
    assert re.fullmatch("[0-9a-f]{40}", made_from["commit"])
    assert re.fullmatch("[0-9a-f]{64}", made_from["experiment_sha256"])
    code = json.loads((folder / CODE).read_text())
    assert {"workflow_scripts.select_round", "workflow_scripts.tabulate"} <= set(code)
    assert all(re.fullmatch("[0-9a-f]{16}", digest) for digest in code.values())


SAVED = re.compile(r"[^.|]*?\bsav(?:es?|ed|ings?)\b(?:[^.|]|\.(?=\d))*")
PROSE = ("README.md", "results.md", "strategies.md", "proxies.md", "trainers.md")


@pytest.mark.parametrize("name", PROSE)
def test_a_saving_in_a_sentence_is_that_of_a_table(name):
    """Savings, such as 1.75, are quoted in values alone; whole numbers are not savings."""
    (page,) = [page for page in results.PAGES if page.name == name]
    text = results.BLOCK.sub("", page.read_text("utf-8"))
    text = "\n".join(line for line in text.splitlines() if not line.startswith(("|", "    ")))
    text = results.VALUE.sub("VALUE", text)
    for sentence in SAVED.findall(text):
        assert not re.findall(r"(?<![\d.,:])\d\.\d{1,2}(?![\d,.]*\d)", sentence), sentence


def test_values_in_sentences_are_made_anew(kept):
    old = (
        "saves <!-- saving: some/test/margin -->9<!-- end -->, "
        "has <!-- value: some/test/random/10 --><!-- end -->."
    )
    new = results.renewed(old)
    assert "-->more than 1.50 (1.25 to more than 2.00)<!-- end -->" in new
    assert "-->50.50 ± 6.35<!-- end -->" in new
    assert results.renewed(new) == new
    assert results.saving_alone("some/test/margin") == "more than 1.50"
    with pytest.raises(InputError, match="some/test/none -->: 0 rows in its table"):
        results.saving("some/test/none")
    assert results.mean_of("some/test/random/10 digits linear") == "50.50 ± 6.35"
    with pytest.raises(InputError, match="random/10 deep -->: 0 rows"):
        results.mean_of("some/test/random/10 deep")
    with pytest.raises(InputError, match="2 parts; allowed: 3"):
        results.saving("some/test")


def test_a_gain_in_a_sentence_is_that_of_the_table_of_combinations(kept):
    rows = [
        {
            **{key: one for key, one in SETTING.items() if key != "proxy"},
            **{"split": "test", "metric": "accuracy", "training": "flexmatch", "strategy": "badge"},
            **{"num_labeled": 20, "reference_training": training, "reference_strategy": strategy},
            **{"difference": difference, "half_width": 0.0125, "mean": 0.775},
            **{"mean_half_width": 0.005},
        }
        for training, strategy, difference in (
            ("flexmatch", "random", 0.013),
            ("linear", "badge", -0.049),
        )
    ]
    pd.DataFrame(rows).to_csv(kept / "combined.csv", index=False)
    new = results.renewed("<!-- gain: some/test/20 flexmatch badge linear badge --><!-- end -->")
    assert new.endswith("-->-4.90 ± 1.25<!-- end -->")
    assert results.gain_of("some/test/20 flexmatch badge flexmatch random") == "+1.30 ± 1.25"
    with pytest.raises(InputError, match="0 rows in its table"):
        results.gain_of("some/test/10 flexmatch badge flexmatch random")
    with pytest.raises(InputError, match="3 ids; allowed: TRAINING STRATEGY"):
        results.gain_of("some/test/20 flexmatch badge linear")
    assert results.gain_of("some/test/20 flexmatch badge linear badge tiny") == "-4.90 ± 1.25"
    with pytest.raises(InputError, match="0 rows in its table"):
        results.gain_of("some/test/20 flexmatch badge linear badge huge")
    assert results.trained("some/test/20 flexmatch badge") == "77.50 ± 0.50"
    with pytest.raises(InputError, match="0 rows in its table"):
        results.trained("some/test/20 linear badge")
    rows = [{**row, "training": "brief after linear"} for row in rows]
    pd.DataFrame(rows).to_csv(kept / "combined.csv", index=False)
    assert results.trained("some/test/20 brief/linear badge") == "77.50 ± 0.50"


def test_what_a_fine_tuning_adds_can_be_said(kept):
    row = {
        **SETTING,
        **{"split": "test", "metric": "accuracy", "trainer": "brief", "strategy": "margin"},
        **{"num_labeled": 20, "difference": 0.05, "half_width": 0.01},
    }
    pd.DataFrame([row]).to_csv(kept / "finetuning.csv", index=False)
    assert results.tuned("some/test/20 brief margin") == "+5.00 ± 1.00"
    with pytest.raises(InputError, match="0 rows in its table"):
        results.tuned("some/test/20 brief random")


def test_a_share_in_a_sentence_has_its_interval(kept):
    row = {
        **SETTING,
        **{"split": "test", "metric": "accuracy", "ceiling": "look-ahead", "strategy": "margin"},
        **{"measure": "area", "share": 0.5, "low": 0.25, "high": 0.8, "verdict": "bounded"},
    }
    pd.DataFrame([row]).to_csv(kept / "headroom.csv", index=False)
    assert results.share_of("some/test/area margin") == "50 % (25 % to 80 %)"
    with pytest.raises(InputError, match="0 rows in its table"):
        results.share_of("some/test/final margin")


def test_changed_code_is_named(kept, capsys):
    assert results.changed_code() == {"some": None}
    now = digests_of(["workflow_scripts.tabulate"], [("strategies", "margin")])
    assert "labelbench_core.strategies.margin" in now
    code = kept / "code.json"
    code.write_text(json.dumps(now))
    assert results.changed_code() == {"some": []}
    code.write_text(json.dumps({**now, "labelbench_core.strategies.margin": "0", "gone": "1"}))
    assert results.changed_code() == {"some": ["gone", "labelbench_core.strategies.margin"]}
    results._tell_changed_code()
    assert capsys.readouterr().out == (
        "some: 2 modules have changed since it was run: gone, labelbench_core.strategies.margin\n"
    )


def test_a_row_has_means_intervals_and_an_open_ended_saving(kept):
    lines = result_tables.accuracies("some/test").splitlines()
    assert lines[0] == "| strategy | 10 | 20 | saving |"
    # Two seeds, 50 and 51 %: Student's t with one degree of freedom, 12.706 x 0.5.
    assert lines[2] == "| random | 50.50 ± 6.35 | 60.50 ± 6.35 | 1 |"
    assert lines[3] == "| margin | 60.00 | 70.00 | more than 1.50 (1.25 to more than 2.00) |"
    assert lines[5].startswith("2 seeds, of margin 1; metric `accuracy`, dataset `digits`")


def test_a_table_says_which_differences_its_seeds_can_show(kept):
    one = pd.read_csv(kept / "metrics.csv")
    first = one[one["seed"] == one["seed"].min()]
    # With the last labels, margin's differences to random over five seeds are 0, 1, … 4 points.
    rows = [
        first.assign(seed=seed, value=0.6 + 0.01 * seed * (first["strategy"] == "margin"))
        for seed in range(5)
    ]
    alone = first[first["strategy"] == "margin"].assign(strategy="lone", seed=9)
    pd.concat([*rows, alone]).to_csv(kept / "metrics.csv", index=False)
    told = result_tables.accuracies("some/test").splitlines()[-1]
    # A spread of 1.581 points; by scipy.stats.nct, five seeds show 1.682 of these at the level of
    # 5 % and 2.050 at 2.5 %, with two strategies compared.
    assert told.endswith(
        "detectable differences to random with the last labels: 2.7 points, after Holm's "
        "correction 3.2."
    )


def test_settings_that_differ_have_a_column(kept):
    metrics = pd.read_csv(kept / "metrics.csv")
    both = [metrics.assign(annotator="exact"), metrics.assign(annotator="crowd")]
    pd.concat(both).to_csv(kept / "metrics.csv", index=False)
    savings = pd.read_csv(kept / "savings.csv").assign(annotator="crowd")
    savings.to_csv(kept / "savings.csv", index=False)
    lines = result_tables.accuracies("some/test").splitlines()
    assert lines[0] == "| annotator | strategy | 10 | 20 | saving |"
    assert lines[3] == "| exact | margin | 60.00 | 70.00 | – |"
    assert lines[5].startswith("| crowd | margin |")
    assert "more than 1.50" in lines[5]
    lines = result_tables.accuracies("some/test crowd linear").splitlines()
    assert lines[0] == "| strategy | 10 | 20 | saving |"
    assert "more than 1.50" in lines[3]
    with pytest.raises(InputError, match="some/test nobody"):
        result_tables.accuracies("some/test nobody")


def test_another_metric_has_a_table_of_its_own_without_savings(kept):
    one = pd.read_csv(kept / "metrics.csv")
    other = one.assign(metric="macro-f1", value=one["value"] - 0.25)
    pd.concat([one, other]).to_csv(kept / "metrics.csv", index=False)
    assert (
        result_tables.accuracies("some/test")
        .splitlines()[3]
        .startswith("| margin | 60.00 | 70.00 |")
    )
    lines = result_tables.accuracies("some/test/macro-f1").splitlines()
    assert lines[0] == "| strategy | 10 | 20 |"
    assert lines[3] == "| margin | 35.00 | 45.00 |"
    assert "metric `macro-f1`" in lines[5]


def test_an_order_says_whether_zero_is_within_its_interval(kept):
    assert result_tables.orders("some").splitlines()[2] == (
        "| test | last value | Kendall | 8 | 0.50 | -0.10 to 0.90 | yes |"
    )


def test_at_most_eight_numbers_of_labels_with_the_first_and_the_last():
    shown = result_tables._shown(list(range(100, 2100, 100)))
    assert (len(shown), shown[0], shown[-1]) == (8, 100, 2000)


def test_a_table_that_is_missing_is_named(kept):
    with pytest.raises(InputError, match=r"none/metrics\.csv: file not found.*keep_tables"):
        result_tables.accuracies("none/test")


def test_the_best_strategies_stand_with_those_that_cannot_be_told_from_them(kept):
    rows = [
        {
            **SETTING,
            "split": "test",
            "metric": "accuracy",
            "strategy": strategy,
            "n_seeds": 5,
            "first_labels": 10,
            "last_labels": 2000,
            "difference": difference,
            "verdict": verdict,
        }
        for strategy, difference, verdict in (
            ("margin", float("nan"), "best"),
            ("badge", -0.001, "not distinguishable"),
            ("random", -0.05, "worse"),
        )
    ]
    pd.DataFrame(rows).to_csv(kept / "best.csv", index=False)
    lines = result_tables.best("some/test").splitlines()
    assert lines[0] == "| labels | best | cannot be told from it | worse |"
    assert lines[2] == "| 10 to 2,000 | margin | badge (-0.10) | random (-5.00) |"


def test_shares_of_the_headroom_have_their_intervals(kept):
    row = {**SETTING, "split": "test", "metric": "accuracy", "ceiling": "look-ahead", "n_seeds": 5}
    row |= {"strategy": "margin", "measure": "final", "share": 0.5, "low": 0.2, "high": 0.8}
    other = {**row, "measure": "area", "verdict": "unbounded"}
    pd.DataFrame([{**row, "verdict": "bounded"}, other]).to_csv(kept / "headroom.csv", index=False)
    line = result_tables.headroom("some/test").splitlines()[2]
    assert line == "| margin | 50 % | 20 % to 80 % | 50 % | unbounded |"


def test_an_order_that_is_carried_over_names_both_settings(kept):
    row = {**SETTING, "trainer": "proxy", "varies": "proxy", "other": "shallow", "split": "test"}
    row |= {"metric": "accuracy", "measure": "area", "num_strategies": 8, "n_seeds": 5}
    row |= {"correlation": 0.5, "low": 0.1, "high": 0.9, "with_itself": float("nan")}
    pd.DataFrame([row]).to_csv(kept / "carried_orders.csv", index=False)
    lines = result_tables.carried("some/test").splitlines()
    assert lines[0].startswith("| proxy | ordered by |")
    assert lines[2] == (
        "| linear → shallow | area under the curve | 8 | 5 | 0.50 | 0.10 to 0.90 | – |"
    )


def test_trainings_stand_beside_the_first(kept):
    common = {**SETTING, "split": "test", "metric": "accuracy", "num_labeled": 100}
    common |= {"strategy": "random", "mean": 0.7, "mean_half_width": 0.01}
    first = {**common, "training": "linear", "compared": ""}
    other = {**common, "training": "flexmatch", "compared": "training", "mean": 0.75}
    other |= {"reference_training": "linear", "difference": 0.05, "half_width": 0.02}
    pd.DataFrame([first, {**other, "p_holm": 0.001}]).to_csv(kept / "combined.csv", index=False)
    lines = result_tables.trainings("some/test/random").splitlines()
    assert lines[0] == "| labels | training | value | beyond linear | p (Holm) |"
    assert lines[2] == "| 100 | linear | 70.00 ± 1.00 | – | – |"
    assert lines[3].startswith("| 100 | flexmatch | 75.00 ± 1.00 | +5.00 ± 2.00 | ")


def test_a_decision_names_what_is_better_and_worse_than_the_baseline(kept):
    baseline = [0.60, 0.61, 0.59, 0.62]
    behind = {"margin": -0.03, "coreset": 0.08, "entropy": 0.0}
    values = {"random": baseline, "look-ahead": [one + 0.2 for one in baseline]}  # no method
    for strategy, gap in behind.items():
        spread = (0.05, -0.05) if strategy == "entropy" else (0.001, -0.001)
        values[strategy] = [one - gap + spread[seed % 2] for seed, one in enumerate(baseline)]
    rows = [
        {**SETTING, "strategy": strategy, "seed": seed, "num_labeled": labels, "value": value}
        for strategy, by_seed in values.items()
        for labels in (10, 20, 30, 40)
        for seed, value in enumerate(by_seed)
    ]
    table = pd.DataFrame(rows).assign(split="test", metric="accuracy")
    table.to_csv(kept / "metrics.csv", index=False)
    savings = pd.DataFrame({"baseline": "random", "strategy": list(behind)})
    savings.to_csv(kept / "savings.csv", index=False)
    head, _, *made = decisions.decisions("some/test some/test").splitlines()
    assert head == "| data set | proxy | labels | baseline | best | gain | better | worse |"
    # Differences of .031 and .029: their standard error is .00058, 3.182 of which are .18 points.
    row = "| digits | linear | {} | 60.50 | margin (4 seeds) | +3.00 ± 0.18 | margin | coreset |"
    assert made[:6] == [row.format(labels) for labels in (20, 30, 40)] * 2
    # Of a number of labels that the baseline alone has, there is nothing to tell.
    is_alone = (table["strategy"] != "random") & (table["num_labeled"] == 40)
    table[~is_alone].to_csv(kept / "metrics.csv", index=False)
    made = decisions.decisions("some/test").splitlines()[2:]
    assert made[:3] == [row.format(20), row.format(30), ""]


def test_stages_are_the_first_selection_the_middle_and_the_end():
    assert decisions._stages(pd.Series([10, 20, 10, 30, 40, 50])) == [20, 30, 50]
    assert decisions._stages(pd.Series([10, 20, 30])) == [20, 30]
    assert decisions._stages(pd.Series([10])) == []


def test_the_check_names_the_numbers_that_differ(kept, tmp_path, monkeypatch, capsys):
    page = tmp_path / "page.md"
    right = results.mean_of("some/test/random/20")
    value = "<!-- value: some/test/random/20 -->"
    page.write_text(f"One\n{value}{right}<!-- end --> and\n{value}1.00 ± 0.00<!-- end -->\n")
    monkeypatch.setattr(results, "PAGES", (page,))
    monkeypatch.setattr(results, "DOCS", tmp_path / "docs")
    monkeypatch.setattr(results, "changed_code", dict)
    assert results.main(["--check"]) == 1
    assert capsys.readouterr().out == (
        "page.md: line 3: value: some/test/random/20: not as in docs/results/\n"
    )
    assert results.main([]) == 0
    assert results.main(["--check"]) == 0
    assert "1.00" not in page.read_text()
