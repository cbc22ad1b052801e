"""How extrapolations of learning curves do on this project's kept results and on LabelBench's.

    python -m benchmarks.extrapolations

Every curve of one seed on the test split (`docs/results/*/metrics.csv`, and the published ones) is
cut after each of its points from the third on, and extrapolated from what is left to 1.5, 2 and 4
times its labels, as far as the whole curve goes; between its points it is straight.

- `coverage`: the share whose 95 % interval holds what was measured.
- `error`: the median of how far the estimate is off, in points of accuracy; `unchanged`: the same
  for taking today's accuracy.
- `width`: the median of the interval's width, in points.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks._page import add_output, tell
from docs.kept_results import KEPT, line, rows_of
from labelbench_core.campaign.audit.extrapolation import FEWEST_POINTS, extrapolated
from labelbench_core.published.curves import curve
from labelbench_core.published.settings import names, setting

ABOUT = """\
Made by `python -m benchmarks.extrapolations`: every curve of one seed on a test set is cut after
each of its points from the third on, and extrapolated to 1.5, 2 and 4 times its labels. `n`:
extrapolations; `coverage`: the share whose 95 % interval holds what was measured; `error` and
`unchanged`: medians of how far the estimate, and today's accuracy, are off, in points; `width`: the
median width of the interval, in points.

The kept curves are not independent of the method: the widths of its intervals were set on them;
LabelBench's were not used for that. Curves here are measured on whole test sets. A campaign
measures on the rows of its audit, whose error is added there: [campaigns.md](campaigns.md).
"""
TIMES = (1.5, 2.0, 4.0)
CHAIN = ["dataset", "backbone", "proxy", "schedule", "strategy", "seed"]


@dataclass(frozen=True)
class MeasuredCurve:
    """A curve of one seed: `labels` (T,) and `accuracy` (T,), from the experiment `source`."""

    source: str
    labels: np.ndarray
    accuracy: np.ndarray


def kept_curves() -> Iterator[MeasuredCurve]:
    """All curves of accuracy on the test split under docs/results/."""
    for path in sorted(KEPT.glob("*/metrics.csv")):
        rows = rows_of(pd.read_csv(path), "test", "accuracy").sort_values("num_labeled")
        for _, part in rows.groupby(CHAIN, dropna=False):
            values = part["num_labeled"].to_numpy(float), part["value"].to_numpy(float)
            yield MeasuredCurve(path.parent.name, *values)


def published_curves() -> Iterator[MeasuredCurve]:
    """All curves of LabelBench (`labelbench_core.published`)."""
    for name in names():
        chosen = setting(name)
        for strategy in chosen.strategies:
            found = curve(name, strategy, "test", "accuracy")
            for values in () if found is None else found.values:
                known = ~np.isnan(values)
                labels = found.num_labeled[known].astype(float)
                yield MeasuredCurve(f"LabelBench: {chosen.dataset}", labels, values[known])


def checked(curves: Iterator[MeasuredCurve]) -> pd.DataFrame:
    """A row for each extrapolation."""
    rows = []
    for one in curves:
        for count in range(FEWEST_POINTS, len(one.labels)):
            last = one.labels[count - 1]
            within = [times for times in TIMES if times * last <= one.labels[-1]]
            model = extrapolated(one.labels[:count], one.accuracy[:count]) if within else None
            for times in within if model else ():
                truth = float(np.interp(times * last, one.labels, one.accuracy))
                told = model.accuracy(times * last, measured=True)
                holds = told.low <= truth <= told.high
                unchanged = abs(one.accuracy[count - 1] - truth)
                width, error = told.high - told.low, abs(told.estimate - truth)
                rows.append((one.source, times, holds, error, unchanged, width))
    columns = ["source", "times", "coverage", "error", "unchanged", "width"]
    return pd.DataFrame(rows, columns=columns)


def table(found: pd.DataFrame) -> list[str]:
    """In Markdown: a line for each source and times of the labels, and for all kept results."""
    lines = [line(["curves", "labels", "n", "coverage", "error", "unchanged", "width"])]
    lines.append(line(["---"] * 2 + ["---:"] * 5))
    for (source, times), part in found.groupby(["source", "times"]):
        lines.append(_line(source, times, part))
    kept = ~found["source"].str.startswith("LabelBench")
    for name, chosen in (("all kept", kept), ("all of LabelBench", ~kept)):
        for times, part in found[chosen].groupby("times"):
            lines.append(_line(name, times, part))
    return lines


def _line(name: str, times: float, part: pd.DataFrame) -> str:
    numbers = part[["error", "unchanged", "width"]].median() * 100
    cells = [f"{number:.1f}" for number in numbers]
    return line([name, f"{times:g}×", len(part), f"{part['coverage'].mean():.3f}", *cells])


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_output(parser)
    options = parser.parse_args(argv)
    found = pd.concat([checked(kept_curves()), checked(published_curves())])
    text = "\n".join(
        [
            "# Extrapolations of learning curves",
            "",
            ABOUT,
            "",
            *table(found),
            "",
        ]
    )
    tell(text, options.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
