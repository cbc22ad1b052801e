"""Published curves beneath ours, and the panels that an experiment lays out, as drawn."""

import json
from pathlib import Path

import numpy as np
import pytest

from helpers import published_runs as runs
from helpers.drawn_text import text_boxes
from labelbench_core.analysis.collected.ceilings import with_kind
from labelbench_core.analysis.collected.curves import summarise_curves, t_interval
from labelbench_core.analysis.collected.frames import write_csv
from labelbench_core.analysis.published.panels import panel_curves
from labelbench_core.analysis.published.published_curves import compare_to_published
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.configuration.references import Panel
from labelbench_core.errors import InputError
from labelbench_core.figures import style
from labelbench_core.figures.label_efficiency import draw_curves
from labelbench_core.figures.panels import draw_panels
from labelbench_core.published.curves import curve, running_maximum
from workflow_scripts import plot_panels

NAME = "cifar10-1000-linear"
NOTE = "+5,000 validation labels, not counted by the original"


def legend_texts(figure):
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def has_line(axes, values, dashed=None, color=None):
    for line in axes.lines:
        found = line.get_ydata()
        if len(found) == len(values) and np.allclose(found, values):
            is_dashed = line.get_linestyle() != "-"
            if dashed in (None, is_dashed) and color in (None, line.get_color()):
                return True
    return False


def no_overlap(figure):
    figure.draw_without_rendering()
    boxes = [box for axes in figure.axes for box in text_boxes(axes)]
    boxes += [
        (text.get_text(), text.get_window_extent())
        for legend in figure.legends
        for text in legend.get_texts()
    ]
    if (below := getattr(figure, "_supxlabel", None)) is not None:
        boxes.append((below.get_text(), below.get_window_extent()))
    for place, (name, box) in enumerate(boxes):
        for other, its in boxes[place + 1 :]:
            assert not box.overlaps(its), (name, other)


@pytest.fixture(scope="module")
def values():
    return runs.drawn()


def efficiency(values, **changes):
    experiment = runs.experiment(runs.reference(**changes))
    rounds = runs.curves(values, splits=("test", "pool"))
    table = compare_to_published(experiment, rounds, runs.nothing())
    with style.drawing():
        curves = with_kind(summarise_curves(rounds), experiment)
        figure = draw_curves(curves, experiment, table)
        no_overlap(figure)
    return figure


def test_published_curves_lie_beneath_ours_raw_and_as_running_maxima(values):
    figure = efficiency(values, validation_labels=5000)
    for axes, split in zip(figure.axes, ("test", "pool"), strict=True):
        theirs = curve(NAME, "margin", split, "accuracy")
        raw = 100 * theirs.values.mean(axis=0)
        highest = 100 * theirs.running_maximum.mean(axis=0)
        assert has_line(axes, raw, dashed=True, color=style.HIGHLIGHT)
        assert has_line(axes, highest, dashed=False, color=style.HIGHLIGHT)
        assert has_line(axes, 100 * values["margin"].mean(axis=0))
        galaxy = 100 * curve(NAME, "galaxy", split, "accuracy").values.mean(axis=0)
        assert not has_line(axes, galaxy)
        beneath = max(line.get_zorder() for line in axes.lines if line.get_linewidth() < 1)
        assert beneath < min(line.get_zorder() for line in axes.lines if line.get_linewidth() > 1)
    texts = legend_texts(figure)
    assert f"published {NAME}, as measured" in texts
    assert f"published {NAME}, running maximum" in texts
    assert NOTE in texts
    assert {axes.get_xlabel() for axes in figure.axes} == {"labels bought (+5,000)"}


def test_another_setting_is_named_as_such(values):
    texts = legend_texts(efficiency(values, differs=runs.DIFFERS))
    assert f"published {NAME} (another setting), as measured" in texts
    assert NOTE not in texts


def test_without_a_reference_the_figure_is_what_it_was(values):
    rounds = runs.curves(values)
    experiment = runs.experiment()
    with style.drawing():
        curves = with_kind(summarise_curves(rounds), experiment)
        figure = draw_curves(curves, experiment)
    assert len(figure.legends) == 1
    assert len(figure.axes[0].lines) == len(experiment.strategies)


def panels():
    reference = runs.reference(validation_labels=5000)
    ids = {"setting": runs.IDS, "metric": "accuracy"}
    return (
        Panel(
            "(a) test", split="test", smoothing="max", y=(92.0, 96.0), reference=reference, **ids
        ),
        Panel("(b) pool", split="pool", reference=reference, validation_labels=5000, **ids),
        Panel("(c) alone", split="pool", **ids),
        Panel("(d) fine-tuned", split="test", trainer="full", smoothing="max", **ids),
    )


def tables(values):
    rounds = runs.curves(values, splits=("test", "pool"))
    tuned = runs.curves({"margin": values["margin"][:2]}, trainer="full")
    return rounds, tuned


def test_panels_draw_what_they_name(values):
    experiment = runs.experiment(panels=panels())
    curves = [
        list(panel_curves(one, place, *tables(values)))
        for place, one in enumerate(experiment.panels)
    ]
    with style.drawing():
        figure = draw_panels(experiment, curves)
        no_overlap(figure)
    a, b, c, d, *empty = figure.axes
    assert [axes.get_title(loc="left") for axes in (a, b, c, d)] == [p.title for p in panels()]
    assert not any(axes.axison for axes in empty)
    assert a.get_ylim() == (92.0, 96.0)
    assert "running maximum" in a.get_ylabel()
    assert "running maximum" not in b.get_ylabel()
    highest = running_maximum(values["margin"])
    assert has_line(a, 100 * highest.mean(axis=0))
    assert has_line(b, 100 * values["margin"].mean(axis=0))
    published = curve(NAME, "margin", "test", "accuracy")
    assert has_line(a, 100 * published.running_maximum.mean(axis=0), dashed=False)
    assert not has_line(a, 100 * published.values.mean(axis=0), dashed=True)
    assert has_line(b, 100 * curve(NAME, "margin", "pool", "accuracy").values.mean(axis=0))
    assert len(c.lines) == len(experiment.strategies)
    assert len(d.lines) == 1
    assert has_line(d, 100 * running_maximum(values["margin"][:2]).mean(axis=0))
    assert NOTE in legend_texts(figure)
    found = [axes.get_xlabel() for axes in (a, b, c, d)]
    assert found == ["labels bought", "labels bought (+5,000)", "labels bought", "labels bought"]


def test_a_loss_is_drawn_in_nats(values):
    rounds = runs.curves(values).assign(metric="nll")
    panel = Panel("loss", setting=runs.IDS, split="test", metric="nll")
    experiment = runs.experiment(panels=[panel])
    with style.drawing():
        figure = draw_panels(experiment, [list(panel_curves(panel, 0, rounds, runs.nothing()))])
    (axes,) = figure.axes
    assert axes.get_ylabel() == "test nll in nats, lower is better"
    assert has_line(axes, values["margin"].mean(axis=0))


def test_bands_are_of_smoothed_seeds(values):
    one = panels()[0]
    (margin,) = (c for c in panel_curves(one, 0, *tables(values)) if c.strategy == "margin")
    highest = [[max(row[: r + 1]) for r in range(10)] for row in values["margin"].tolist()]
    for place in range(10):
        mean, half = t_interval(np.array([row[place] for row in highest]))
        assert (margin.mean[place], margin.half_width[place]) == pytest.approx((mean, half))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"split": "pol"}, "panels.2.split: 'pol' was not measured (did you mean 'pool'?)"),
        ({"metric": "nll"}, "panels.2.metric: 'nll' was not measured; allowed: accuracy"),
    ],
)
def test_what_was_not_measured_is_told(values, change, told):
    one = Panel(
        **{"title": "a", "setting": runs.IDS, "split": "test", "metric": "accuracy"} | change
    )
    with pytest.raises(InputError) as error:
        list(panel_curves(one, 2, *tables(values)))
    assert told in str(error.value)


def test_the_job_writes_the_same_bytes_twice(values, tmp_path):
    experiment = runs.experiment(panels=panels())
    assert Experiment.from_json(experiment.to_json()) == experiment
    for table, name in zip(tables(values), ("metrics", "finetuned"), strict=True):
        write_csv(table, tmp_path / f"{name}.csv")
    written = []
    for folder in ("a", "b"):
        command = ["--experiment", json.dumps(experiment.as_mapping())]
        command += ["--metrics", f"{tmp_path}/metrics.csv"]
        command += ["--finetuned", f"{tmp_path}/finetuned.csv", "--figures", f"{tmp_path}/{folder}"]
        assert plot_panels.main(command) == 0
        files = sorted(Path(tmp_path / folder).iterdir())
        assert [file.name for file in files] == ["panels.pdf", "panels.png", "panels.svg"]
        written.append([file.read_bytes() for file in files])
    assert written[0] == written[1]
