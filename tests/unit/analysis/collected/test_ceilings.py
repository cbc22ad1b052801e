"""Ceilings are shown, named as such, and change nothing that is said of the methods."""

import json
from pathlib import Path
from typing import Any

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
from labelbench_core.analysis.summary import summary_lines
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.figures import style
from labelbench_core.figures.finetuning import draw_finetuning
from labelbench_core.figures.label_efficiency import draw_curves, draw_differences
from labelbench_core.storage.files import read_json

RANKED = ("comparisons", "savings", "aubc", "ranking", "pairwise")
STRATEGIES = ["random", "margin", "badge"]


def results(folder: Path, **changes: Any) -> tuple[Path, Experiment]:
    """The tables of a small experiment in `folder`, and the experiment."""
    tuned = {**SMALL["finetune"], **changes.pop("finetune", {})}
    values = fake_results.experiment(
        **{**SMALL, "strategies": STRATEGIES, "finetune": tuned, **changes}
    )
    fake_results.write(folder, values)
    assert collect(folder, values) == tabulate_results(folder, values) == 0
    (folder / "experiment.json").write_text(json.dumps(values), encoding="utf-8")
    return folder / "tables", Experiment.from_json(json.dumps(values))


@pytest.fixture(scope="module")
def bounded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Experiment]:
    """The same with two ceilings, both fine-tuned on too."""
    return results(
        tmp_path_factory.mktemp("bounded"),
        ceilings=["look-ahead"],
        full_data=["full-data"],
        finetune={"strategies": ["random", "margin", "look-ahead", "full-data"]},
    )


def test_nothing_said_of_the_methods_depends_on_ceilings(
    bounded: tuple[Path, Experiment], tmp_path: Path
) -> None:
    tables, _ = results(tmp_path)
    for name in RANKED:
        text = (bounded[0] / f"{name}.csv").read_text()
        assert text == (tables / f"{name}.csv").read_text()
        assert "look-ahead" not in text
        assert "full-data" not in text
    # Fine-tunings of ceilings are listed behind, and corrected apart.
    expected = (tables / "finetuning.csv").read_text()
    assert set(expected.splitlines()) < set(
        (bounded[0] / "finetuning.csv").read_text().splitlines()
    )
    summary, other = (read_json(one.parent / "summary.json") for one in (tables, bounded[0]))
    assert other["settings"][0].pop("ceilings")
    assert summary["settings"][0].pop("ceilings") == {}
    assert other.pop("content_sha256") != summary.pop("content_sha256")
    assert other == summary


def test_tables_name_ceilings_as_such(bounded: tuple[Path, Experiment]) -> None:
    tables, _ = bounded
    curves = read_csv(tables / "curves.csv", ())
    kinds = curves.drop_duplicates("strategy").set_index("strategy")["kind"].to_dict()
    ceilings = {"look-ahead": "ceiling", "full-data": "full data"}
    assert kinds == {**dict.fromkeys(STRATEGIES, "method"), **ceilings}
    full = curves[(curves["kind"] == "full data") & (curves["metric"] == "accuracy")]
    assert (full["num_labeled"] == fake_results.ALL).all()
    value = 100 * full.loc[full["split"] == "test", "mean"].iloc[0]
    text = (tables / "curves.md").read_text()
    (row,) = [line for line in text.splitlines() if "full-data" in line][:1]
    assert row.startswith("| full-data (ceiling) | – | – | – | – | ")
    assert f"{value:.2f} ±" in row
    assert "| look-ahead (ceiling) |" in text
    assert "5,000" in text
    tuned = (tables / "finetuning.md").read_text()
    assert "| look-ahead (ceiling) |" in tuned
    assert "| full-data (ceiling) | 5,000 |" in tuned


def test_the_summary_tells_the_ceilings_last_values(bounded: tuple[Path, Experiment]) -> None:
    summary = read_json(bounded[0].parent / "summary.json")
    ceilings = summary["settings"][0]["ceilings"]
    assert {name: entry["num_labeled"] for name, entry in ceilings.items()} == {
        "look-ahead": 400,
        "full-data": 5000,
    }
    value = ceilings["full-data"]["splits"]["test"]["mean"]
    line = f"  test accuracy, 5,000 labels, full-data (ceiling): {100 * value:.2f} %"
    assert any(text.startswith(line) for text in summary_lines(summary))


def test_the_full_data_is_a_horizontal_line(bounded: tuple[Path, Experiment]) -> None:
    tables, experiment = bounded
    curves = read_csv(tables / "curves.csv", ())
    rows = curves[(curves["metric"] == "accuracy") & (curves["split"] == "test")]
    value = 100 * rows.loc[rows["strategy"] == "full-data", "mean"].iloc[0]
    with style.drawing():
        figure = draw_curves(curves, experiment)
        assert len(figure.axes) == 2  # one setting, two splits: the full data is no setting
        panel = figure.axes[0]
        across = [line for line in panel.lines if list(line.get_xdata()) == [0, 1]]
        assert [line.get_ydata()[0] for line in across] == [pytest.approx(value)]
        assert panel.get_ylim()[1] > value
        grey = [line for line in panel.lines if line.get_color() == style.MUTED]
        assert len(grey) == 2
        assert len(panel.collections) == len(STRATEGIES)  # bands are of methods
        (legend,) = figure.legends
        names = {text.get_text() for text in legend.get_texts()}
        assert names == {*STRATEGIES, "look-ahead (ceiling)", "full-data (ceiling)"}
        differences = draw_differences(read_csv(tables / "comparisons.csv", ()), experiment)
        (legend,) = differences.legends
        assert {text.get_text() for text in legend.get_texts()} == {"margin", "badge"}
        tuned = draw_finetuning(read_csv(tables / "finetuning.csv", ()), experiment)
        assert len(tuned.axes) == 2  # two budgets; the full data is a line in both
        for axes in tuned.axes:
            labels = [label.get_text() for label in axes.get_yticklabels() if label.get_text()]
            assert "full-data" not in labels
            assert [line for line in axes.lines if list(line.get_ydata()) == [0, 1]]


def test_the_report_shows_ceilings(bounded: tuple[Path, Experiment]) -> None:
    folder = bounded[0].parent
    values = json.loads((folder / "experiment.json").read_text())
    costs = collect_all_costs(folder, values)
    assert "look-ahead" in set(costs["strategy"])
    plot_everything(folder, folder / "figures")
    fake_results.note(folder / "digits.json", "data set", dataset="digits")
    status, path = render(folder)
    assert status == 0
    words = " ".join(" ".join(Page(path.read_text(encoding="utf-8")).words).split())
    assert "ceiling full-data, 5,000 labels:" in words
    assert "Ceilings (look-ahead, full-data) see labels that were not bought" in words
    assert "Label efficiency of 3 selection strategies" in words
    assert "a horizontal line is the model trained on the whole pool" in words


def test_only_the_full_data_may_be_fine_tuned_on(tmp_path: Path) -> None:
    tables, experiment = results(
        tmp_path, full_data=["full-data"], finetune={"strategies": ["full-data"]}
    )
    with style.drawing():
        figure = draw_finetuning(read_csv(tables / "finetuning.csv", ()), experiment)
    assert "Fine-tuned on the full data only" in figure.axes[0].texts[0].get_text()
