"""Several metrics in one report: the first is the headline's, all have curves and savings."""

import json
import re
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
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.errors import InputError
from labelbench_core.figures.label_efficiency import draw_curves
from labelbench_core.stages import report_files
from labelbench_core.stages.plan import Needs, planned_outputs
from labelbench_core.storage.files import read_json

FURTHER = ["nll", "macro-f1"]
VALUES = fake_results.experiment(**SMALL, metric="accuracy", further_metrics=FURTHER)
EXPERIMENT = Experiment.from_json(json.dumps(VALUES))


def tables(folder: Path, values: dict) -> Path:
    fake_results.write(folder, values)
    assert collect(folder, values) == tabulate_results(folder, values) == 0
    return folder


@pytest.fixture(scope="module")
def reported(tmp_path_factory):
    """Tables, figures and page of made-up results."""
    folder = tables(tmp_path_factory.mktemp("several"), VALUES)
    collect_all_costs(folder, VALUES)
    (folder / "experiment.json").write_text(json.dumps(VALUES), encoding="utf-8")
    plot_everything(folder, folder / "figures")
    manifest = {"dataset": "digits", "fingerprint": "f" * 64, "versions": {"pillow": "12.0"}}
    fake_results.note(folder / "digits.json", "data set", **manifest)
    status, path = render(folder)
    assert status == 0
    return folder, Page(path.read_text(encoding="utf-8"))


def test_the_figures_drawn_are_those_declared(reported):
    folder, _ = reported
    planned = {one.path for one in planned_outputs(EXPERIMENT, Needs())}
    declared = {Path(path).name for path in planned if path.endswith(".svg")}
    assert {path.name for path in (folder / "figures").iterdir()} == declared
    assert declared >= {"label_efficiency-nll.svg", "difference-macro-f1.svg"}
    assert {f"{name}.svg" for name in report_files.figures(EXPERIMENT)} == declared


def test_the_page_shows_every_metric_with_its_own_numbers(reported):
    folder, page = reported
    words = " ".join(" ".join(page.words).split())
    assert {f"metric-{name}" for name in FURTHER} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    savings = read_csv(folder / "tables" / "savings.csv", ())
    chosen = savings[(savings["split"] == "test") & (savings["definition"] == "at-baseline-level")]
    assert list(chosen["metric"]) == ["accuracy", *FURTHER]
    parts = re.split("By further metrics|Fine-tuning end to end", words.split("How certain")[0])
    section = next(part for part in parts if "p-values are corrected within each metric" in part)
    for metric, saving in zip(chosen["metric"], chosen["saving"], strict=True):
        assert (f"{saving:.2f}×" in section) or metric == "accuracy"
    assert "in nats (below 0 is better), as above" in section
    assert "Mean macro-f1 over the seeds" in section
    text = (folder / "tables" / "savings.md").read_text(encoding="utf-8")
    assert re.findall(r"over random by (\S+),", text) == ["accuracy", *FURTHER]


def test_the_headline_and_its_tables_are_those_of_the_first_metric_alone(reported, tmp_path):
    folder, _ = reported
    alone = tables(tmp_path, fake_results.experiment(**SMALL, metric="accuracy"))
    assert read_json(folder / "summary.json") == read_json(alone / "summary.json")
    for name in report_files.TABLES:
        found, expected = (read_csv(one / "tables" / f"{name}.csv", ()) for one in (folder, alone))
        if name == "savings":
            found = found[found["metric"] == "accuracy"]
        assert found.equals(expected), name


def test_curves_by_a_further_metric_are_its_own(reported):
    folder, _ = reported
    curves = read_csv(folder / "tables" / "curves.csv", ())
    panel = draw_curves(curves, EXPERIMENT.by("nll")).axes[0]
    assert panel.get_ylabel() == "nll in nats, lower is better"
    plt.close("all")
    with pytest.raises(InputError, match=r"--metric: 'accuracy'; allowed: nll, macro-f1"):
        EXPERIMENT.by("accuracy")


def test_metrics_that_were_not_measured_are_refused(tmp_path, capsys):
    values = fake_results.experiment(**SMALL, metric="accuracy", further_metrics=["micro-f1"])
    fake_results.write(tmp_path, values)
    assert collect(tmp_path, values) == 0
    assert tabulate_results(tmp_path, values) == 2
    told = "--experiment: metric: 'micro-f1'; allowed: accuracy, macro-f1, nll"
    assert told in capsys.readouterr().err


def test_only_the_report_depends_on_the_metrics():
    one = Experiment.from_json(json.dumps(fake_results.experiment(**SMALL)))
    assert "further_metrics" not in one.as_mapping()
    assert Experiment.from_json(EXPERIMENT.to_json()) == EXPERIMENT
    few, more = ({out.path for out in planned_outputs(each, Needs())} for each in (one, EXPERIMENT))
    assert few < more
    assert len(more - few) == 3 * len(report_files.FIGURE_FORMATS) * len(FURTHER)
