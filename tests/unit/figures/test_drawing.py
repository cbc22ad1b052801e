"""The figures: equal bytes each time, drawn from the tables, nothing lost or hidden."""

import hashlib
import io
import json
import os
import re
import subprocess
import sys
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import pytest
from fontTools.subset import Options
from fontTools.ttLib import TTFont
from PIL import Image
from yaml import safe_load

from helpers import fake_results
from helpers.analysis_jobs import (
    SMALL,
    collect,
    collect_all_costs,
    plot_everything,
    tabulate_results,
)
from helpers.drawn_text import drawn_texts, text_boxes
from helpers.project import PROJECT
from labelbench_core.analysis.collected.frames import read_csv, write_csv
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.figures import style
from labelbench_core.figures.costs import draw_costs, duration
from labelbench_core.figures.finetuning import draw_finetuning
from labelbench_core.figures.label_efficiency import draw_curves, draw_differences
from labelbench_core.figures.label_savings import draw_savings
from labelbench_core.figures.palette import HIGHLIGHT, INK, MUTED, colors, distances
from labelbench_core.figures.places import STRATEGIES
from labelbench_core.stages import report_files
from workflow_scripts import plot_costs

NAMES = report_files.figures(Experiment.from_json(json.dumps(fake_results.experiment())))


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Experiment]:
    """The tables of a small experiment with two backbones, and the experiment."""
    folder = tmp_path_factory.mktemp("figures")
    values = fake_results.experiment(**{**SMALL, "backbones": ["dinov2-small", "clip"]})
    fake_results.write(folder, values)
    assert collect(folder, values) == tabulate_results(folder, values) == 0
    collect_all_costs(folder, values)
    (folder / "experiment.json").write_text(json.dumps(values), encoding="utf-8")
    return folder, Experiment.from_json(json.dumps(values))


def digests(figures: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in figures.iterdir()}


def test_fonts_are_embedded_without_tables_for_laying_out_text(tmp_path: Path) -> None:
    before = Options().drop_tables
    with style.drawing():
        style.save(style.message("No figure: 1.5 ≤ α"), tmp_path, "figure")
    assert Options().drop_tables == before
    content = (tmp_path / "figure.pdf").read_bytes()
    streams = [
        zlib.decompress(one) for one in re.findall(rb"stream\n(.*?)endstream", content, re.S)
    ]
    fonts = [TTFont(io.BytesIO(one)) for one in streams if one.startswith(b"\0\1\0\0")]
    assert {"N", "alpha"} <= {name for font in fonts for name in font.getGlyphOrder()}
    for font in fonts:
        assert {"glyf", "hmtx"} <= set(font.keys())
        assert not {"GDEF", "GPOS", "GSUB"} & set(font.keys())


def test_png_files_have_the_pixels_that_savefig_draws(
    tables: tuple[Path, Experiment], tmp_path: Path
) -> None:
    folder, experiment = tables
    with style.drawing():
        figure = draw_curves(read_csv(folder / "tables" / "curves.csv", ()), experiment)
        (written, *_) = style.save(figure, tmp_path, "curves")
        plain = io.BytesIO()
        with matplotlib.rc_context({"figure.constrained_layout.use": False}):
            figure.savefig(plain, format="png")
    with Image.open(written) as ours, Image.open(plain) as theirs:
        assert (ours.format, ours.mode, theirs.mode) == ("PNG", "RGB", "RGBA")
        assert ours.info["dpi"] == pytest.approx((200, 200), abs=0.01)
        assert theirs.info["dpi"] == pytest.approx((200, 200), abs=0.01)
        pixels = np.asarray(theirs)
        assert (pixels[..., 3] == 255).all()  # nothing is lost without transparency
        np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs.convert("RGB")))
        assert len(np.unique(pixels.reshape(-1, 4), axis=0)) > 50  # something is drawn


@pytest.mark.thorough
def test_two_processes_write_the_same_bytes(tables: tuple[Path, Experiment]) -> None:
    folder, _ = tables
    plot_everything(folder, folder / "here", report_files.FIGURE_FORMATS)
    code = (
        "import sys; from pathlib import Path;"
        "from labelbench_core.stages.report_files import FIGURE_FORMATS;"
        "from tests.helpers.analysis_jobs import plot_everything;"
        "plot_everything(Path(sys.argv[1]), Path(sys.argv[2]), FIGURE_FORMATS)"
    )
    # A reader's own settings, another hash seed and another clock must not show.
    (folder / "matplotlibrc").write_text("font.size: 30\naxes.grid: True\n")
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "7",
        "MATPLOTLIBRC": str(folder),
        "SOURCE_DATE_EPOCH": "1",
    }
    command = [sys.executable, "-c", code, str(folder), str(folder / "there")]
    subprocess.run(command, check=True, cwd=PROJECT, env=environment, capture_output=True)
    first = digests(folder / "here")
    assert set(first) == {
        f"{name}.{kind}" for name in NAMES for kind in report_files.FIGURE_FORMATS
    }
    assert digests(folder / "there") == first


def test_curves_show_the_means_of_the_table(tables: tuple[Path, Experiment]) -> None:
    folder, experiment = tables
    curves = read_csv(folder / "tables" / "curves.csv", ())
    with style.drawing():
        figure = draw_curves(curves, experiment)
    assert len(figure.axes) == 2 * 2  # backbones, splits
    wanted = curves[
        (curves["backbone"] == "clip")
        & (curves["split"] == "pool")
        & (curves["metric"] == "accuracy")
        & (curves["strategy"] == "margin")
    ]
    panel = figure.axes[3]
    assert "clip" in panel.get_title(loc="left")
    assert "pool" in panel.get_title(loc="left")
    drawn = [line.get_ydata() for line in panel.lines if len(line.get_xdata()) == len(wanted)]
    assert any(np.allclose(line, 100 * wanted["mean"]) for line in drawn)
    assert len(panel.collections) == len(experiment.strategies)


def test_text_does_not_overlap(tables: tuple[Path, Experiment]) -> None:
    folder, experiment = tables
    with style.drawing():
        for figure in (
            *figures_of(folder / "tables", experiment),
            draw_costs(read_csv(folder / "costs.csv", ())),
        ):
            figure.draw_without_rendering()
            boxes = [box for axes in figure.axes for box in text_boxes(axes)]
            for index, (name, box) in enumerate(boxes):
                assert 0 <= box.x0 <= box.x1 <= figure.bbox.x1, name
                for other, second in boxes[:index]:
                    assert not overlap(box, second), (name, other)


def test_titles_of_long_ids_do_not_overlap(tables: tuple[Path, Experiment], tmp_path: Path) -> None:
    folder, experiment = tables
    (tmp_path / "tables").mkdir()
    for name in ("curves", "comparisons", "savings", "finetuning"):
        table = read_csv(folder / "tables" / f"{name}.csv", ())
        table = table[table["backbone"] == "clip"]
        of_settings = [
            table.assign(proxy=proxy, schedule=schedule)
            for proxy, schedule in (
                ("linear", "first-100-batch-100"),
                ("linear-with-flexmatch-and-more", "start-1000-batch-1000"),
                ("a" * 60, "first-100-batch-100"),
            )
        ]
        write_csv(pd.concat(of_settings), tmp_path / "tables" / f"{name}.csv")
    with style.drawing():
        for figure in figures_of(tmp_path / "tables", experiment):
            figure.draw_without_rendering()
            titles = [axes._left_title for axes in figure.axes]
            boxes = [title.get_window_extent() for title in titles]
            assert any(title.get_text().count("\n") > 1 for title in titles)
            for index, box in enumerate(boxes):
                assert box.x1 <= figure.bbox.x1
                assert not any(overlap(box, other) for other in boxes[:index])


def figures_of(tables: Path, experiment: Experiment) -> list[Any]:
    """All figures but that of costs."""
    return [
        draw_curves(read_csv(tables / "curves.csv", ()), experiment),
        draw_differences(read_csv(tables / "comparisons.csv", ()), experiment),
        draw_savings(read_csv(tables / "savings.csv", ()), experiment),
        draw_finetuning(read_csv(tables / "finetuning.csv", ()), experiment),
    ]


def overlap(first: Any, second: Any) -> bool:
    """Whether two boxes share more than a pixel in both directions."""
    across = min(first.x1, second.x1) - max(first.x0, second.x0)
    along = min(first.y1, second.y1) - max(first.y0, second.y0)
    return across > 1 and along > 1


def test_figures_have_the_widths_of_a_paper_and_its_text(
    tables: tuple[Path, Experiment],
) -> None:
    """Whatever the ids: beside an axis, long ones lose their middle."""
    folder, experiment = tables
    names = {"random": "random", "margin": "margin-" + 53 * "x"}
    long = replace(
        experiment,
        highlight=names["margin"],
        crossings=tuple(
            replace(one, strategies=tuple(names.values())) for one in experiment.crossings
        ),
    )
    savings = read_csv(folder / "tables" / "savings.csv", ())
    savings["strategy"] = savings["strategy"].map(names)
    with style.drawing():
        both = draw_savings(savings, long)
        one = draw_savings(savings[savings["split"] == "test"], long)
        assert both.get_figwidth() == pytest.approx(style.TWO_COLUMNS)
        assert one.get_figwidth() == pytest.approx(style.ONE_COLUMN)
        one.draw_without_rendering()
        axes = one.axes[0]
        sizes = {text.get_fontsize() for text in drawn_texts(axes)}
        assert min(sizes) >= style.NOTE
        assert max(sizes) <= style.TEXT
        assert axes.get_window_extent().width > 0.4 * one.bbox.width
        assert axes.get_yticklabels()[0].get_text() == "margin-xxxxx…xxxxxxxxxxx"


def test_names_that_would_be_alike_stay_whole() -> None:
    names = ["a" * 30 + "-1-" + "b" * 30, "a" * 30 + "-2-" + "b" * 30, "c" * 24, "d" * 25]
    shown = style.short(names)
    assert [shown[name] for name in names] == [*names[:3], "d" * 12 + "…" + "d" * 11]


def test_every_strategy_has_a_look_of_its_own() -> None:
    names = ["random", "margin", *(f"other-{index}" for index in range(18))]
    looks = style.looks(names, "random", "margin")
    assert list(looks) == names
    assert len({(look.color, look.marker, str(look.dashes)) for look in looks.values()}) == 20
    assert len({look.color for look in looks.values()}) == 20
    fewer = style.looks(names[:9], "random", "margin")
    assert fewer == {name: looks[name] for name in names[:9]}
    shapes = [(look.marker, str(look.dashes)) for look in looks.values()]
    assert len(set(shapes[:12])) == 12  # without colour, too


def test_a_strategy_looks_alike_in_all_experiments() -> None:
    """Whichever strategies are beside it, in any order, and whatever is highlighted."""
    own = [f"my-own-{index}" for index in range(3)]
    names = ["random", "margin", *STRATEGIES[: style.OWN_PLACES.start], *own]
    wide = style.looks(names[::-1], "random", "margin")
    assert wide == {name: style.looks(names, "random", "margin")[name] for name in wide}
    for name in names:
        for beside in ("confidence", "typiclust"):
            alone = style.looks(list(dict.fromkeys([beside, name])), beside, beside)[name]
            assert replace(alone, width=0) == replace(wide[name], width=0), name
    assert wide["badge"].width < wide["random"].width < wide["margin"].width
    assert style.looks(["badge"], "badge", "margin")["badge"].width == style.HEAVY


def test_own_strategies_that_meet_at_one_place_are_told_apart() -> None:
    """As many as there are places and more: shapes first repeat when all are taken."""
    names = [f"own-{index}" for index in range(80)]
    looks = style.looks(names, "random", "margin")
    assert len({look.color for look in looks.values()}) == 80
    shapes = [(look.marker, look.dashes) for look in looks.values()]
    assert len(set(shapes[: len(style.OWN_PLACES)])) == len(style.OWN_PLACES)
    assert all(style.looks(names[:count], "", "") == {
        name: looks[name] for name in names[:count]
    } for count in (1, 30, 60))  # fmt: skip


def test_every_strategy_of_the_catalogue_has_a_place() -> None:
    """So that its look does not depend on which others an experiment has."""
    shipped = set(safe_load((PROJECT / "config/catalogue/strategies.yaml").read_text()))
    ceilings = {"look-ahead", "look-ahead-greedy"}
    assert len(set(STRATEGIES)) == len(STRATEGIES) <= style.SHAPES
    assert set(STRATEGIES) | set(style.FIXED_LOOKS) == shipped - ceilings


def test_a_ceiling_looks_alike_in_all_experiments() -> None:
    several = style.ceiling_looks(["mine", "look-ahead", "full-data", "look-ahead-greedy"])
    assert len({str(look.dashes) for look in several.values()}) == 4
    for name, look in several.items():
        assert style.ceiling_looks([name]) == {name: look}


def test_colors_can_be_told_apart() -> None:
    """All 40 differ, also from the highlight's and the text's; beyond the palette, by far."""
    names = [*colors(40), HIGHLIGHT, INK, MUTED]
    far = distances(names, names)
    np.fill_diagonal(far, 1.0)
    assert far.min() > 0.03
    assert far[6:20, :20].min() > 0.06
    assert colors(12) == colors(40)[:12]


@pytest.mark.parametrize("width", [3.2, 6.8, 12.0])
@pytest.mark.parametrize("count", [1, 6, 33])
def test_legends_are_not_cut(width: float, count: int) -> None:
    names = [f"strategy-with-a-name-{index}" for index in range(count)]
    looks = style.looks(names, names[0], names[-1])
    with style.drawing():
        figure, axes = style.panels(1, 1, width, 3.5)
        axes[0][0].plot([0, 1], [0, 1])
        style.legend_above(figure, [style.handle(name, looks[name]) for name in names])
        figure.draw_without_rendering()
    box = figure.legends[0].get_window_extent()
    assert 0 <= box.x0 < box.x1 <= figure.bbox.x1
    assert 0 <= box.y0 < box.y1 <= figure.bbox.y1
    assert axes[0][0].get_window_extent().height > 0.45 * 3.5 * figure.dpi


@pytest.mark.parametrize(
    ("low", "high", "arrows"),
    [
        ((1.5, ""), (3.0, ""), []),
        ((0.5, "less than"), (2.0, "more than"), [(0.5, "<"), (2.0, ">")]),
        # A strategy that certainly never reaches the level, and one that starts at it.
        ((0.9, "less than"), (0.9, "less than"), [(0.9, "<")]),
        ((4.0, "more than"), (4.0, "more than"), [(4.0, ">")]),
        ((0.5, "less than"), (0.9, "less than"), [(0.5, "<"), (0.9, "<")]),
    ],
)
def test_arrows_at_the_ends_of_an_interval_point_to_the_truth(
    tables: tuple[Path, Experiment], low: tuple, high: tuple, arrows: list
) -> None:
    folder, experiment = tables
    rows = read_csv(folder / "tables" / "savings.csv", ())
    ends = {"low": low[0], "low_bound": low[1], "high": high[0], "high_bound": high[1]}
    figure = draw_savings(rows.assign(bound="", saving=1.0, **ends), experiment)
    drawn = [line for line in figure.axes[0].lines if line.get_marker() in ("<", ">")]
    strategies = rows["strategy"].nunique()
    assert len(drawn) == strategies * len(arrows)
    found = {(float(line.get_xdata()[0]), line.get_marker()) for line in drawn}
    assert found == set(arrows)


def test_nothing_to_draw_says_so(tables: tuple[Path, Experiment]) -> None:
    folder, experiment = tables
    source = folder / "tables"
    with style.drawing():
        empty = read_csv(source / "finetuning.csv", ()).iloc[:0]
        assert "has no fine-tuning" in message_of(draw_finetuning(empty, experiment))
        costs = read_csv(folder / "costs.csv", ()).assign(seconds=float("nan"))
        assert "benchmark files of these results are missing" in message_of(draw_costs(costs))
        lonely = read_csv(source / "savings.csv", ()).iloc[:0]
        assert "only one strategy" in message_of(draw_savings(lonely, experiment))


def message_of(figure: Any) -> str:
    (axes,) = figure.axes
    return axes.texts[0].get_text()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.424, "0.42 s"),
        (9.999, "10.0 s"),
        (59.96, "1 min 00 s"),
        (245.0, "4 min 05 s"),
        (3599.7, "1 h 00 min"),
        (11520.0, "3 h 12 min"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_missing_table_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = tmp_path / "costs.csv"
    assert plot_costs.main(["--costs", str(missing), "--figures", str(tmp_path)]) == 2
    assert f"{missing}: file not found" in capsys.readouterr().err
    missing.write_text("stage,seconds\na,1\n")
    assert plot_costs.main(["--costs", str(missing), "--figures", str(tmp_path)]) == 2
    assert "column dataset is missing" in capsys.readouterr().err


def test_trainers_at_different_budgets_each_have_their_own_panels(
    tables: tuple[Path, Experiment],
) -> None:
    folder, experiment = tables
    table = read_csv(folder / "tables" / "finetuning.csv", ())
    budgets = sorted(set(table["round"]))
    other = table[table["round"] == budgets[-1]].assign(trainer="another")
    first = table["round"] != budgets[-1]
    with style.drawing():
        figure = draw_finetuning(pd.concat([table[first], other]), experiment)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    settings = table[["dataset", "backbone", "proxy", "schedule", "trainer"]].drop_duplicates()
    assert len(titles) == len(settings) * len(budgets)
    assert sum("another" in title for title in titles) == len(settings)
