"""Make the numbers of our results in README and docs from what `keep_tables` has kept of a run.

    python -m workflow_scripts.keep_tables --configfile config/cifar10_long_tail.yaml
    python -m docs.make_results [--check]

The text between two comments is replaced, of a table:

    <!-- results: EXPERIMENT/SPLIT -->          … <!-- end -->   a row for each strategy and setting
    <!-- results: EXPERIMENT/SPLIT/METRIC -->   … <!-- end -->   other than the headline metric
    <!-- orders: EXPERIMENT -->                 … <!-- end -->   a row for each rank correlation

and in a sentence:

    <!-- saving: EXPERIMENT/SPLIT/STRATEGY -->          … <!-- end -->   with its 95 % interval
    <!-- saving-alone: EXPERIMENT/SPLIT/STRATEGY -->    … <!-- end -->   without
    <!-- value: EXPERIMENT/SPLIT/STRATEGY/LABELS -->    … <!-- end -->   mean ± half of the interval

`--check` changes nothing, fails where a page and its tables differ, and names experiments whose
code has changed since they were run (`make claims`).
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
from workflow_scripts.keep_tables import code_changed_since

DOCS = Path(__file__).parent
PAGE, KEPT = DOCS / "results.md", DOCS / "results"
PAGES = (DOCS.parent / "README.md", *sorted(DOCS.glob("*.md")))
BLOCK = re.compile(
    r"(?P<start><!-- (?P<what>results|orders): (?P<of>[a-z0-9/-]+) -->\n)"
    r"(?P<old>.*?)(?P<end><!-- end -->)",
    re.DOTALL,
)
VALUE = re.compile(
    r"(?P<start><!-- (?P<what>saving|saving-alone|value): (?P<of>[a-z0-9/-]+) -->)"
    r"(?P<old>[^<\n]*)(?P<end><!-- end -->)"
)
MOST_COLUMNS = 8  # numbers of labels that a table shows


def renewed(text: str) -> str:
    """The page with all its blocks and values made anew."""

    def block(found: re.Match[str]) -> str:
        make = {"results": accuracies, "orders": orders}[found["what"]]
        return f"{found['start']}{make(found['of'])}{found['end']}"

    def value(found: re.Match[str]) -> str:
        make = {"saving": saving, "saving-alone": saving_alone, "value": mean_of}[found["what"]]
        return f"{found['start']}{make(found['of'])}{found['end']}"

    return VALUE.sub(value, BLOCK.sub(block, text))


def saving(of: str) -> str:
    """A saving with its interval, of EXPERIMENT/SPLIT/STRATEGY."""
    return _saving(_row_of_saving(of))


def saving_alone(of: str) -> str:
    """The same without the interval."""
    return _saving(_row_of_saving(of)).partition(" (")[0]


def mean_of(of: str) -> str:
    """Mean and half of its interval, of EXPERIMENT/SPLIT/STRATEGY/LABELS."""
    name, split, strategy, labels = _parts(of, 4)
    metrics = _of(_table(name, "metrics"), split, _headline(name))
    metrics = metrics[metrics["num_labeled"] == int(labels)]
    curves = summarise_curves(metrics.assign(round=metrics["num_labeled"]))
    row = _only(curves[curves["strategy"] == strategy], of)
    return units.with_half_width(row["mean"], row["half_width"], row["metric"])


def _row_of_saving(of: str) -> Any:
    name, split, strategy = _parts(of, 3)
    found = _of(_table(name, "savings"), split, _headline(name))
    return _only(found[found["strategy"] == strategy], of)


def _parts(of: str, count: int) -> list[str]:
    parts = of.split("/")
    if len(parts) != count:
        raise InputError(f"<!-- …: {of} -->: {len(parts)} parts; allowed: {count}")
    return parts


def _headline(name: str) -> str:
    return files.read_json(KEPT / name / "made-from.json")["metric"]


def _only(rows: pd.DataFrame, of: str) -> Any:
    if len(rows) != 1:
        raise InputError(f"<!-- …: {of} -->: {len(rows)} rows in its table; allowed: one")
    return rows.iloc[0]


def accuracies(of: str) -> str:
    """Mean and 95 % interval at up to eight numbers of labels; savings of the headline metric."""
    name, split, *of_metric = of.split("/")
    metrics = _table(name, "metrics")
    metric = of_metric[0] if of_metric else _headline(name)
    metrics = _of(metrics, split, metric).rename(columns={"num_labeled": "labels"})
    metrics = metrics.assign(round=metrics["labels"], num_labeled=metrics["labels"])
    savings = _table(name, "savings")
    baseline = savings["baseline"].iloc[0]
    curves = _with_baseline(summarise_curves(metrics), baseline)
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
            f"{path}: file not found; `python -m workflow_scripts.keep_tables` writes it"
        )
    return pd.read_csv(path, keep_default_na=True)


def _of(table: pd.DataFrame, split: str, metric: str) -> pd.DataFrame:
    return table[(table["split"] == split) & (table["metric"] == metric)]


def _with_baseline(curves: pd.DataFrame, baseline: str) -> pd.DataFrame:
    """Settings that have a baseline: a ceiling, such as all labels at once, is none."""
    keys = present(curves, SETTING)
    has = curves.groupby(keys)["strategy"].transform(lambda names: (names == baseline).any())
    return curves[has]


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


def changed_code() -> dict[str, list[str] | None]:
    """Experiment → modules that are not as they were when its tables were made.

    None: its tables were kept before code was noted.
    """
    return {folder.name: code_changed_since(folder) for folder in sorted(KEPT.iterdir())}


def main(argv: list[str] | None = None) -> int:
    """Rewrite the pages, or only report those that are out of date; the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit with 1 if a page is old"
    )
    arguments = parser.parse_args(argv)
    old = []
    for page in PAGES:
        try:
            text = page.read_text("utf-8")
            new = renewed(text)
        except InputError as error:
            print(f"error: {page.name}: {error}", file=sys.stderr)
            return 1
        if new != text:
            old.append(page)
            told = "out of date: docs/results/ has changed" if arguments.check else "rewritten"
            print(f"{page.relative_to(DOCS.parent)}: {told}")
            if not arguments.check:
                with files.atomic_path(page) as path:
                    path.write_text(new, encoding="utf-8")
    if arguments.check:
        _tell_changed_code()
        return int(bool(old))
    return 0


def _tell_changed_code() -> None:
    for name, modules in changed_code().items():
        if modules is None:
            print(f"{name}: kept before code was recorded")
        elif modules:
            shown = ", ".join(modules[:3]) + (", …" if len(modules) > 3 else "")
            print(f"{name}: {len(modules)} modules have changed since it was run: {shown}")
        else:
            print(f"{name}: its code has not changed")


if __name__ == "__main__":
    sys.exit(main())
