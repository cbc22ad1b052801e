"""From result files to tables: what is read, in which order, and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from helpers import fake_results
from helpers.analysis_jobs import SMALL, collect, collect_all_costs, tabulate_results
from helpers.project import PROJECT
from labelbench_core.analysis.collected.collect import collect_finetunings
from labelbench_core.analysis.collected.frames import (
    CURVE_COLUMNS,
    FINETUNED_COLUMNS,
    HIT_COLUMNS,
    read_csv,
)
from labelbench_core.analysis.summary import summary_lines
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.errors import InputError
from labelbench_core.stages import report_files
from labelbench_core.storage.files import read_json
from workflow_scripts import show_summary

TUNED_PLACE = (
    "digits/dinov2-small/full/linear/first-100-batch-100/margin/seed-1/round-3/metrics.json"
)
PLACE = "digits/dinov2-small/linear/first-100-batch-100"


@pytest.fixture
def small(tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    """Result files of a small experiment, and the experiment."""
    values = fake_results.experiment(**SMALL)
    fake_results.write(tmp_path, values)
    return tmp_path, values


def test_every_value_of_every_file_is_collected(small: tuple[Path, dict]) -> None:
    folder, values = small
    assert collect(folder, values) == 0
    rounds = read_csv(folder / "metrics.csv", CURVE_COLUMNS)
    assert list(rounds) == [name for name in CURVE_COLUMNS if name != "annotator"]
    assert len(rounds) == 2 * 3 * 4 * 2 * 3  # strategies, seeds, rounds, splits, metrics
    for _, row in rounds.sample(20, random_state=0).iterrows():
        folder_name = "initial" if row["round"] == 0 else row["strategy"]
        path = f"selections/{PLACE}/{folder_name}/seed-{row['seed']}/round-{row['round']}.json"
        stored = read_json(folder / path)
        assert row["value"] == stored["metrics"][row["split"]][row["metric"]]
        assert row["num_labeled"] == stored["num_labeled"]
    start = rounds[rounds["round"] == 0]
    assert start.groupby(["seed", "split", "metric"])["value"].nunique().eq(1).all()
    tuned = read_csv(folder / "finetuned.csv", FINETUNED_COLUMNS)
    assert len(tuned) == 2 * 2 * 2 * 2 * 3
    assert set(tuned["num_labeled"]) == {200, 400}
    assert set(tuned["extra_labels"]) == {fake_results.EXTRA_LABELS}
    assert set(tuned["held_out_labels"]) == {0}


def test_tables_have_the_same_bytes_each_time(small: tuple[Path, dict]) -> None:
    folder, values = small
    assert collect(folder, values) == tabulate_results(folder, values) == 0
    paths = [*folder.glob("*.csv"), *folder.glob("tables/*"), folder / "summary.json"]
    before = {path: path.read_bytes() for path in paths}
    texts = len(report_files.TEXT_TABLES) * len(report_files.TEXT_FORMATS)
    assert len(before) == 5 + len(report_files.TABLES) + texts + 1
    assert collect(folder, values) == tabulate_results(folder, values) == 0
    assert {path: path.read_bytes() for path in paths} == before


def test_hits_by_class_are_collected_where_asked_for(small: tuple[Path, dict]) -> None:
    folder, values = small
    assert collect(folder, values) == 0
    assert read_csv(folder / "hits.csv", HIT_COLUMNS).empty
    assert collect(folder, {**values, "by_class": True}) == 0
    hits = read_csv(folder / "hits.csv", HIT_COLUMNS)
    assert len(hits) == 2 * 3 * 4 * 3  # strategies, seeds, rounds, classes
    last = hits[(hits["strategy"] == "margin") & (hits["seed"] == 2) & (hits["round"] == 3)]
    stored = read_json(folder / f"selections/{PLACE}/margin/seed-2/round-3.json")
    assert last["hits"].tolist() == stored["classes"]["test"]["hits"]


def test_hits_by_group_are_collected_beside_those_by_class(tmp_path: Path) -> None:
    values = {**fake_results.experiment(**SMALL), "by_class": True, "by_group": True}
    fake_results.write(tmp_path, values, grouped=True)
    assert collect(tmp_path, values) == 0
    hits = read_csv(tmp_path / "hits.csv", [*HIT_COLUMNS, "group"])
    of_groups = hits[hits["group"].notna()]
    assert set(of_groups["class"]) == {-1}
    assert len(of_groups) == 2 * 3 * 4 * 2 * 2  # strategies, seeds, rounds, splits, groups
    assert len(hits) - len(of_groups) == 2 * 3 * 4 * 3
    of_margin = of_groups[(of_groups["strategy"] == "margin") & (of_groups["split"] == "shifted")]
    last = of_margin[(of_margin["seed"] == 2) & (of_margin["round"] == 3)]
    stored = read_json(tmp_path / f"selections/{PLACE}/margin/seed-2/round-3.json")
    assert last["hits"].tolist() == stored["groups"]["shifted"]["hits"]


def test_rounds_from_before_hits_by_group_were_recorded_have_none(
    small: tuple[Path, dict],
) -> None:
    folder, values = small
    asked = {**values, "by_group": True}
    assert collect(folder, asked) == tabulate_results(folder, asked) == 0
    assert read_csv(folder / "hits.csv", HIT_COLUMNS).empty
    assert read_csv(folder / "tables" / "groups.csv", ["group", "mean"]).empty


def test_experiment_without_finetuning_has_an_empty_table(small: tuple[Path, dict]) -> None:
    folder, values = small
    values = {**values, "crossings": [{**values["crossings"][0], "finetune": None}]}
    assert collect(folder, values) == tabulate_results(folder, values) == 0
    assert read_csv(folder / "finetuned.csv", FINETUNED_COLUMNS).empty
    assert read_json(folder / "summary.json")["settings"][0]["finetuning"] == []
    assert "No results" in (folder / "tables" / "finetuning.md").read_text()


def test_one_seed_and_one_round_are_enough(tmp_path: Path) -> None:
    values = fake_results.experiment(**{**SMALL, "seeds": [1], "rounds": 1, "finetune": None})
    fake_results.write(tmp_path, values)
    assert collect(tmp_path, values) == tabulate_results(tmp_path, values) == 0
    summary = read_json(tmp_path / "summary.json")
    assert summary["settings"][0]["final"]["margin"]["test"]["low"] is None
    assert any("one seed" in line for line in summary_lines(summary))


Change = Callable[[dict[str, Any]], Any]
DAMAGES: list[tuple[Change, str]] = [
    (lambda value: value.update(seed=9), "seed is 9, expected 2"),
    (lambda value: value.update(strategy="badge"), "strategy is 'badge', expected 'margin'"),
    (lambda value: value.update(round=1), "round is 1, expected 2"),
    (lambda value: value.update(num_labeled=301), "number of labels in round 2 differ"),
    (lambda value: value.update(num_labeled="300"), "num_labeled is '300'"),
    (lambda value: value.pop("metrics"), "metrics is missing"),
    (lambda value: value["metrics"].pop("pool"), "splits and metrics differ"),
    (lambda value: value["metrics"]["test"].pop("nll"), "splits and metrics differ"),
    (
        lambda value: value["metrics"]["test"].update(accuracy=None),
        "metrics.test.accuracy is None, not a number",
    ),
    (
        lambda value: value["metrics"]["test"].update(accuracy=True),
        "metrics.test.accuracy is True, not a number",
    ),
]


@pytest.mark.parametrize(("change", "message"), DAMAGES)
def test_inconsistent_round_is_named(
    small: tuple[Path, dict], capsys: pytest.CaptureFixture[str], change: Change, message: str
) -> None:
    folder, values = small
    path = folder / f"selections/{PLACE}/margin/seed-2/round-2.json"
    fake_results.edit(path, change)
    assert collect(folder, values) == 2
    error = capsys.readouterr().err
    assert message in error
    assert str(path) in error
    assert not (folder / "metrics.csv").exists()


@pytest.mark.parametrize("text", [None, "", '{"dataset": ', "[]", "{}", "5", "null", "NaN"])
def test_missing_or_damaged_file_is_named(
    small: tuple[Path, dict], capsys: pytest.CaptureFixture[str], text: str | None
) -> None:
    folder, values = small
    path = folder / f"selections/{PLACE}/initial/seed-3/round-0.json"
    path.unlink() if text is None else path.write_text(text)
    assert collect(folder, values) == 2
    assert str(path) in capsys.readouterr().err


def test_every_record_is_whole_and_of_its_place(
    small: tuple[Path, dict], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, values = small
    tuned = {"dataset": "digits", "backbone": "dinov2-small", "proxy": "linear", "trainer": "full"}
    tuned |= {
        "annotator": "",
        "schedule": "first-100-batch-100",
        "strategy": "random",
        "seed": 1,
        "round": 3,
    }
    chain = folder / f"selections/{PLACE}/margin"
    victims = {
        chain / "seed-2/round-2.json": chain / "seed-1/round-2.json",
        folder / fake_results.FINETUNED.format(**tuned): folder
        / fake_results.FINETUNED.format(**{**tuned, "seed": 2}),
    }
    for path, sibling in victims.items():
        whole = path.read_bytes()
        digit = whole.index(b'"accuracy": 0.') + 15
        damaged = whole[:digit] + bytes([whole[digit] ^ 1]) + whole[digit + 1 :]
        for content, told in (
            (damaged, "content does not match its SHA-256"),
            (sibling.read_bytes(), "seed is "),
            ((folder / f"selections/{PLACE}/initial/seed-1/round-0.json").read_bytes(), ""),
        ):
            path.write_bytes(content)
            assert collect(folder, values) == 2
            error = capsys.readouterr().err
            assert f"error: {path}: " in error
            assert told in error
        path.write_bytes(whole)
    assert collect(folder, values) == 0


@pytest.mark.parametrize("seed", [1, 3])
def test_a_round_that_others_were_not_made_from_is_refused(
    small: tuple[Path, dict], capsys: pytest.CaptureFixture[str], seed: int
) -> None:
    """Made again with other bytes, while what follows was kept: a round or a fine-tuning."""
    folder, values = small
    number = 3 if seed == 1 else 1
    place = f"selections/{PLACE}/margin/seed-{seed}"
    path = folder / f"{place}/round-{number}.json"
    fake_results.edit(path, lambda record: record["fit"].update(iterations=9))
    after = folder / (f"{place}/round-2.json" if seed == 3 else f"finetuned/{TUNED_PLACE}")
    assert collect(folder, values) == 2
    error = capsys.readouterr().err
    assert f"error: {after}: previous.record_sha256 is " in error
    assert f"it was made from another version of {path}" in error
    fake_results.link(folder, values)
    assert collect(folder, values) == 0


def test_finetuning_of_other_labels_is_refused(
    small: tuple[Path, dict], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, values = small
    ids = {"dataset": "digits", "backbone": "dinov2-small", "proxy": "linear", "trainer": "full"}
    ids |= {
        "annotator": "",
        "schedule": "first-100-batch-100",
        "strategy": "random",
        "seed": 1,
        "round": 3,
    }
    path = folder / fake_results.FINETUNED.format(**ids)
    fake_results.edit(path, lambda record: record.update(num_labeled=401))
    assert collect(folder, values) == 2
    assert f"{path}: num_labeled is 401, but round 3 has 400 labels" in capsys.readouterr().err


def test_rounds_of_another_experiment_are_refused(small: tuple[Path, dict]) -> None:
    """Fine-tunings are compared with the rounds that are handed over, which have to be theirs."""
    folder, values = small
    rounds = pd.DataFrame(columns=["schedule", "dataset", "round", "num_labeled"])
    files = [fake_results.FINETUNED, fake_results.ROUND, fake_results.INITIAL]
    tuned, *patterns = [str(folder / one) for one in files]
    experiment = Experiment.from_json(json.dumps(values))
    with pytest.raises(InputError, match=r"^rounds: no row for .*, which was fine-tuned after"):
        collect_finetunings(experiment, tuned, rounds, *patterns)


def test_unknown_metric_names_the_known_ones(
    small: tuple[Path, dict], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, values = small
    assert collect(folder, values) == 0
    assert tabulate_results(folder, {**values, "metric": "f2"}) == 2
    assert "accuracy, macro-f1, nll" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"baseline": "oracle"}, "baseline: 'oracle'; allowed"),
        ({"highlight": "oracle"}, "highlight: 'oracle'; allowed"),
        ({"seeds": []}, r"seeds: \[\]; allowed"),
        ({"seeds": [1, 1]}, r"seeds: \[1, 1\]; allowed"),
        ({"rounds": 0}, "rounds: 0; allowed"),
        ({"color": "red"}, "color: unknown key"),
        ({"finetune": {"trainers": ["full"]}}, "finetune.strategies: missing key; allowed"),
    ],
)
def test_wrong_experiment_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Experiment.from_json(json.dumps(fake_results.experiment(**change)))


def test_ids_stay_text(tmp_path: Path) -> None:
    values = fake_results.experiment(**{**SMALL, "datasets": ["007"], "backbones": ["nan"]})
    fake_results.write(tmp_path, values)
    assert collect(tmp_path, values) == tabulate_results(tmp_path, values) == 0
    setting = read_json(tmp_path / "summary.json")["settings"][0]
    assert (setting["dataset"], setting["backbone"]) == ("007", "nan")


def test_costs_of_every_job_once(small: tuple[Path, dict]) -> None:
    folder, values = small
    costs = collect_all_costs(folder, values)
    assert costs["stage"].value_counts().to_dict() == {
        "select_round": 2 * 3 * 3,
        "finetune_model": 2 * 2 * 2,
        "extract_embeddings": 1,
    }
    assert costs["seconds"].notna().all()
    assert costs.iloc[0]["strategy"] == ""
    for stage, flops in fake_results.FLOPS.items():
        known = costs[costs["stage"] == stage]
        factor = 1 + known["round"] if stage == "select_round" else 1
        assert (known["flops"] == flops * factor).all()
    assert costs["cpu_seconds"].sum() == pytest.approx(1.8 * costs["seconds"].sum(), rel=1e-3)


def test_missing_and_unmeasured_benchmarks_are_no_error(small: tuple[Path, dict]) -> None:
    folder, values = small
    paths = sorted(folder.glob("benchmarks/select_round/**/round-1.tsv"))
    paths[0].unlink()
    cells = [*(["-"] * 9), "NA"]
    paths[1].write_text(fake_results.BENCHMARK_HEADER + "\n" + "\t".join(cells) + "\n")
    costs = collect_all_costs(folder, values)
    assert costs["seconds"].isna().sum() == 2
    for path in folder.glob("benchmarks/**/*.tsv"):
        path.unlink()
    assert collect_all_costs(folder, values)["seconds"].isna().all()


def test_summary_is_printed(
    small: tuple[Path, dict], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, values = small
    assert collect(folder, values) == tabulate_results(folder, values) == 0
    monkeypatch.chdir(folder)
    summary = folder / report_files.SUMMARY.format(experiment="quickstart")
    summary.parent.mkdir(parents=True)
    (folder / "summary.json").rename(summary)
    assert show_summary.main(["--configfile", str(PROJECT / "config" / "config.yaml")]) == 0
    by_file = capsys.readouterr().out
    assert show_summary.main(["--experiment", "quickstart"]) == 0
    printed = capsys.readouterr().out
    assert printed == by_file
    assert "label saving on test: " in printed
    assert "test accuracy, 400 labels, margin: " in printed
    assert "fine-tuned (full), 400 labels, random: " in printed
    assert f"points, for {fake_results.EXTRA_LABELS} more labels (" in printed
    assert "tables   results/reports/quickstart/tables" in printed
    assert "bought   results/reports/quickstart/bought.html" in printed
    assert (
        f"open     {Path(report_files.PAGE.format(experiment='quickstart')).absolute().as_uri()}"
        in printed
    )
    command = printed.splitlines()[-1].partition("snakemake ")[2]
    assert (PROJECT / command.rpartition("--configfile ")[2]).is_file()
    assert show_summary.main(["--experiment", "other"]) == 2
    assert "summary.json: file not found; run the same command again" in capsys.readouterr().err
    summary = Path("results/reports/quickstart/tables/summary.json")
    whole = summary.read_text()
    for text in ("", "{}", "[]", "5", whole[:-20], whole.replace("margin", "Margin", 1)):
        summary.write_text(text)
        assert show_summary.main(["--experiment", "quickstart"]) == 2
        assert f"error: {summary}: " in capsys.readouterr().err


def test_markdown_and_latex_hold_the_numbers(small: tuple[Path, dict]) -> None:
    folder, values = small
    assert collect(folder, values) == tabulate_results(folder, values) == 0
    table = read_csv(folder / "tables" / "curves.csv", ("mean", "half_width"))
    row = table[(table["split"] == "test") & (table["metric"] == "accuracy")].iloc[-1]
    text = (folder / "tables" / "curves.md").read_text(encoding="utf-8")
    assert f"{100 * row['mean']:.2f} ± {100 * row['half_width']:.2f}" in text
    latex = (folder / "tables" / "curves.tex").read_text(encoding="utf-8")
    assert f"{100 * row['mean']:.2f} $\\pm$ {100 * row['half_width']:.2f}" in latex
    assert latex.count(r"\begin{tabular}") == latex.count(r"\end{tabular}") == 2
    assert "%" not in latex.replace(r"\%", "")
    tuned = (folder / "tables" / "finetuning.md").read_text(encoding="utf-8")
    assert "| 400 | 50 more |" in tuned


@pytest.mark.parametrize(
    ("validation", "text"),
    [
        ({"kind": "held-out", "size": 20, "looks": []}, "20 of these"),
        ({"kind": "none", "size": 0, "looks": []}, "–"),
    ],
)
def test_held_out_labels_are_within_the_budget(
    small: tuple[Path, dict], validation: dict, text: str
) -> None:
    folder, values = small
    for path in folder.rglob("metrics.json"):
        fake_results.edit(path, lambda r: r.update(training={"validation": validation}))
    assert collect(folder, values) == tabulate_results(folder, values) == 0
    tuned = (folder / "tables" / "finetuning.md").read_text(encoding="utf-8")
    assert f"| 400 | {text} |" in tuned
    assert "more" not in tuned
