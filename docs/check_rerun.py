"""Compare an experiment that was run here with what docs/results/ has kept of it.

    python -m docs.check_rerun EXPERIMENT

Seeds are the same. On another machine the last bits of embeddings differ, and so some picks: every
mean must lie within the 95 % interval of the kept one. Exits with 1 where one does not, or where
rows are missing.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from docs.kept_results import table_of
from labelbench_core.analysis.collected.curves import summarise_curves
from labelbench_core.analysis.collected.frames import SETTING, present, read_csv
from labelbench_core.errors import InputError, raise_all
from labelbench_core.piping import CUT_SHORT, until_reader_leaves
from labelbench_core.stages import report_files

DIGITS = 6  # that `keep_tables` writes of a value


def differences(kept: pd.DataFrame, made: pd.DataFrame) -> tuple[list[str], str]:
    """What does not agree, a line each; and how well all else does.

    `kept` and `made` have the columns of `metrics.csv`; rows of metrics that were not kept are left
    aside.
    """
    keys = [*present(kept, SETTING), "strategy", "split", "metric", "num_labeled"]
    made = made[made["metric"].isin(set(kept["metric"]))]
    both = kept.merge(made, how="outer", on=[*keys, "seed"], suffixes=("", "_made"), indicator=True)
    wrong = [
        f"{_named(row, [*keys, 'seed'])}: only in {where}"
        for side, where in (("left_only", "docs/results/"), ("right_only", "results/"))
        for row in both[both["_merge"] == side].to_dict("records")
    ]
    if wrong:
        return wrong, ""
    curves = [
        summarise_curves(frame.assign(round=frame["num_labeled"])).set_index(keys)
        for frame in (kept, made)
    ]
    mean, half = curves[0]["mean"], curves[0]["half_width"]
    ours = curves[1]["mean"].reindex(mean.index)
    outside = (ours - mean).abs() > half.fillna(np.inf)
    for cell in mean.index[outside]:
        found = _named(dict(zip(keys, cell, strict=True)), keys)
        wrong.append(f"{found}: {ours[cell]:.4f}; kept: {mean[cell]:.4f} ± {half[cell]:.4f}")
    rounded = both["value_made"].map(lambda value: float(f"{value:.{DIGITS}g}"))
    equal = int((both["value"] == rounded).sum())
    largest = float((ours - mean).abs().max())
    text = f"{equal} of {len(both)} values are equal, means differ by at most {largest:.2g}"
    return wrong, text


def _named(row: dict, keys: list[str]) -> str:
    return ", ".join(str(row[key]) for key in keys)


@until_reader_leaves(CUT_SHORT)
def main(argv: list[str] | None = None) -> int:
    """Compare; the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("experiment", help="a folder of docs/results/ that was run here")
    name = parser.parse_args(argv).experiment
    try:
        kept = table_of(name, "metrics")
        path = Path(report_files.table(report_files.METRICS).format(experiment=name))
        wrong, text = differences(kept, read_csv(path, list(kept.columns)))
        raise_all(wrong)
    except InputError as error:
        print(f"error: {name}: {error}", file=sys.stderr)
        return 1
    print(f"{name}: as kept in docs/results/: {text}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
