"""Two result sets, point by point: ours and a colleague's, or two versions of the same experiment.

A point is a strategy in a setting with a number of labels, on one split and metric. Differences are
paired by seed, since equal seeds begin with equal labels: what changed between the two, not luck
with the first labels, makes them differ.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from labelbench_core.analysis.collected.frames import (
    SETTING,
    WEIGHTED,
    setting_name,
    without_constant,
)
from labelbench_core.analysis.collected.units import signed, value_text
from labelbench_core.analysis.comparisons.paired import SIGNIFICANCE, holm, paired_test
from labelbench_core.annotators import EXACT
from labelbench_core.errors import listed

if TYPE_CHECKING:
    import pandas as pd

POINT = (*SETTING, "strategy", "num_labeled", "split", "metric")
READ_COLUMNS = (*POINT, "seed", "value")
COMPARED_COLUMNS = (
    *POINT,
    "n_first",
    "n_second",
    "n_seeds",
    "n_equal",
    "first",
    "second",
    "difference",
    "low",
    "high",
    "p_value",
    "p_holm",
)
ROUNDED = 1e-6
"""Kept tables have six digits: values that differ by less are the same."""


def compare_sets(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Every point of either set; columns as `COMPARED_COLUMNS`, and `WEIGHTED` where any metric is.

    Parameters
    ----------
    first, second
        Tables with `READ_COLUMNS`, such as `metrics.csv` of a report or of kept tables; without a
        column `annotator`, labels are the exact annotator's; without a column `weighted`, no metric
        is. Points whose metrics are weighted in one table alone are not compared.

    Returns
    -------
    `n_first` and `n_second` are the numbers of seeds of each, `n_seeds` that of their common seeds.
    The means `first` and `second` and their `difference`, second minus first, are over the common
    seeds, `n_equal` of which have equal values. `p_holm` is corrected over all points of a split
    and metric. NaN where there is no common seed.
    """
    import pandas as pd

    point = [*POINT, WEIGHTED]
    columns = [*point, "seed"]
    tables = [_completed(table)[[*columns, "value"]] for table in (first, second)]
    both = tables[0].merge(tables[1], on=columns, how="outer", suffixes=("_first", "_second"))
    results = []
    for names, rows in both.groupby(point, sort=False):
        values = rows[["value_first", "value_second"]].to_numpy(dtype=np.float64)
        known = ~np.isnan(values)
        shared = values[known.all(axis=1)]
        row: dict[str, Any] = dict(zip(point, names, strict=True))
        row |= {"n_first": int(known[:, 0].sum()), "n_second": int(known[:, 1].sum())}
        row |= {"n_seeds": len(shared), "n_equal": 0}
        if len(shared):
            differences = shared[:, 1] - shared[:, 0]
            differences[np.abs(differences) < ROUNDED] = 0.0
            means = shared.mean(axis=0).tolist()
            test = paired_test(differences, row["metric"])
            row |= {"n_equal": int((differences == 0).sum())}
            row |= {"first": means[0], "second": means[1]}
            row |= {key: test[key] for key in ("difference", "low", "high", "p_value")}
        results.append(row)
    table = pd.DataFrame(results, columns=[*COMPARED_COLUMNS, WEIGHTED])
    table["p_holm"] = math.nan
    for _, part in table.groupby(["split", "metric"], sort=False):
        table.loc[part.index, "p_holm"] = holm(part["p_value"].to_numpy(dtype=np.float64))
    return without_constant(table, WEIGHTED, 0)


def _completed(table: pd.DataFrame) -> pd.DataFrame:
    """A table with the columns that are left out where there is nothing to tell."""
    usual = {"annotator": EXACT, WEIGHTED: 0}
    return table.assign(**{name: usual[name] for name in usual if name not in table})


def compared_lines(table: pd.DataFrame, most: int = 10) -> Iterator[str]:
    """What a comparison shows, for a terminal; the `most` points farthest apart come last."""
    if table.empty:
        yield "neither has points"
        return
    for name, other in (("first", "second"), ("second", "first")):
        alone = table[table[f"n_{other}"] == 0]
        if len(alone):
            yield f"only in the {name}: {len(alone):,} points ({_where(alone)})"
    shared = table[table["n_seeds"] > 0]
    apart = table[(table["n_seeds"] == 0) & (table["n_first"] > 0) & (table["n_second"] > 0)]
    if len(apart):
        yield f"in both, without a common seed: {len(apart):,} points ({_where(apart)})"
    same = shared[shared["n_equal"] == shared["n_seeds"]]
    yield f"in both: {len(shared):,} points, of which {len(same):,} have equal values on all seeds"
    for name in ("first", "second"):
        more = shared[shared[f"n_{name}"] > shared["n_seeds"]]
        if len(more):
            yield f"with seeds only in the {name}, left aside: {len(more):,} of these points"
    differing = shared[shared["n_equal"] < shared["n_seeds"]]
    if differing.empty:
        return
    sure = differing[differing["p_holm"] < SIGNIFICANCE]
    yield (
        f"of the {len(differing):,} others, {len(sure):,} differ by more than their seeds explain "
        "(paired t-test, p < 0.05 after Holm's correction over all points of a split and metric)"
    )
    untested = int(differing["p_value"].isna().sum())
    if untested:
        yield (
            f"{untested:,} of these have no test: one common seed, or the same difference on all"
        )
    order = differing["difference"].abs().sort_values(ascending=False, kind="stable").index
    yield "farthest apart, second minus first:"
    for row in differing.loc[order[:most]].to_dict("records"):
        yield f"  {_point_text(row)}"


def _point_text(row: dict[str, Any]) -> str:
    metric = row["metric"]
    where = f"{setting_name(row)}, {row['strategy']}, {row['num_labeled']:,} labels"
    where = f"{where}, {row['split']} {metric}"
    first, second = (value_text(row[key], metric) for key in ("first", "second"))
    text = f"{where}: {first} → {second}, {signed(row['difference'], math.nan, metric)}"
    if math.isnan(row["low"]):
        return f"{text} ({row['n_seeds']} {'seed' if row['n_seeds'] == 1 else 'seeds'})"
    low, high = (signed(row[end], math.nan, metric) for end in ("low", "high"))
    return f"{text} (95 % interval {low} to {high}, {row['n_seeds']} seeds)"


def _where(table: pd.DataFrame) -> str:
    """The ids of some points; of an id with more than three values, only how many it has."""
    said = []
    for key in ("dataset", "strategy", "metric"):
        names: Sequence[str] = list(dict.fromkeys(table[key]))
        shown = listed(names) if len(names) <= 3 else f"{len(names)} values"
        said.append(f"{key}: {shown}")
    if WEIGHTED in table and table[WEIGHTED].any():
        said.append("weighted by row" if table[WEIGHTED].all() else "some weighted by row")
    return "; ".join(said)
