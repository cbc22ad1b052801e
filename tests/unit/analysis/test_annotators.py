"""Tables, figures and the report of an experiment with two annotators."""

import json
from pathlib import Path

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
from labelbench_core.analysis.collected.frames import read_csv, setting_labels
from labelbench_core.analysis.summary import summary_lines
from labelbench_core.stages.report_files import TABLES
from labelbench_core.storage.files import read_json

SETTING = "digits / dinov2-small / linear / first-100-batch-100"


def results(folder: Path, annotators: list[str]) -> dict:
    """All tables of a small experiment with these annotators, and the experiment."""
    folder.mkdir()
    values = fake_results.experiment(**SMALL, annotators=annotators)
    fake_results.write(folder, values)
    assert collect(folder, values) == tabulate_results(folder, values) == 0
    return values


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    folder = tmp_path_factory.mktemp("annotators") / "both"
    return folder, results(folder, ["exact", "uniform-10"])


def test_the_exact_annotators_rows_are_those_of_an_experiment_without_others(
    both: tuple[Path, dict], tmp_path: Path
) -> None:
    alone = tmp_path / "alone"
    results(alone, ["exact"])
    for name in (*TABLES, "../metrics", "../finetuned"):
        if name in ("pairwise", "profiles"):  # count settings
            continue
        one, two = (read_csv(folder / f"tables/{name}.csv", ()) for folder in (alone, both[0]))
        assert "annotator" not in one, name
        if len(one):
            exact = two[two["annotator"] == "exact"].drop(columns="annotator")
            assert set(two["annotator"]) == {"exact", "uniform-10"}, name
            assert exact.reset_index(drop=True).equals(one), name


def test_each_setting_names_its_annotator(both: tuple[Path, dict]) -> None:
    folder, _ = both
    summary = read_json(folder / "summary.json")
    assert [setting["annotator"] for setting in summary["settings"]] == ["exact", "uniform-10"]
    lines = summary_lines(summary)
    assert SETTING in lines
    assert f"{SETTING}, labels: uniform-10" in lines
    assert f"{SETTING}, labels: uniform-10" in (folder / "tables/curves.md").read_text()
    curves = read_csv(folder / "tables/curves.csv", ())
    assert list(setting_labels(curves).values()) == ["labels: exact", "labels: uniform-10"]
    noisy = curves[curves["annotator"] == "uniform-10"]
    assert list(setting_labels(noisy).values()) == [
        "digits · labels: uniform-10 · dinov2-small · linear · first-100-batch-100"
    ]


def test_the_report_says_how_many_labels_are_wrong(both: tuple[Path, dict]) -> None:
    folder, values = both
    collect_all_costs(folder, values)
    (folder / "experiment.json").write_text(json.dumps(values))
    plot_everything(folder, folder / "figures")
    fake_results.note(folder / "digits.json", "data set", dataset="digits", fingerprint="f" * 64)
    said = {"annotator": "uniform-10", "num_rows": 1000, "arrays_sha256": "a1" * 32}
    said |= {"dataset": "digits", "noise": 0.1024, "noise_by_class": [0.08, 0.13]}
    fake_results.note(folder / "said.json", "annotations", **said)
    status, page = render(folder, manifest=f"{folder}/digits.json")
    assert status == 0
    assert "are not the data set's own" not in page.read_text().replace("&#39;", "'")
    status, page = render(folder, manifest=f"{folder}/said.json")
    assert status == 0
    text = page.read_text().replace("&#39;", "'")
    told = (
        "digits, labels: uniform-10: 10.24 % of the pool's 1,000 labels are not the data set's own"
    )
    assert f"{told} (8.00 % of the least affected class, 13.00 % of the most)" in text
    assert "a1a1a1a1a1a1a1a1" in text


def test_another_annotators_round_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "mixed"
    values = results(folder, ["exact", "uniform-10"])
    place = "dinov2-small/linear/first-100-batch-100/margin/seed-1/round-2.json"
    exact, noisy = (
        folder / f"selections/{name}/{place}" for name in ("digits", "digits@uniform-10")
    )
    whole = exact.read_bytes()
    for path, other, told in (
        (exact, noisy, "annotator is 'uniform-10', expected None"),
        (noisy, exact, "annotator is None, expected 'uniform-10'"),
    ):
        kept = path.read_bytes()
        path.write_bytes(whole if other == exact else other.read_bytes())
        assert collect(folder, values) == 2
        assert f"error: {path}: {told}" in capsys.readouterr().err
        path.write_bytes(kept)
