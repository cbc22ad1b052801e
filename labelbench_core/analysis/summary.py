"""The numbers that matter, for `summary.json`, the end of `make demo` and the top of the report."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from labelbench_core.analysis.collected.ceilings import FULL_DATA, METHOD, full_data_of
from labelbench_core.analysis.collected.frames import (
    SETTING,
    SPENT_ON_VALIDATION,
    groups,
    ordered_splits,
    setting_name,
)
from labelbench_core.analysis.collected.units import difference_text, of, signed, value_text
from labelbench_core.analysis.comparisons.best import BEST_COLUMNS, best_text
from labelbench_core.analysis.comparisons.finetuning import verdict
from labelbench_core.analysis.savings.label_savings import (
    DEFINITIONS,
    HEADLINE,
    interval_text,
    may_be_one,
    saving_text,
)
from labelbench_core.analysis.tables import p_text
from labelbench_core.configuration.experiment import Experiment

if TYPE_CHECKING:
    import pandas as pd

SAVING_FIELDS = ("level", "saving", "bound", "low", "low_bound", "high", "high_bound", "n_seeds")
FINETUNING_FIELDS = ("finetuned", "proxy_value", "difference", "low", "high", "p_holm")
DIFFERENCE_FIELDS = ("difference", "low", "high", "p_value", "detectable")
COUNTS = ("n_seeds", *SPENT_ON_VALIDATION)
WHOLE = (*COUNTS, "first_labels", "last_labels")
"""Cells that are whole numbers."""


def summarise_experiment(
    experiment: Experiment,
    curves: pd.DataFrame,
    savings: pd.DataFrame,
    finetuning: pd.DataFrame,
    best: pd.DataFrame,
    comparisons: pd.DataFrame,
) -> dict[str, Any]:
    """What `summary.json` holds, from the tables of these names.

    Per setting that has `highlight` or `baseline`: on every split, the strategies by area under the
    curve, the best first, and how sure that is; the label saving of `highlight` over `baseline` by
    both definitions; the value of both at their last common budget with its interval, and their
    difference there; the last values of ceilings; and what fine-tuning adds to both at the largest
    fine-tuned budget. Numbers that do not exist (an interval of one seed) are null.
    """
    pair = list(dict.fromkeys([experiment.highlight, experiment.baseline]))
    curves = curves[curves["metric"] == experiment.metric]
    settings = []
    for names, rows in groups(curves[curves["strategy"].isin(pair)], SETTING):
        last = rows[rows["round"] == rows.groupby("strategy")["round"].max().min()]
        settings.append(
            {
                **names,
                "num_labeled": int(last["num_labeled"].iloc[0]),
                "splits": ordered_splits(last["split"]),
                "final": {
                    row["strategy"]: {
                        split["split"]: _plain(split, ("mean", "low", "high", "n_seeds"))
                        for _, split in last[last["strategy"] == row["strategy"]].iterrows()
                    }
                    for _, row in last.drop_duplicates("strategy").iterrows()
                },
                "best": _best(_matching(best, names), experiment),
                "last_difference": _last_difference(
                    _matching(comparisons, names), experiment, int(last["num_labeled"].iloc[0])
                ),
                "ceilings": _ceilings(curves, names),
                "saving": _savings(_matching(savings, names), experiment),
                "finetuning": _finetuning(_matching(finetuning, names), experiment, pair),
            }
        )
    return {
        "experiment": experiment.experiment,
        "baseline": experiment.baseline,
        "highlight": experiment.highlight,
        "metric": experiment.metric,
        "headline_definition": HEADLINE,
        "settings": settings,
    }


def _best(best: pd.DataFrame, experiment: Experiment) -> dict[str, list[dict[str, Any]]]:
    rows = best[best["metric"] == experiment.metric]
    return {
        split: [_plain(row, BEST_COLUMNS) for _, row in rows[rows["split"] == split].iterrows()]
        for split in ordered_splits(rows["split"])
    }


def _last_difference(
    comparisons: pd.DataFrame, experiment: Experiment, num_labeled: int
) -> dict[str, dict[str, Any]]:
    """Split → the highlighted strategy's value minus the baseline's, with that many labels.

    This is one comparison, chosen beforehand: its verdict is by its own p-value, not by one that is
    corrected for all strategies and budgets, and so never contradicts its interval.
    """
    rows = comparisons[
        (comparisons["metric"] == experiment.metric)
        & (comparisons["strategy"] == experiment.highlight)
        & (comparisons["num_labeled"] == num_labeled)
    ]
    found = {}
    for _, row in rows.iterrows():
        values = _plain(row, ("n_seeds", *DIFFERENCE_FIELDS))
        values["verdict"] = verdict(row["difference"], row["p_value"], experiment.metric)
        found[row["split"]] = values
    return found


def _ceilings(curves: pd.DataFrame, names: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Ceiling → number of labels and, on every split, its value with them."""
    rows = _matching(curves, names)
    found = {}
    for table in (rows[~rows["kind"].isin([METHOD, FULL_DATA])], full_data_of(curves, names)):
        for ceiling, part in table.groupby("strategy", sort=False):
            last = part[part["round"] == part["round"].max()]
            found[ceiling] = {
                "num_labeled": int(last["num_labeled"].iloc[0]),
                "splits": {
                    row["split"]: _plain(row, ("mean", "low", "high", "n_seeds"))
                    for _, row in last.iterrows()
                },
            }
    return found


def _savings(savings: pd.DataFrame, experiment: Experiment) -> dict[str, dict[str, Any]]:
    rows = savings[savings["strategy"] == experiment.highlight]
    rows = rows[rows["metric"] == experiment.metric]
    return {
        definition: {
            row["split"]: _plain(row, SAVING_FIELDS)
            for _, row in rows[rows["definition"] == definition].iterrows()
        }
        for definition in DEFINITIONS
    }


def _finetuning(table: pd.DataFrame, experiment: Experiment, pair: list[str]) -> list[dict]:
    """Per trainer: fine-tuned against proxy at the largest fine-tuned budget, on every split."""
    rows = table[(table["metric"] == experiment.metric) & table["strategy"].isin(pair)]
    results = []
    for names, part in groups(rows, ["trainer"]):
        last = part[part["round"] == part["round"].max()]
        strategies: dict[str, dict] = {}
        for _, row in last.iterrows():
            values = _plain(row, (*FINETUNING_FIELDS, *COUNTS))
            values["verdict"] = verdict(row["difference"], row["p_holm"], experiment.metric)
            strategies.setdefault(row["strategy"], {})[row["split"]] = values
        labels = int(last["num_labeled"].iloc[0])
        results.append({**names, "num_labeled": labels, "strategies": strategies})
    return results


def _matching(frame: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    keep = frame["dataset"].notna()
    for key, value in names.items():
        keep &= frame[key] == value
    return frame[keep]


def _plain(row: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """Named cells of a row as JSON values: ten digits, null for NaN."""
    values: dict[str, Any] = {}
    for name in names:
        value = row[name]
        if isinstance(value, str):
            values[name] = value
        elif name in WHOLE:
            values[name] = int(value)
        else:
            values[name] = None if math.isnan(value) else float(f"{value:.10g}")
    return values


def nan(value: float | None) -> float:
    """A number of `summary.json` as a float: null is NaN."""
    return math.nan if value is None else value


def saving_cell(entry: Mapping[str, Any]) -> tuple[str, str]:
    """A saving of `summary.json` as text, and its interval."""
    interval = interval_text(
        nan(entry["low"]), entry["low_bound"], nan(entry["high"]), entry["high_bound"]
    )
    return saving_text(nan(entry["saving"]), entry["bound"]), interval


def saving_note(entry: Mapping[str, Any]) -> str:
    """How sure a saving of `summary.json` is: words where it cannot be told from 1×, else none."""
    seeds = entry["n_seeds"]
    if entry["bound"] == "undefined" or entry["saving"] is None:
        return ""
    if entry["low"] is None:
        few = "one seed" if seeds == 1 else f"these {seeds} seeds"
        return f"with {few} there is no interval, and it cannot be told from 1×"
    ends = nan(entry["low"]), entry["low_bound"], nan(entry["high"]), entry["high_bound"]
    return f"with these {seeds} seeds it cannot be told from 1×" if may_be_one(*ends) else ""


def mean_text(entry: Mapping[str, Any], metric: str) -> str:
    """A mean of `summary.json` with its interval as text."""
    mean, low, high = (value_text(entry[key], metric) for key in ("mean", "low", "high"))
    if entry["low"] is None:
        return f"{mean} (one seed)"
    return f"{mean} (95 % interval {low} to {high})"


def finetuning_text(entry: Mapping[str, Any], metric: str) -> str:
    """The effect of fine-tuning on one strategy, as a sentence without its subject."""
    points = difference_text(entry["difference"], metric)
    if entry["extra_labels"]:
        points += f", for {entry['extra_labels']:,} more labels"
    if entry["n_seeds"] < 2:
        return f"{points} on a single seed, too few to tell a difference"
    if entry["low"] is None or math.isnan(entry["low"]):
        return (
            f"{points} with each of {entry['n_seeds']} seeds, without the spread that a test needs"
        )
    low, high = (signed(entry[end], math.nan, metric) for end in ("low", "high"))
    # The test is corrected for the number of comparisons, the interval is not: they can disagree.
    interval = f"uncorrected 95 % interval {low} to {high}"
    unsure = "not distinguishable from the proxy"
    if entry["low"] > 0 or entry["high"] < 0:
        unsure += " when corrected for the number of comparisons"
    words = {
        "better": "better than the proxy",
        "worse": "worse than the proxy",
        "not distinguishable": unsure,
    }[entry["verdict"]]
    tested = f"corrected p {p_text(nan(entry['p_holm']))}, {entry['n_seeds']} seeds"
    return f"{words}: {points} ({interval}, {tested})"


def last_difference_text(entry: Mapping[str, Any], pair: tuple[str, str], metric: str) -> str:
    """By how much the first of `pair` differs from the second at the last common budget."""
    first, second = pair
    points = difference_text(entry["difference"], metric)
    if entry["n_seeds"] < 2:
        return f"{first} minus {second}: {points} on a single seed, too few to tell a difference"
    if entry["low"] is None or math.isnan(entry["low"]):
        told = f"{first} minus {second}: {points} with each of {entry['n_seeds']} seeds"
        return f"{told}, without the spread that a test needs"
    low, high = (signed(entry[end], math.nan, metric) for end in ("low", "high"))
    words = {
        "better": f"{first} is better than {second}",
        "worse": f"{first} is worse than {second}",
        "not distinguishable": f"{first} cannot be told from {second}",
    }[entry["verdict"]]
    told = f"95 % interval {low} to {high}, p {p_text(nan(entry['p_value']))}"
    if entry.get("detectable") is not None and math.isfinite(entry["detectable"]):
        smallest = value_text(entry["detectable"], metric).split(" ")[0]
        told += f"; detectable with 80 % power: {smallest} {of(metric).unit_of_differences}"
    return f"{words}: {points} ({told})"


def summary_lines(summary: Mapping[str, Any]) -> list[str]:
    """The headline numbers of `summary.json` as lines for a terminal."""
    highlight, baseline, metric = (summary[key] for key in ("highlight", "baseline", "metric"))
    compared = "" if highlight == baseline else f" compared with {baseline}"
    lines = [f"Experiment {summary['experiment']}: {highlight}{compared}"]
    for setting in summary["settings"]:
        lines += ["", setting_name(setting)]
        for name, rows in setting["best"].items():
            if name == setting["splits"][0] and rows:
                lines.append(f"  {best_text(rows, name, metric)}")
        if highlight != baseline:
            lines += _saving_lines(setting)
        split = setting["splits"][0]
        for strategy, values in setting["final"].items():
            where = f"{split} {metric}, {setting['num_labeled']:,} labels, {strategy}"
            lines.append(f"  {where}: {mean_text(values[split], metric)}")
        if difference := setting["last_difference"].get(split):
            text = last_difference_text(difference, (highlight, baseline), metric)
            lines.append(f"  {split} {metric}, {setting['num_labeled']:,} labels: {text}")
        for ceiling, entry in setting["ceilings"].items():
            where = f"{split} {metric}, {entry['num_labeled']:,} labels, {ceiling} (ceiling)"
            lines.append(f"  {where}: {mean_text(entry['splits'][split], metric)}")
        for entry in setting["finetuning"]:
            for strategy, values in entry["strategies"].items():
                if split in values:
                    where = f"({entry['trainer']}), {entry['num_labeled']:,} labels, {strategy}"
                    text = finetuning_text(values[split], metric)
                    lines.append(f"  fine-tuned {where}: {text}")
    return lines


def _saving_lines(setting: Mapping[str, Any]) -> list[str]:
    lines = []
    for split in ("test", "pool"):
        entry = setting["saving"][HEADLINE].get(split)
        if entry is not None:
            value, interval = saving_cell(entry)
            note = f" (95 % interval {interval})" if interval else ""
            unsure = saving_note(entry)
            told = f"{value}{note}" + (f"; {unsure}" if unsure else "")
            lines.append(f"  label saving on {split}: {told}")
    return lines
