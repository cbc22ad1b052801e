"""Training and selection together: what unlabelled data, selection, and both add.

Every other table compares strategies under one proxy. Here all pairs of a training (a proxy, or an
end-to-end fine-tuning) and a strategy are compared, as in the paper's main figures.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from labelbench_core.analysis.collected.curves import t_interval
from labelbench_core.analysis.collected.frames import SETTING, groups, present
from labelbench_core.analysis.comparisons.paired import COMPARISON_COLUMNS, holm, paired_test

if TYPE_CHECKING:
    import pandas as pd

PROBLEM = tuple(key for key in SETTING if key != "proxy")
"""Columns that must be equal for two trainings to be compared."""
GROUP = (*PROBLEM, "trained", "split", "metric")
PROXY, END_TO_END = "proxy", "end to end"
SELECTION, TRAINING, BOTH = "selection", "training", "both"
COMBINED_COLUMNS = (
    *GROUP,
    "training",
    "strategy",
    "round",
    "num_labeled",
    "mean",
    "mean_half_width",
    "compared",
    "reference_training",
    "reference_strategy",
    *COMPARISON_COLUMNS,
)
StrategyPair = tuple[str, str]


def compare_combinations(
    rounds: pd.DataFrame, finetuned: pd.DataFrame, baseline: str, on_images: Collection[str] = ()
) -> pd.DataFrame:
    """Every pair of training and strategy, and what its training, its strategy, and both add.

    Parameters
    ----------
    rounds, finetuned
        Methods only, in the order of the experiment's lists; `finetuned` may be empty.
    baseline
        Strategy that the others are compared with; if it is missing, the first one.
    on_images
        Proxies that train on images: they also count as end-to-end trainings, so that selection by
        fine-tuning is compared with fine-tuning after selection by a proxy.

    Returns
    -------
    `COMBINED_COLUMNS`, in units of the metric; groups with a single training are left out.
    `training` is a proxy or, for a fine-tuning, "trainer after proxy". A pair has a row per budget
    and per pair that it is compared with. `compared` says what differs between the two: the
    "selection" (same training, baseline strategy), the "training" (same strategy, every training
    before it in the experiment's lists), or "both" (first training, baseline strategy); it is empty
    if there is nothing to compare with. Means are over all seeds of the pair, differences over the
    seeds that both have. Holm's correction runs over all rows of a group with the same `compared`.
    """
    import pandas as pd

    parts = [rounds.assign(trained=PROXY, training=rounds["proxy"])]
    if len(finetuned):
        names = _charged(finetuned) + " after " + finetuned["proxy"]
        parts.append(finetuned.assign(trained=END_TO_END, training=names))
    deep = rounds[rounds["proxy"].isin(on_images)]
    parts.append(deep.assign(trained=END_TO_END, training=deep["proxy"]))
    tables = []
    for names, rows in groups(pd.concat(parts, ignore_index=True), GROUP):
        if rows["training"].nunique() > 1:
            tables.append(_compare(rows, names, baseline))
    if not tables:
        return pd.DataFrame(columns=present(rounds, COMBINED_COLUMNS))
    return pd.concat(tables, ignore_index=True)


def _charged(finetuned: pd.DataFrame) -> pd.Series:
    """Trainers' names, with the labels that they spend in addition to those bought."""
    extra = finetuned["extra_labels"].map(lambda count: f" (+{count:,.0f} labels)" if count else "")
    return finetuned["trainer"] + extra


def _compare(rows: pd.DataFrame, names: dict, baseline: str) -> pd.DataFrame:
    import pandas as pd

    if baseline not in set(rows["strategy"]):
        baseline = rows["strategy"].iloc[0]
    curves = {
        pair: part.set_index(["num_labeled", "seed"])["value"]
        for pair, part in rows.groupby(["training", "strategy"], sort=False)
    }
    found = []
    for pair, part in rows.groupby(["training", "strategy"], sort=False):
        references = _references(pair, list(curves), baseline)
        for count, cell in part.groupby("num_labeled", sort=True):
            mean, half = t_interval(cell["value"].to_numpy())
            number = cell["round"].iloc[0]
            row = {**names, "training": pair[0], "strategy": pair[1]}
            row |= {"round": number, "num_labeled": count}
            row |= {"mean": mean, "mean_half_width": half}
            tests = []
            # All strategies share the first labels, which therefore compare trainings only, and
            # only once.
            if number > 0 or pair[1] == baseline:
                for compared, other in references:
                    theirs = curves[other].reindex(cell.set_index(["num_labeled", "seed"]).index)
                    differences = cell["value"].to_numpy() - theirs.to_numpy()
                    shared = differences[theirs.notna().to_numpy()]
                    if len(shared):
                        what = {"compared": compared, "reference_training": other[0]}
                        what["reference_strategy"] = other[1]
                        tests.append({**row, **what, **paired_test(shared, names["metric"])})
            found += tests or [row]
    table = pd.DataFrame(found).reindex(columns=present(rows, COMBINED_COLUMNS))
    for _, part in table.groupby("compared"):
        table.loc[part.index, "p_holm"] = holm(part["p_value"].to_numpy())
    text = ["compared", "reference_training", "reference_strategy"]
    return table.assign(**table[text].fillna(""))


def _references(
    pair: StrategyPair, pairs: list[StrategyPair], baseline: str
) -> list[tuple[str, StrategyPair]]:
    """What differs, and from which pair; `pairs` in the order of the experiment's lists."""
    training, strategy = pair
    trainings = list(dict.fromkeys(name for name, _ in pairs))
    before = trainings[: trainings.index(training)]
    found = [(TRAINING, (other, strategy)) for other in before]
    if strategy != baseline:
        found.insert(0, (SELECTION, (training, baseline)))
        if before:
            found.append((BOTH, (trainings[0], baseline)))
    return [(what, other) for what, other in found if other in pairs]
