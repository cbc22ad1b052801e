"""Published curves beneath those of an experiment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from labelbench_core.analysis.published.published_curves import MAXIMUM, RAW
from labelbench_core.configuration.references import PublishedReference, validation_note
from labelbench_core.figures import style

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

THIN = 0.9
PUBLISHED_DASHES: Mapping[str, str | tuple] = {RAW: (0, (3, 2)), MAXIMUM: "-"}
"""Curves as measured are dashed, running maxima solid; both are thin, without markers."""
NAMES = {RAW: "as measured", MAXIMUM: "running maximum"}


def draw_published(
    axes: Axes, labels: np.ndarray, means: np.ndarray, look: style.Look, smoothing: str
) -> None:
    """Draw a published curve (R,), in percent, in its strategy's colour, beneath all else."""
    axes.plot(
        labels,
        100 * means,
        color=look.color,
        linestyle=PUBLISHED_DASHES[smoothing],
        linewidth=THIN,
        alpha=0.8,
        zorder=1.5,
    )


def published_handles(
    references: Iterable[PublishedReference],
    smoothings: Iterable[str],
    validation_labels: Iterable[int],
) -> list[Artist]:
    """Entries of the legend: how published curves are drawn, and what budgets do not count."""
    references = list(references)
    names = list(dict.fromkeys(one.name for one in references))
    others = list(dict.fromkeys(one.name for one in references if not one.is_same))
    what = "published" if len(names) > 1 else f"published {''.join(names)}"
    if others:
        what += (
            " (another setting)" if others == names else f" ({', '.join(others)}: another setting)"
        )
    handles = []
    for smoothing in smoothings if names else ():
        look = style.Look(style.MUTED, "", PUBLISHED_DASHES[smoothing], THIN)
        handles.append(style.handle(f"{what}, {NAMES[smoothing]}", look))
    counts = sorted({*validation_labels} - {0})
    return handles + [style.handle(validation_note(count), style.NOTHING) for count in counts]


def budget_label(validation_labels: int) -> str:
    """What the axis along x counts, and what it does not."""
    return "labels bought" + (f" (+{validation_labels:,})" if validation_labels else "")
