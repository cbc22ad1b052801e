"""The tables of docs/results.md, each from what `keep_tables` has kept of an experiment."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from docs.kept_results import headline, line, of_setting, rows_of, saving_text, table_of
from labelbench_core.analysis.collected import units
from labelbench_core.analysis.collected.curves import summarise_curves
from labelbench_core.analysis.collected.frames import SETTING, present
from labelbench_core.analysis.comparisons.best import BEST, SAME, UNTESTED, WORSE
from labelbench_core.analysis.headroom import share_text
from labelbench_core.analysis.power import FINAL, power_table
from labelbench_core.analysis.tables import p_text
from labelbench_core.errors import InputError

MOST_COLUMNS = 8  # numbers of labels that a table shows
MEASURES = {"final": "last value", "area": "area under the curve"}


def accuracies(of: str) -> str:
    """Mean and 95 % interval at up to eight numbers of labels; savings of the headline metric."""
    table, *ids = of.split()
    name, split, *of_metric = table.split("/")
    metrics = of_setting(table_of(name, "metrics"), ids)
    if metrics.empty:
        raise InputError(f"<!-- results: {of} -->: no setting has these ids")
    metric = of_metric[0] if of_metric else headline(name)
    metrics = rows_of(metrics, split, metric).rename(columns={"num_labeled": "labels"})
    metrics = metrics.assign(round=metrics["labels"], num_labeled=metrics["labels"])
    savings = table_of(name, "savings")
    baseline = savings["baseline"].iloc[0]
    curves = _with_baseline(summarise_curves(metrics), baseline)
    savings = rows_of(savings, split, metric)
    keys = present(curves, SETTING)
    varying = [key for key in keys if curves[key].nunique() > 1]
    saving_column = [] if of_metric else ["saving"]
    counts = _shown(sorted(curves["num_labeled"].unique()))
    lines = [
        line([*varying, "strategy", *(f"{count:,}" for count in counts), *saving_column]),
        line(
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
            saving = saving_text(found.iloc[0]) if len(found) else no_saving
            told = [saving for _ in saving_column]
            lines.append(line([*(own[key] for key in varying), strategy, *cells, *told]))
    shown = _detectable(metrics, baseline)
    told = f"{_seeds(curves)}; {_constant(curves, keys, varying)}{shown}."
    return "\n".join([*lines, "", told, ""])


def _detectable(metrics: pd.DataFrame, baseline: str) -> str:
    """Which differences to the baseline, with the last labels, the seeds of the table can show.

    Strategies with fewer seeds than others are left out.
    """
    power = power_table(metrics, baseline)
    power = power[power["measure"] == FINAL].drop_duplicates([*present(power, SETTING), "strategy"])
    power = power[power["n_seeds"] == power["n_seeds"].max()]
    power = power.dropna(subset=["detectable", "detectable_holm"])
    if power.empty:
        return ""
    unit = units.of(power["metric"].iloc[0])
    digits = 1 if unit.is_share else 3

    def span(name: str) -> str:
        ends = [f"{unit.scale * end:.{digits}f}" for end in (power[name].min(), power[name].max())]
        return " to ".join(dict.fromkeys(ends))

    return (
        f"; detectable differences to {baseline} with the last labels: {span('detectable')} "
        f"{unit.unit_of_differences}, after Holm's correction {span('detectable_holm')}"
    )


def orders(name: str) -> str:
    """Rank correlations with the published order of strategies, and their intervals."""
    found = table_of(name, "orders")
    head = ("split", "ordered by", "correlation", "strategies", "ours", "95 % interval", "has 0")
    lines = [line(head), line(["---"] * 3 + ["---:"] * 2 + ["---", "---"])]
    lines += [
        line(
            [
                one["split"],
                MEASURES[one["measure"]],
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


def _seeds(curves: pd.DataFrame) -> str:
    """How many seeds there are, and of which strategies there are fewer."""
    most = int(curves["n_seeds"].max())
    fewer = curves[curves["n_seeds"] < most].groupby("strategy", sort=False)["n_seeds"].max()
    return ", ".join([f"{most} seeds", *(f"of {name} {int(n)}" for name, n in fewer.items())])


def _constant(curves: pd.DataFrame, keys: list[str], varying: list[str]) -> str:
    """What is the same in all rows of a table."""
    same = [f"{key} `{curves[key].iloc[0]}`" for key in keys if key not in varying]
    return ", ".join([f"metric `{curves['metric'].iloc[0]}`", *same])


def best(of: str) -> str:
    """The best strategy of every setting, those that cannot be told from it, and the worse ones."""
    name, split = of.split("/")
    found = table_of(name, "best")
    found = rows_of(found, split, headline(name))
    keys = present(found, SETTING)
    varying = [key for key in keys if found[key].nunique() > 1]
    head = [*varying, "labels", "best", "cannot be told from it", "worse"]
    lines = [line(head), line(["---"] * len(head))]
    for names, rows in found.groupby(keys, sort=False):
        own = dict(zip(keys, names, strict=True))
        by = {
            verdict: rows[rows["verdict"] == verdict] for verdict in (BEST, SAME, WORSE, UNTESTED)
        }
        first = by[BEST].iloc[0]
        others = [*by[SAME].to_dict("records"), *by[UNTESTED].to_dict("records")]
        lines.append(
            line(
                [
                    *(own[key] for key in varying),
                    f"{first['first_labels']:,} to {first['last_labels']:,}",
                    first["strategy"],
                    ", ".join(_less(row) for row in others) or "–",
                    ", ".join(_less(row) for row in by[WORSE].to_dict("records")) or "–",
                ]
            )
        )
    fewest, most = found["n_seeds"].min(), found["n_seeds"].max()
    count = f"{most} seeds" if fewest == most else f"{fewest} to {most} seeds"
    same = _constant(found, keys, varying)
    note = "in brackets: area under the curve less the best one's, in the metric's unit"
    return "\n".join([*lines, "", f"{count}; {same}; {note}.", ""])


def _less(row: Mapping[str, Any]) -> str:
    return f"{row['strategy']} ({units.signed(row['difference'], float('nan'), row['metric'])})"


def carried(of: str) -> str:
    """Rank correlations of the strategies between settings that differ in one thing."""
    name, split = of.split("/")
    found = rows_of(table_of(name, "carried_orders"), split, headline(name))
    keys = [*present(found, SETTING), "trainer"]
    varying = [key for key in keys if found[key].nunique() > 1 or (found["varies"] == key).any()]
    head = [*varying, "ordered by", "strategies", "seeds", "Spearman", "95 % interval", "itself"]
    lines = [line(head), line(["---"] * (len(varying) + 1) + ["---:"] * 3 + ["---", "---:"])]
    for row in found.to_dict("records"):
        ids = {**row, row["varies"]: f"{row[row['varies']]} → {row['other']}"}
        lines.append(
            line(
                [
                    *(ids[key] for key in varying),
                    MEASURES[row["measure"]],
                    row["num_strategies"],
                    row["n_seeds"],
                    f"{row['correlation']:.2f}",
                    "–" if pd.isna(row["low"]) else f"{row['low']:.2f} to {row['high']:.2f}",
                    "–" if pd.isna(row["with_itself"]) else f"{row['with_itself']:.2f}",
                ]
            )
        )
    return "\n".join([*lines, "", f"{_constant(found, keys, varying)}.", ""])


def headroom(of: str) -> str:
    """Which share of what a ceiling gains every strategy takes, with Fieller's interval."""
    name, split = of.split("/")
    found = rows_of(table_of(name, "headroom"), split, headline(name))
    keys = present(found, SETTING)
    varying = [key for key in (*keys, "ceiling") if found[key].nunique() > 1]
    head = [*varying, "strategy"]
    for measure in MEASURES.values():
        head += [f"share, {measure}", "95 % interval"]
    lines = [line(head), line(["---"] * (len(varying) + 1) + ["---:", "---"] * len(MEASURES))]
    for names, rows in found.groupby([*keys, "ceiling", "strategy"], sort=False):
        own = dict(zip([*keys, "ceiling", "strategy"], names, strict=True))
        cells: list[str] = []
        for measure in MEASURES:
            part = rows[rows["measure"] == measure]
            cells += share_text(part.iloc[0].to_dict()) if len(part) else ("–", "–")
        lines.append(line([*(own[key] for key in (*varying, "strategy")), *cells]))
    seeds = f"{found['n_seeds'].max()} seeds"
    return "\n".join([*lines, "", f"{seeds}; {_constant(found, keys, varying)}.", ""])


def trainings(of: str) -> str:
    """Every training with one strategy, and what it adds to the first training of the list."""
    name, split, strategy = of.split("/")
    found = rows_of(table_of(name, "combined"), split, headline(name))
    found = found[found["strategy"] == strategy]
    keys = [key for key in present(found, SETTING) if key != "proxy"]
    varying = [key for key in keys if found[key].nunique() > 1]
    first = found["training"].iloc[0]
    head = [*varying, "labels", "training", "value", f"beyond {first}", "p (Holm)"]
    lines = [line(head), line(["---"] * len(varying) + ["---:", "---", "---:", "---:", "---:"])]
    for names, rows in found.groupby([*keys, "num_labeled", "training"], sort=False):
        own = dict(zip([*keys, "num_labeled", "training"], names, strict=True))
        row = rows.iloc[0]
        beyond = rows[(rows["compared"] == "training") & (rows["reference_training"] == first)]
        told = ["–", "–"]
        if len(beyond):
            one = beyond.iloc[0]
            told = [
                units.signed(one["difference"], one["half_width"], one["metric"]),
                p_text(one["p_holm"]),
            ]
        lines.append(
            line(
                [
                    *(own[key] for key in varying),
                    f"{own['num_labeled']:,}",
                    own["training"],
                    units.with_half_width(row["mean"], row["mean_half_width"], row["metric"]),
                    *told,
                ]
            )
        )
    return "\n".join([*lines, "", f"{_constant(found, keys, varying)}.", ""])
