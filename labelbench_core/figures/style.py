"""The common style of all figures, and saving them so that equal figures have equal bytes."""

from __future__ import annotations

import contextlib
import logging
import math
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from labelbench_core.compute.garbage import rarely_collected
from labelbench_core.figures.palette import GRID, HIGHLIGHT, INK, MUTED, PAPER, colors
from labelbench_core.figures.places import CEILINGS, STRATEGIES, places
from labelbench_core.stages.report_files import FIGURE_FORMATS
from labelbench_core.storage.files import atomic_path

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.legend import Legend

DASHES = (
    "-",
    (0, (5, 1.5)),
    (0, (1.2, 1.2)),
    (0, (6, 1.5, 1.2, 1.5)),
    (0, (3, 1.2, 1.2, 1.2, 1.2, 1.2)),
)
MARKERS = ("s", "^", "D", "v", "P", "X", "p", "*", "h", "d", "8")
SHAPES = len(MARKERS) * len(DASHES)
"""Pairs of a marker and dashes: their numbers have no common divisor, so that as many places in a
row have no pair twice."""
OWN_PLACES = range(20, SHAPES)
"""Places of strategies that are not in our catalogue: after those that are compared most often."""
FIXED_LOOKS = {"random": (INK, "o", (0, (4, 2))), "margin": (HIGHLIGHT, "o", "-")}
HEAVY = 1.45
"""Line width of strategies that stand out: the baseline and the highlighted one."""
ONE_COLUMN, TWO_COLUMNS = 3.4, 7.0
"""Widths in inches of a figure in a paper: of one of its two columns, and of both."""
TEXT, NOTE, MARKER = 8.0, 7.0, 3.8
"""Sizes in points, as they are printed: of text, of notes beside the data, of markers."""
INTERVAL = 1.6
"""Line width in points of an interval beside a name."""
NARROWEST = 1.75
"""Width in inches of a panel that can still be read: four stand side by side in two columns."""
LEGEND_ROW = 0.16  # inches
TITLE_CHARACTERS_PER_INCH = 12.0  # of a panel, with room for its tick labels
BESIDE = 29  # characters of a line along the height of a panel
DOTS_PER_INCH = 200
"""Of PNG files."""
PNG_COMPRESSION = 2
"""zlib's level: it takes half the time of the usual 6, for files that are 5 to 8 % larger."""
DATELESS = {
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "svg": {"Date": None, "Creator": None},
}


@dataclass(frozen=True)
class Look:
    """How one strategy is drawn in every figure."""

    color: str
    marker: str
    dashes: str | tuple
    width: float


NOTHING = Look("none", "", "none", 0.0)
"""Look of an entry of a legend that is text only."""


def looks(strategies: Sequence[str], baseline: str, highlight: str) -> dict[str, Look]:
    """A look for every strategy: no two colours are alike; markers and dashes help to read grey.

    Colour, marker and dashes follow from a strategy's id, in all figures of all experiments:
    `random` is dark and dashed, `margin` vermilion, others have a place in `places`. Only where a
    strategy that the catalogue does not ship meets another one at its place does it differ from
    experiments without that one. The baseline and the highlighted strategy are heavier.
    """
    others = [name for name in strategies if name not in FIXED_LOOKS]
    found = places(others, STRATEGIES, OWN_PLACES)
    shades = colors(1 + max(found.values(), default=-1))
    widths = {highlight: 1.6, baseline: HEAVY}

    def look(name: str) -> Look:
        width = widths.get(name, 1.1)
        if name in FIXED_LOOKS:
            color, marker, dashes = FIXED_LOOKS[name]
            return Look(color, marker, dashes, width)
        place = found[name]
        marker, dashes = MARKERS[place % len(MARKERS)], DASHES[place % len(DASHES)]
        return Look(shades[place], marker, dashes, width)

    return {name: look(name) for name in strategies}


def drawn(looks: Mapping[str, Look], rows: pd.DataFrame) -> list[str]:
    """The strategies that occur in `rows`, in the order of `looks`."""
    found = set(rows["strategy"].unique())
    return [name for name in looks if name in found]


def ceiling_looks(ceilings: Sequence[str]) -> dict[str, Look]:
    """Looks of ceilings: thin and grey, without markers, told apart by their dashes."""
    found = places(ceilings, CEILINGS, range(len(CEILINGS), len(DASHES)))
    return {
        name: Look(MUTED, "", DASHES[(found[name] + 2) % len(DASHES)], 1.0) for name in ceilings
    }


@contextlib.contextmanager
def drawing() -> Iterator[None]:
    """Matplotlib settings for the block: no display, no user's style, fixed ids in SVG."""
    import matplotlib as mpl

    settings = {
        "figure.dpi": 100,
        "savefig.dpi": DOTS_PER_INCH,
        "figure.facecolor": PAPER,
        "font.family": "DejaVu Sans",
        "font.size": TEXT,
        "axes.titlesize": TEXT,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.titlecolor": INK,
        # Where it stands without ticks along the top; else every layout and drawing looks for them.
        "axes.titley": 1.0,
        "axes.labelcolor": INK,
        "axes.edgecolor": MUTED,
        "axes.linewidth": 0.6,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "axes.formatter.useoffset": False,
        "grid.color": GRID,
        "grid.linewidth": 0.6,
        "xtick.labelsize": NOTE,
        "ytick.labelsize": NOTE,
        "legend.fontsize": NOTE,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "text.color": INK,
        "legend.frameon": False,
        "legend.handlelength": 3.2,
        "figure.constrained_layout.use": True,
        "figure.constrained_layout.hspace": 0.06,
        "figure.constrained_layout.wspace": 0.04,
        "svg.hashsalt": "labelbench",
        "svg.fonttype": "path",
        "pdf.fonttype": 42,
    }
    # It logs at length which font tables it keeps in a PDF.
    logging.getLogger("fontTools").setLevel(logging.WARNING)
    with mpl.rc_context(), _fonts_without_layout(), rarely_collected():
        mpl.rcdefaults()
        mpl.rcParams.update(settings)
        yield


@contextlib.contextmanager
def _fonts_without_layout() -> Iterator[None]:
    """Embed fonts in PDFs without their tables for laying out text.

    Matplotlib has placed every glyph; to cut these tables down takes a quarter of a figure's time,
    and it does not offer to leave them out.
    """
    from fontTools.subset import Options

    kept = getattr(Options, "_drop_tables_default", None)
    if kept is None:  # another version of fontTools: slower, and equally right
        yield
        return
    Options._drop_tables_default = [*kept, "GDEF", "GPOS", "GSUB"]
    try:
        yield
    finally:
        Options._drop_tables_default = kept


def panels(rows: int, columns: int, width: float, height: float) -> tuple[Figure, list[list[Axes]]]:
    """A figure of `rows` × `columns` panels of that size in inches; no state of pyplot's."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * columns, height * rows))
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False)
    return figure, [list(line) for line in axes]


def panel_width(columns: int) -> float:
    """Width in inches of each of so many panels side by side: they fill the width of a paper."""
    return ONE_COLUMN if columns == 1 else max(TWO_COLUMNS / columns, NARROWEST)


def short(names: Iterable[str], most: int = 24) -> dict[str, str]:
    """Names as they stand beside an axis: those of more than `most` characters lose their middle.

    Where two would then be alike, both are shown whole.
    """
    names = list(dict.fromkeys(names))
    first = most // 2
    cut = {name: f"{name[:first]}…{name[1 + first - most :]}" for name in names if len(name) > most}
    shown = [cut.get(name, name) for name in names]
    return {
        name: text if shown.count(text) == 1 else name
        for name, text in zip(names, shown, strict=True)
    }


def wrapped(names: Mapping[tuple, str], width: float) -> dict[tuple, str]:
    """Labels of settings, broken between ids so that they fit above panels of `width` inches."""
    longest = int(TITLE_CHARACTERS_PER_INCH * width)
    titles = {}
    for key, name in names.items():
        first, *rest = (short([part], longest)[part] for part in name.split(" · "))
        lines = [first]
        for part in rest:
            if len(lines[-1]) + len(part) + 3 <= longest:
                lines[-1] += f" · {part}"
            else:
                lines.append(part)
        titles[key] = "\n".join(lines)
    return titles


def beside(label: str) -> str:
    """A label beside an axis, broken between words: a longer line would meet the legend above."""
    return "\n".join(textwrap.wrap(label, BESIDE, break_long_words=False, break_on_hyphens=False))


def room_for(titles: Mapping[tuple, str]) -> float:
    """Height in inches that titles of more than one line need."""
    return 0.145 * max(title.count("\n") for title in titles.values())


def save(figure: Figure, folder: str | Path, name: str) -> list[Path]:
    """Write `figure` as `folder/name.{png,pdf,svg}`: no dates, no versions, equal bytes.

    It is laid out once: all formats show the same, and `savefig`, which would lay out and draw
    without a picture first, takes two thirds of the time.
    """
    import matplotlib as mpl

    paths = []
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
    with mpl.rc_context({"figure.constrained_layout.use": False}):
        figure.set_layout_engine(None)  # "none" would leave a placeholder, and `savefig` draw twice
        for kind in FIGURE_FORMATS:
            path = Path(folder) / f"{name}.{kind}"
            with atomic_path(path) as aside:
                if kind == "png":
                    _write_png(figure, aside)
                else:
                    figure.savefig(aside, format=kind, metadata=DATELESS[kind])
            paths.append(path)
    return paths


def _write_png(figure: Figure, path: Path) -> None:
    """Write an opaque figure: three numbers per pixel, where `savefig` writes four."""
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    dots = figure.dpi
    canvas = FigureCanvasAgg(figure)
    figure.set_dpi(DOTS_PER_INCH)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3]
    figure.set_dpi(dots)
    Image.fromarray(np.ascontiguousarray(pixels)).save(
        path, "png", compress_level=PNG_COMPRESSION, dpi=(DOTS_PER_INCH, DOTS_PER_INCH)
    )


def message(text: str) -> Figure:
    """A small figure that says why there is nothing to draw."""
    figure, axes = panels(1, 1, TWO_COLUMNS, 0.9)
    axes[0][0].axis("off")
    axes[0][0].text(0.5, 0.5, text, ha="center", va="center", color=MUTED)
    return figure


def legend_above(figure: Figure, handles: Sequence[Artist]) -> None:
    """One legend for all panels, above them: as many columns as fit, read row by row.

    The figure grows by the rows after the second, and becomes wider where not even one column fits.
    """
    rows, excess = 0, 0.0
    for rows in range(1, len(handles) + 1):
        columns = -(-len(handles) // rows)
        legend = _legend_in(figure, handles, columns)
        excess = _excess_width(figure, legend)
        if excess <= 0 or columns == 1:
            break
        legend.remove()
    figure.set_figheight(figure.get_figheight() + LEGEND_ROW * max(rows - 2, 0))
    if excess > 0:
        figure.set_figwidth(figure.get_figwidth() + excess)


def _legend_in(figure: Figure, handles: Sequence[Artist], columns: int) -> Legend:
    # Matplotlib fills column by column; this order makes it read like text.
    order = [
        handles[index] for start in range(columns) for index in range(start, len(handles), columns)
    ]
    return figure.legend(
        handles=order,
        loc="outside upper left",
        ncols=columns,
        columnspacing=1.8,
        handletextpad=0.6,
        borderaxespad=0.3,
    )


def _excess_width(figure: Figure, legend: Legend) -> float:
    """By how many inches a legend is wider than its figure; negative where it fits."""
    return legend.get_window_extent().width / figure.dpi + 0.1 - figure.get_figwidth()


def legend_below(figure: Figure, handles: Sequence) -> None:
    """A second legend, of long entries, under the panels; the figure grows by its height."""
    if not handles:
        return
    figure.set_figheight(figure.get_figheight() + 0.14 * len(handles))
    figure.legend(
        handles=handles,
        loc="outside lower left",
        fontsize=NOTE,
        labelcolor=MUTED,
        handletextpad=0.6,
        borderaxespad=0.3,
        labelspacing=0.3,
    )


def handle(name: str, look: Look) -> Artist:
    """A legend's entry for a curve."""
    from matplotlib.lines import Line2D

    return Line2D(
        [],
        [],
        color=look.color,
        linestyle=look.dashes,
        linewidth=look.width,
        marker=look.marker,
        markersize=MARKER,
        label=name,
    )


def panels_of(
    line: Sequence[Axes], splits: Sequence[str], rows: pd.DataFrame
) -> list[tuple[Axes, str]]:
    """The panels of the splits that `rows` have, each with its split; the others are removed."""
    measured = set(rows["split"])
    for panel, split in zip(line, splits, strict=True):
        if split not in measured:
            panel.remove()
    pairs = zip(line, splits, strict=True)
    return [(panel, split) for panel, split in pairs if split in measured]


def budget_ticks(axes: Axes, budgets: Sequence[int], most: int = 5) -> None:
    """Ticks along x at numbers of labels that were bought, the last one among them: 1,000."""
    budgets = sorted(set(budgets))
    step = -(-len(budgets) // most)
    chosen = budgets[::-1][::step][::-1]
    axes.set_xticks(chosen, [f"{count:,}" for count in chosen])


def common_limits(axes: Sequence[Axes], values: Sequence[float]) -> None:
    """The same scale along x in all panels, around all finite `values`."""
    finite = [value for value in values if math.isfinite(value)]
    margin = 0.06 * max(max(finite) - min(finite), 0.2)
    for panel in axes:
        panel.set_xlim(min(finite) - margin, max(finite) + margin)


def note_setting(figure: Figure, names: Sequence[str]) -> None:
    """Below a figure of a single setting: which one it is (else the panels say so)."""
    if len(names) == 1:
        figure.supxlabel(names[0], fontsize=NOTE, color=MUTED)
