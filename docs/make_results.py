"""Make the tables of docs/results.md from docs/results/, which `keep_tables` writes after a run.

    python -m workflow_scripts.keep_tables --configfile config/cifar10_long_tail.yaml
    python -m docs.make_results [--check]

The text between two comments is replaced:

    <!-- results: EXPERIMENT/SPLIT -->          … <!-- end -->   a row for each strategy and setting
    <!-- results: EXPERIMENT/SPLIT/METRIC -->   … <!-- end -->   other than the headline metric
    <!-- orders: EXPERIMENT -->                 … <!-- end -->   a row for each rank correlation
"""

import argparse
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from labelbench_core.analysis import units
from labelbench_core.analysis.curves import summarise_curves
from labelbench_core.analysis.frames import SETTING, present
from labelbench_core.errors import InputError
from labelbench_core.storage import files

DOCS = Path(__file__).parent
PAGE, KEPT = DOCS / "results.md", DOCS / "results"
BLOCK = re.compile(
    r"(?P<start><!-- (?P<what>results|orders): (?P<of>[a-z0-9/-]+) -->\n)"
    r"(?P<old>.*?)(?P<end><!-- end -->)",
    re.DOTALL,
)
MOST_COLUMNS = 8  # numbers of labels that a table shows


def renewed(text: str) -> str:
    """The page with all its blocks made anew."""

    def block(found: re.Match[str]) -> str:
        make = {"results": accuracies, "orders": orders}[found["what"]]
        return f"{found['start']}{make(found['of'])}{found['end']}"

    return BLOCK.sub(block, text)


def accuracies(of: str) -> str:
    """Mean and 95 % interval at up to eight numbers of labels; savings of the headline metric."""
    name, split, *of_metric = of.split("/")
    metrics = _table(name, "metrics")
    made_from = files.read_json(KEPT / name / "made-from.json")
    metric = of_metric[0] if of_metric else made_from["metric"]
    metrics = _of(metrics, split, metric).rename(columns={"num_labeled": "labels"})
    metrics = metrics.assign(round=metrics["labels"], num_labeled=metrics["labels"])
    curves = summarise_curves(metrics)
    savings = _table(name, "savings")
    baseline = savings["baseline"].iloc[0]
    savings = _of(savings, split, metric)
    keys = present(curves, SETTING)
    varying = [key for key in keys if curves[key].nunique() > 1]
    saving_column = [] if of_metric else ["saving"]
    counts = _shown(sorted(curves["num_labeled"].unique()))
    lines = [
        _line([*varying, "strategy", *(f"{count:,}" for count in counts), *saving_column]),
        _line(
            ["---"] * (len(varying) + 1) + ["---:"] * len(counts) + ["---" for _ in saving_column]
        ),
    ]
    for names, setting in curves.groupby(keys, sort=False):
        own = dict(zip(keys, names, strict=True))
        for strategy, curve in setting.groupby("strategy", sort=False):
            at = curve.set_index("num_labeled")
            cells = [
                units.with_half_width(at["mean"][n], at["half_width"][n], at["metric"][n])
                if n in at.index
                else ""
                for n in counts
            ]
            found = savings[savings["strategy"] == strategy]
            for key, value in own.items():
                found = found[found[key] == value]
            no_saving = "1" if strategy == baseline else "–"
            saving = _saving(found.iloc[0]) if len(found) else no_saving
            told = [saving for _ in saving_column]
            lines.append(_line([*(own[key] for key in varying), strategy, *cells, *told]))
    return "\n".join([*lines, "", f"{_seeds(curves)}; {_constant(curves, keys, varying)}.", ""])


def orders(name: str) -> str:
    """Rank correlations with the published order of strategies, and their intervals."""
    found = _table(name, "orders")
    head = ("split", "ordered by", "correlation", "strategies", "ours", "95 % interval", "has 0")
    measures = {"final": "last value", "area": "area under the curve"}
    lines = [_line(head), _line(["---"] * 3 + ["---:"] * 2 + ["---", "---"])]
    lines += [
        _line(
            [
                one["split"],
                measures[one["measure"]],
                one["statistic"].capitalize(),
                one["num_strategies"],
                f"{one['correlation']:.2f}",
                f"{one['low']:.2f} to {one['high']:.2f}",
                "yes" if one["contains_zero"] else "no",
            ]
        )
        for one in found.to_dict("records")
    ]
    return "\n".join(lines) + "\n"


def _table(name: str, table: str) -> pd.DataFrame:
    path = KEPT / name / f"{table}.csv"
    if not path.exists():
        raise InputError(
            f"{path}: is not there; `python -m workflow_scripts.keep_tables` writes it"
        )
    return pd.read_csv(path, keep_default_na=True)


def _of(table: pd.DataFrame, split: str, metric: str) -> pd.DataFrame:
    return table[(table["split"] == split) & (table["metric"] == metric)]


def _shown(counts: list[int]) -> list[int]:
    """First and last, and others evenly between."""
    if len(counts) <= MOST_COLUMNS:
        return counts
    step = (len(counts) - 1) / (MOST_COLUMNS - 1)
    return [counts[round(place * step)] for place in range(MOST_COLUMNS)]


def _saving(row: Any) -> str:
    """A saving with its interval; open ends are said."""

    def end(value: float, bound: Any) -> str:
        words = f"{bound} " if isinstance(bound, str) and bound else ""
        return f"{words}{value:.2f}"

    if row["bound"] == "undefined" or pd.isna(row["saving"]):
        return "–"
    text = end(row["saving"], row["bound"])
    if pd.isna(row["low"]) or pd.isna(row["high"]):
        return text
    return f"{text} ({end(row['low'], row['low_bound'])} to {end(row['high'], row['high_bound'])})"


def _seeds(curves: pd.DataFrame) -> str:
    """How many seeds there are, and of which strategies there are fewer."""
    most = int(curves["n_seeds"].max())
    fewer = curves[curves["n_seeds"] < most].groupby("strategy", sort=False)["n_seeds"].max()
    return ", ".join([f"{most} seeds", *(f"of {name} {int(n)}" for name, n in fewer.items())])


def _constant(curves: pd.DataFrame, keys: list[str], varying: list[str]) -> str:
    """What is the same in all rows of a table."""
    same = [f"{key} `{curves[key].iloc[0]}`" for key in keys if key not in varying]
    return ", ".join([f"metric `{curves['metric'].iloc[0]}`", *same])


def _line(cells: Iterable[Any]) -> str:
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def main(argv: list[str] | None = None) -> int:
    """Rewrite the page, or only report that it is out of date; the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="change nothing; 1 if the page is old")
    arguments = parser.parse_args(argv)
    try:
        text = PAGE.read_text("utf-8")
        new = renewed(text)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if new == text:
        return 0
    print(
        f"docs/{PAGE.name}: {'not in step with docs/results/' if arguments.check else 'rewritten'}"
    )
    if not arguments.check:
        with files.atomic_path(PAGE) as path:
            path.write_text(new, encoding="utf-8")
    return int(arguments.check)


if __name__ == "__main__":
    sys.exit(main())
