"""Reports by a loss, and by a metric that not every split has."""

import json
from pathlib import Path

import matplotlib.pyplot as plt
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
from labelbench_core.figures.finetuning import draw_finetuning
from labelbench_core.figures.label_efficiency import draw_curves, draw_differences
from labelbench_core.figures.label_savings import draw_savings
from labelbench_core.figures.style import drawing
from labelbench_core.storage.files import read_json


def tables(folder: Path, metric: str, change=None, **crossed) -> dict:
    """The tables of made-up results by `metric`, each record changed first; the experiment."""
    values = fake_results.experiment(**SMALL, **crossed, metric=metric)
    fake_results.write(folder, values)
    if change is not None:
        for kind in ("selections", "finetuned"):
            for path in sorted((folder / kind).rglob("*.json")):
                fake_results.edit(path, change)
        for _ in range(values["crossings"][0]["rounds"]):
            fake_results.link(folder, values)
    assert collect(folder, values) == tabulate_results(folder, values) == 0
    return values


def report(folder: Path, metric: str, change=None) -> tuple[Experiment, str]:
    """A report of made-up results by `metric`: the experiment, and the page's words."""
    values = tables(folder, metric, change)
    collect_all_costs(folder, values)
    (folder / "experiment.json").write_text(json.dumps(values), encoding="utf-8")
    plot_everything(folder, folder / "figures")
    manifest = {"dataset": "digits", "fingerprint": "f" * 64, "versions": {"pillow": "12.0"}}
    fake_results.note(folder / "digits.json", "data set", **manifest)
    status, path = render(folder)
    assert status == 0
    words = " ".join(" ".join(Page(path.read_text(encoding="utf-8")).words).split())
    return Experiment.from_json(json.dumps(values)), words


@pytest.fixture(scope="module")
def by_loss(tmp_path_factory):
    folder = tmp_path_factory.mktemp("by-loss")
    return folder, *report(folder, "nll")


def test_a_report_by_a_loss_says_so_and_saves_as_many_labels(by_loss, tmp_path):
    folder, _, words = by_loss
    tables(tmp_path, "accuracy")
    # The made-up loss is the mirror image of the accuracy, but for its rounding.
    found, expected = (
        read_json(one / "summary.json")["settings"][0]["saving"]["at-baseline-level"]["test"]
        for one in (folder, tmp_path)
    )
    assert found["saving"] == pytest.approx(expected["saving"], rel=1e-3)
    assert found["high"] == pytest.approx(expected["high"], rel=1e-3)
    final = read_json(folder / "summary.json")["settings"][0]["final"]["margin"]["test"]
    assert f"{final['mean']:.3f} nats" in words
    assert "test nll in nats, lower is better" in words
    assert "area in nats, lower is better" in words
    assert "in nats (below 0 is better), with its 95 % interval" in words
    lines = summary_lines(read_json(folder / "summary.json"))
    assert any(line.endswith("nats)") and "margin: 0." in line for line in lines)


def test_fine_tuning_that_lowers_the_loss_is_better_than_the_proxy(by_loss):
    folder, _, words = by_loss
    tuned = read_json(folder / "summary.json")["settings"][0]["finetuning"][0]["strategies"]
    assert tuned["margin"]["test"]["difference"] < 0
    verdicts = {values["test"]["verdict"] for values in tuned.values()}
    assert verdicts <= {"better", "not distinguishable"}
    assert "made the model worse than the proxy" not in words


def test_figures_by_a_loss_are_in_nats(by_loss):
    folder, experiment, _ = by_loss
    curves = read_csv(folder / "tables" / "curves.csv", ())
    panel = draw_curves(curves, experiment).axes[0]
    assert panel.get_ylabel() == "nll in nats, lower is better"
    margin = curves[(curves["strategy"] == "margin") & (curves["metric"] == "nll")]
    expected = margin[margin["split"] == "test"]["mean"].tolist()
    drawn = [line.get_ydata().tolist() for line in panel.get_lines()]
    assert any(line == pytest.approx(expected) for line in drawn)
    compared = read_csv(folder / "tables" / "comparisons.csv", ())
    figure = draw_differences(compared, experiment)
    label = figure.axes[0].yaxis.label
    assert label.get_text().replace("\n", " ") == "nll: nats over random, below 0 is better"
    with drawing():
        figure.canvas.draw()
    place, (legend,) = label.get_window_extent(), figure.legends
    assert not place.overlaps(legend.get_window_extent())
    assert place.y0 >= 0
    assert place.y1 <= figure.bbox.y1
    tuned = read_csv(folder / "tables" / "finetuning.csv", ())
    panel = draw_finetuning(tuned, experiment).axes[0]
    assert panel.get_xlabel() == "test nll in nats, lower is better"
    assert panel.get_xlim()[1] < 1
    plt.close("all")


def test_splits_without_the_metric_are_named(tmp_path):
    def change(record):
        record["metrics"]["test"]["worst-group-accuracy"] = (
            record["metrics"]["test"]["accuracy"] / 2
        )

    _, words = report(tmp_path, "worst-group-accuracy", change)
    assert "digits: no worst-group-accuracy on pool: their rows are in no groups." in words
    setting = read_json(tmp_path / "summary.json")["settings"][0]
    assert setting["splits"] == ["test"]
    assert set(setting["saving"]["at-baseline-level"]) == {"test"}


def test_data_sets_may_have_different_splits(tmp_path):
    def change(record):
        if record["dataset"] == "pets":
            record["metrics"]["sketch"] = dict(record["metrics"]["test"])

    values = tables(tmp_path, "accuracy", change, datasets=["digits", "pets"])
    experiment = Experiment.from_json(json.dumps(values))
    savings = read_csv(tmp_path / "tables" / "savings.csv", ())
    axes = draw_savings(savings, experiment).axes
    titles = [panel.get_title() for panel in axes]
    assert [title for title in titles if "sketch" in title] == ["pets\nsketch"]
    curves = read_csv(tmp_path / "tables" / "curves.csv", ())
    titles = [panel.get_title() for panel in draw_curves(curves, experiment).axes]
    assert [title for title in titles if "sketch" in title] == ["pets\nsketch"]
    plt.close("all")
