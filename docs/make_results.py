"""Keep a finished experiment's numbers beside the docs; make the tables of docs/results.md.

    python -m docs.make_results --keep config/cifar10_long_tail.yaml    # after its run
    python -m docs.make_results [--check]

`--keep` writes `docs/results/EXPERIMENT/`, of the test and shifted splits and of the pool:

- `metrics.csv`: the headline metric of every round of every seed, as measured;
- `savings.csv`: label savings at the baseline's last level, with their intervals;
- `orders.csv`: rank correlations with a published setting, where the experiment names one;
- `made-from.json`: experiment and its SHA-256, command, commit, machine and versions.

Without it, the text between two comments of docs/results.md is replaced:

    <!-- results: EXPERIMENT/SPLIT -->   … <!-- end -->    a row for each strategy of each setting
    <!-- orders: EXPERIMENT -->          … <!-- end -->    a row for each rank correlation
"""

import argparse
import functools
import hashlib
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from labelbench_core.analysis import units
from labelbench_core.analysis.curves import summarise_curves
from labelbench_core.analysis.frames import SETTING, present
from labelbench_core.analysis.savings import HEADLINE
from labelbench_core.errors import InputError
from labelbench_core.storage import files
from workflow_scripts._experiment import asked_for
from workflow_scripts._snakefile import load

DOCS = Path(__file__).parent
PAGE, KEPT = DOCS / "results.md", DOCS / "results"
REPORTS = DOCS.parent / "results" / "reports"
BLOCK = re.compile(
    r"(?P<start><!-- (?P<what>results|orders): (?P<of>[a-z0-9/-]+) -->\n)"
    r"(?P<old>.*?)(?P<end><!-- end -->)",
    re.DOTALL,
)
MOST_COLUMNS = 8  # numbers of labels that a table shows
METRIC_COLUMNS = (*SETTING, "strategy", "seed", "num_labeled", "split", "metric", "value")
PACKAGES = ("numpy", "torch")


def keep(config: Path) -> Path:
    """Copy what the page needs from the report of an experiment that has been run."""
    wanted = asked_for([config], [])
    experiment, _ = load(wanted, DOCS.parent)
    tables = REPORTS / experiment.experiment / "tables"
    summary = files.read_json(tables / "summary.json", f"snakemake --configfile {config}")
    metric = summary["metric"]
    folder = KEPT / experiment.experiment
    folder.mkdir(parents=True, exist_ok=True)
    metrics = pd.read_csv(tables / "metrics.csv")
    metrics = metrics[metrics["metric"] == metric]
    columns = present(metrics, METRIC_COLUMNS)
    metrics[columns].to_csv(folder / "metrics.csv", index=False, float_format="%.6g")
    savings = pd.read_csv(tables / "savings.csv")
    wanted = (savings["metric"] == metric) & (savings["definition"] == HEADLINE)
    savings[wanted].to_csv(folder / "savings.csv", index=False, float_format="%.4g")
    if (tables / "orders.csv").exists():
        pd.read_csv(tables / "orders.csv").to_csv(
            folder / "orders.csv", index=False, float_format="%.3g"
        )
    text = experiment.to_json()
    files.write_json(
        folder / "made-from.json",
        {
            "command": f"snakemake --cores {os.cpu_count()} --configfile {config}",
            "commit": _git("rev-parse", "HEAD"),
            "experiment_sha256": hashlib.sha256(text.encode()).hexdigest(),
            "machine": f"{os.cpu_count()} cores, {_processor()}, no GPU",
            "python": platform.python_version(),
            **{name: version(name) for name in PACKAGES},
        },
    )
    return folder


def renewed(text: str) -> str:
    """The page with all its blocks made anew."""

    def block(found: re.Match[str]) -> str:
        make = {"results": accuracies, "orders": orders}[found["what"]]
        return f"{found['start']}{make(found['of'])}{found['end']}"

    return BLOCK.sub(block, text)


def accuracies(of: str) -> str:
    """Mean and 95 % interval at up to eight numbers of labels, and the label saving."""
    name, split = of.split("/")
    metrics = _table(name, "metrics")
    metrics = metrics[metrics["split"] == split].rename(columns={"num_labeled": "labels"})
    metrics = metrics.assign(round=metrics["labels"], num_labeled=metrics["labels"])
    curves = summarise_curves(metrics)
    savings = _table(name, "savings")
    baseline = savings["baseline"].iloc[0]
    savings = savings[savings["split"] == split]
    keys = present(curves, SETTING)
    varying = [key for key in keys if curves[key].nunique() > 1]
    counts = _shown(sorted(curves["num_labeled"].unique()))
    lines = [
        _line([*varying, "strategy", *(f"{count:,}" for count in counts), "saving"]),
        _line(["---"] * (len(varying) + 1) + ["---:"] * len(counts) + ["---"]),
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
            lines.append(_line([*(own[key] for key in varying), strategy, *cells, saving]))
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
        raise InputError(f"{path}: is not there; `python -m docs.make_results --keep` writes it")
    return pd.read_csv(path, keep_default_na=True)


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


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(DOCS.parent), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@functools.cache
def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def main(argv: list[str] | None = None) -> int:
    """Keep an experiment, rewrite the page, or report that it is out of date; the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--keep", type=Path, metavar="CONFIG", help="a finished experiment's file")
    parser.add_argument("--check", action="store_true", help="change nothing; 1 if the page is old")
    arguments = parser.parse_args(argv)
    try:
        if arguments.keep:
            print(f"written: {keep(arguments.keep)}")
            return 0
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
