"""The decision table of docs/results.md: what to use, by data set and number of labels."""

from collections.abc import Iterator

import pandas as pd

from docs.kept_results import headline, line, rows_of, table_of
from labelbench_core.analysis.collected import units
from labelbench_core.analysis.collected.frames import SETTING, groups, present
from labelbench_core.analysis.comparisons.paired import SIGNIFICANCE, compare_to_baseline
from labelbench_core.metrics.known import METRICS

HEAD = ("data set", "proxy", "labels", "baseline", "best", "gain", "better", "worse")


def decisions(of: str) -> str:
    """Which strategies are better and worse than the baseline early, midway and at the end.

    Of every setting of the experiments and splits in `of` ("EXPERIMENT/SPLIT EXPERIMENT/SPLIT …"),
    after the first round that selects, the middle one and the last. Pairs are made by seed; Holm's
    correction runs over the strategies of a row.
    """
    rows = [row for one in of.split() for row in _rows_of(*one.split("/"))]
    note = (
        '"gain": of the best over the baseline, mean of the paired differences over seeds ± half '
        "the width of its 95 % interval, in the metric's unit; better and worse: than the "
        f"baseline, by the paired t-test at {100 * SIGNIFICANCE:g} % with Holm's correction over "
        "the strategies of a row, the largest difference first"
    )
    return "\n".join([line(HEAD), line(["---"] * len(HEAD)), *rows, "", f"{note}.", ""])


def _rows_of(name: str, split: str) -> Iterator[str]:
    metric = headline(name)
    savings = table_of(name, "savings")
    baseline = savings["baseline"].iloc[0]
    sign = METRICS[metric].sign if metric in METRICS else 1
    metrics = rows_of(table_of(name, "metrics"), split, metric)
    # A ceiling, which sees hidden labels, saves none: it is nothing to use.
    metrics = metrics[metrics["strategy"].isin([baseline, *savings["strategy"]])]
    for names, setting in groups(metrics, present(metrics, SETTING)):
        for labels in _stages(setting[setting["strategy"] == baseline]["num_labeled"]):
            cell = setting[setting["num_labeled"] == labels].assign(round=1)
            found = compare_to_baseline(cell, baseline)
            if found.empty:  # no other strategy has as many labels
                continue
            found = found.sort_values("difference", key=lambda values: -sign * values)
            is_told = found["p_holm"] < SIGNIFICANCE
            is_better = sign * found["difference"] > 0
            own = cell[cell["strategy"] == baseline]["value"]
            best = found.iloc[0]
            yield line(
                [
                    names["dataset"],
                    names["proxy"],
                    f"{labels:,}",
                    units.with_half_width(own.mean(), float("nan"), metric),
                    f"{best['strategy']} ({best['n_seeds']} seeds)",
                    units.signed(best["difference"], best["half_width"], metric),
                    ", ".join(found[is_told & is_better]["strategy"]) or "–",
                    ", ".join(found[is_told & ~is_better]["strategy"][::-1]) or "–",
                ]
            )


def _stages(labels: pd.Series) -> list[int]:
    """The first number of labels after a selection, the middle one and the last."""
    selected = sorted(labels.unique())[1:]
    shown = [selected[0], selected[(len(selected) - 1) // 2], selected[-1]] if selected else []
    return [int(one) for one in dict.fromkeys(shown)]
