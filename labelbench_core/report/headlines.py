"""The first screen of a report: the best strategies, then the highlighted one, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from labelbench_core.analysis.collected.frames import setting_name
from labelbench_core.analysis.collected.units import value_text
from labelbench_core.analysis.comparisons.best import SAME, best_line, best_text
from labelbench_core.analysis.savings.label_savings import HEADLINE
from labelbench_core.analysis.summary import (
    finetuning_text,
    last_difference_text,
    saving_cell,
    saving_note,
)


def headlines(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The numbers at the top of the page, as text: one entry per setting."""
    entries, metric = [], summary["metric"]
    pair = (summary["highlight"], summary["baseline"])
    for setting in summary["settings"]:
        split = setting["splits"][0]
        best = setting["best"].get(split, [])
        screens = {name: _first_screen(setting, name, pair, metric) for name in setting["splits"]}
        difference = setting["last_difference"].get(split)
        found = setting["saving"][HEADLINE]
        savings = [(name, *saving_cell(found[name])) for name in setting["splits"] if name in found]
        tuned = [
            (
                entry["trainer"],
                entry["num_labeled"],
                strategy,
                finetuning_text(values[split], metric),
            )
            for entry in setting["finetuning"]
            for strategy, values in entry["strategies"].items()
            if split in values
        ]
        final = {
            strategy: (
                value_text(values[split]["mean"], metric),
                _plus_minus(values[split], metric),
                values[split]["n_seeds"],
            )
            for strategy, values in setting["final"].items()
        }
        ceilings = [
            (
                name,
                f"{entry['num_labeled']:,}",
                value_text(entry["splits"][split]["mean"], metric),
            )
            for name, entry in setting["ceilings"].items()
        ]
        entries.append(
            {
                **screens[split],
                "screens": screens,
                "name": setting_name(setting),
                "split": split,
                "num_labeled": f"{setting['num_labeled']:,}",
                "savings": savings,
                "unsure": saving_note(found[split]) if split in found else "",
                "final": final,
                "ceilings": ceilings,
                "finetuning": tuned,
                "best": best_text(best, split, metric) if best else "",
                "first": first_text(best),
                "difference": last_difference_text(difference, pair, metric) if difference else "",
            }
        )
    return entries


def _first_screen(
    setting: Mapping[str, Any], split: str, pair: tuple[str, str], metric: str
) -> dict[str, str]:
    """The best strategies, and one sentence and number with its interval: see `_number`."""
    best = setting["best"].get(split, [])
    leading = best_line(best, split, metric) if best else ""
    return {"leading": leading, **_number(setting, split, pair, metric)}


def _number(
    setting: Mapping[str, Any], split: str, pair: tuple[str, str], metric: str
) -> dict[str, str]:
    """One sentence and one number with its interval: the label saving, or else the last value."""
    highlight, baseline = pair
    saving = setting["saving"][HEADLINE].get(split)
    if saving and saving["bound"] != "undefined" and highlight != baseline:
        number, interval = saving_cell(saving)
        count = number.removesuffix("×").replace(">", "more than").replace("<", "less than")
        unsure = saving_note(saving)
        return {
            "sentence": f"For the {split} {metric} that {baseline} ends with, {baseline} needs "
            f"{count} times the labels that {highlight} needs"
            + (f", but {unsure}." if unsure else "."),
            "number": number,
            "interval": f"95 % interval {interval}" if interval else "no interval",
            "what": f"labels of {baseline} ÷ labels of {highlight}",
        }
    name = next((one for one in pair if split in setting["final"].get(one, {})), "")
    if not name:
        return {"sentence": "", "number": "", "interval": "", "what": ""}
    last = setting["final"][name][split]
    return {
        "sentence": f"With {setting['num_labeled']:,} labels, the last, {name} has a {split} "
        f"{metric} of {value_text(last['mean'], metric)}.",
        "number": value_text(last["mean"], metric),
        "interval": ("95 % interval " if last["low"] is not None else "")
        + _plus_minus(last, metric),
        "what": f"{split} {metric}, mean over seeds",
    }


def _plus_minus(entry: Mapping[str, Any], metric: str) -> str:
    if entry["low"] is None:
        return "one seed, no interval"
    return f"{value_text(entry['low'], metric)} to {value_text(entry['high'], metric)}"


def first_text(best: Sequence[Mapping[str, Any]]) -> str:
    """The best strategy by area and those that cannot be told from it, for a table."""
    if not best:
        return "–"
    others = [row["strategy"] for row in best if row["verdict"] == SAME]
    return best[0]["strategy"] + (f" (or {', '.join(others)})" if others else "")
