"""What others' strategies bought, compared with what ours of the same name buy.

Both have the same budget and start from the same labels, and the same proxy is trained on what each
buys, so that only the selection differs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from labelbench_core.analysis.collected.balance import entropy
from labelbench_core.analysis.collected.curves import t_interval
from labelbench_core.analysis.collected.frames import (
    SETTING,
    groups,
    ordered_splits,
    present,
    setting_name,
)
from labelbench_core.analysis.collected.units import signed, with_half_width
from labelbench_core.analysis.comparisons.paired import SIGNIFICANCE, holm, paired_test
from labelbench_core.analysis.tables import TextTable
from labelbench_core.configuration.experiment import EXACT, Experiment, annotator_of
from labelbench_core.datasets import class_counts
from labelbench_core.storage.records import ROUND, read_record
from labelbench_core.storage.round_files import INITIAL

if TYPE_CHECKING:
    import pandas as pd

OVERLAP = ("shared", "jaccard", "by_chance")
BALANCE = ("smallest_class", "largest_class", "entropy")
REPLAY_COLUMNS = (
    *SETTING,
    "split",
    "metric",
    "strategy",
    "reference_strategy",
    "round",
    "num_labeled",
    "n_seeds",
    *OVERLAP,
    *BALANCE,
    *(f"reference_{name}" for name in BALANCE),
    "mean",
    "mean_half_width",
    "reference_mean",
    "reference_half_width",
    "difference",
    "half_width",
    "low",
    "high",
    "p_value",
    "p_holm",
)
Picks = Mapping[tuple[Any, ...], list[np.ndarray]]
"""Ids of the setting, strategy, seed → what was bought in each round."""


def read_picks(
    experiment: Experiment, strategies: Sequence[str], round_pattern: str, initial_pattern: str
) -> Picks:
    """What `strategies` bought in every round, from the rounds' records, the ids in braces."""
    found: dict[tuple[Any, ...], list[np.ndarray]] = {}
    for ids in experiment.selections():
        if ids["strategy"] not in strategies:
            continue
        first = ids["round"] == 0
        expected = {key: ids[key] for key in ROUND} | ({"strategy": INITIAL} if first else {})
        path = (initial_pattern if first else round_pattern).format_map(ids)
        bought = np.array(read_record(path, "round", expected)["bought"], np.int64)
        setting = {**ids, "annotator": annotator_of(ids)}
        key = (*(setting[name] for name in SETTING), ids["strategy"], ids["seed"])
        found.setdefault(key, []).append(bought)
    return found


def overlap(theirs: Sequence[np.ndarray], ours: Sequence[np.ndarray], rows: int) -> dict:
    """How much of what was bought by choice is the same.

    Parameters
    ----------
    theirs, ours
        What was bought in rounds 0, 1, …; round 0 was not chosen, and is left out.
    rows
        Number of rows of the pool.

    Returns
    -------
    `shared`, the share of theirs that ours bought, too; `jaccard`, what both bought over what
    either did; and `by_chance`, what two independent uniform draws would share.
    """
    first, second = (set(np.concatenate(one[1:]).tolist()) for one in (theirs, ours))
    both = len(first & second)
    return {
        "shared": both / len(first),
        "jaccard": both / len(first | second),
        "by_chance": len(second) / (rows - len(theirs[0])),
    }


def balance(bought: Sequence[np.ndarray], labels: np.ndarray) -> dict[str, float]:
    """How classes are spread over what was bought, initial labels included.

    Parameters
    ----------
    labels
        (N,) classes of the pool from 0 or, where a row can belong to any number, (N, C) of 0 and 1.

    Returns
    -------
    The rows of the smallest and of the largest of the pool's classes, and the entropy of their
    shares in bits: log₂ C where all are equal.
    """
    chosen = labels[np.concatenate(bought)]
    several = labels.ndim > 1
    counts = class_counts(chosen, 0 if several else int(labels.max()) + 1)
    if not several:
        counts = counts[np.bincount(labels) > 0]
    return {
        "smallest_class": float(counts.min()),
        "largest_class": float(counts.max()),
        "entropy": entropy(counts),
    }


def compare_replays(
    rounds: pd.DataFrame,
    pairs: Mapping[str, Sequence[str]],
    picks: Picks,
    labels: Mapping[str, np.ndarray],
) -> pd.DataFrame:
    """Overlap, class balance and metrics of recorded selections and of ours, by number of labels.

    Parameters
    ----------
    rounds
        The table of `collect_curves`.
    pairs
        Strategy that buys a recorded list → strategies that it is compared with.
    picks
        What `read_picks` returned.
    labels
        Data set → labels of its pool.

    Returns
    -------
    Columns as `REPLAY_COLUMNS`. `strategy` buys the recorded list; `reference_…` describe ours.
    All are means over the seeds that both have; `difference` is theirs minus ours, paired by seed.
    Holm's correction runs over all pairs and budgets of a setting, split and metric. Round 0, which
    both share, is left out.
    """
    import pandas as pd

    described: dict[tuple, dict[str, float]] = {}
    tables = []
    for names, rows in groups(rounds[rounds["round"] > 0], [*SETTING, "split", "metric"]):
        setting = tuple(names.get(key, EXACT) for key in SETTING)
        results = []
        for strategy, reference, cell in _cells(rows, pairs):
            number = int(cell["round"].iloc[0])
            seeds = cell["seed"].tolist()
            key = (setting, strategy, reference, number)
            if key not in described:
                described[key] = _described(
                    [
                        (
                            picks[(*setting, strategy, seed)][: number + 1],
                            picks[(*setting, reference, seed)][: number + 1],
                        )
                        for seed in seeds
                    ],
                    labels[names["dataset"]],
                )
            mean, half = t_interval(cell["value"].to_numpy())
            other, other_half = t_interval(cell["value_reference"].to_numpy())
            results.append(
                {
                    **names,
                    "strategy": strategy,
                    "reference_strategy": reference,
                    "round": number,
                    "num_labeled": int(cell["num_labeled"].iloc[0]),
                    **described[key],
                    "mean": mean,
                    "mean_half_width": half,
                    "reference_mean": other,
                    "reference_half_width": other_half,
                    **paired_test(
                        (cell["value"] - cell["value_reference"]).to_numpy(), names["metric"]
                    ),
                }
            )
        if results:
            part = pd.DataFrame(results)
            part["p_holm"] = holm(part["p_value"].to_numpy())
            tables.append(part[present(part, REPLAY_COLUMNS)])
    if not tables:
        return pd.DataFrame(columns=present(rounds, REPLAY_COLUMNS))
    return pd.concat(tables, ignore_index=True)


def _cells(
    rows: pd.DataFrame, pairs: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """(strategy, ours, values of both in one round, a row per seed) of every pair and round."""
    on = ["seed", "round", "num_labeled"]
    for strategy, ours in pairs.items():
        theirs = rows[rows["strategy"] == strategy]
        for reference in ours:
            other = rows.loc[rows["strategy"] == reference, [*on, "value"]]
            paired = theirs.merge(other, on=on, suffixes=("", "_reference"))
            for _, cell in groups(paired.sort_values(["round", "seed"]), ["round"]):
                yield strategy, reference, cell


def _described(
    bought: Sequence[tuple[list[np.ndarray], list[np.ndarray]]], labels: np.ndarray
) -> dict[str, float]:
    """Means over seeds of overlap and balances; `bought` has theirs and ours of every seed."""
    each = []
    for theirs, ours in bought:
        reference = {f"reference_{name}": value for name, value in balance(ours, labels).items()}
        found = overlap(theirs, ours, len(labels))
        each.append({**found, **balance(theirs, labels), **reference})
    return {name: float(np.mean([one[name] for one in each])) for name in each[0]}


def replay_tables(table: pd.DataFrame, metric: str) -> list[TextTable]:
    """Text tables: one per setting and split, a row per pair and number of labels.

    Shares and values in percent, differences in points, starred where p (Holm) < 0.05.
    """
    columns = (
        "recorded",
        "ours",
        "labels",
        "shared",
        "Jaccard",
        "by chance",
        "class sizes, recorded",
        "class sizes, ours",
        "entropy, recorded",
        "entropy, ours",
        "recorded in %",
        "ours in %",
        "difference",
        "seeds",
    )
    tables = []
    for names, rows in groups(table[table["metric"] == metric], SETTING):
        for split in ordered_splits(rows["split"]):
            cells = tuple(_row(row) for _, row in rows[rows["split"] == split].iterrows())
            title = f"recorded selections and ours, {split} {metric}, {setting_name(names)}"
            tables.append(TextTable(title, columns, cells, num_names=2))
    return tables


def _row(row: pd.Series) -> tuple[str, ...]:
    star = "*" if not math.isnan(row["p_holm"]) and row["p_holm"] < SIGNIFICANCE else ""
    return (
        row["strategy"],
        row["reference_strategy"],
        f"{row['num_labeled']:,}",
        *(f"{100 * row[name]:.1f} %" for name in OVERLAP),
        *(
            f"{row[f'{whose}smallest_class']:,.0f}–{row[f'{whose}largest_class']:,.0f}"
            for whose in ("", "reference_")
        ),
        *(f"{row[f'{whose}entropy']:.2f}" for whose in ("", "reference_")),
        with_half_width(row["mean"], row["mean_half_width"], row["metric"]),
        with_half_width(row["reference_mean"], row["reference_half_width"], row["metric"]),
        signed(row["difference"], row["half_width"], row["metric"]) + star,
        str(row["n_seeds"]),
    )
