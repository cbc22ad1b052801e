"""Training and selection together: does unlabelled data help, does selecting, do both?

Every other table compares strategies under one proxy. Here all pairs of a training (a proxy, or an
end-to-end fine-tuning) and a strategy stand beside each other, as in the paper's main figures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from labelbench_core.analysis.comparisons import COMPARISON_COLUMNS, holm, paired_test
from labelbench_core.analysis.curves import t_interval
from labelbench_core.analysis.frames import SETTING, groups

if TYPE_CHECKING:
    import pandas as pd

PROBLEM = tuple(key for key in SETTING if key != "proxy")
"""What has to be equal for two trainings to be compared."""
GROUP = (*PROBLEM, "trained", "split", "metric")
PROXY, END_TO_END = "proxy", "end to end"
COMBINED_COLUMNS = (
    *GROUP,
    "training",
    "strategy",
    "round",
    "num_labeled",
    "mean",
    "mean_half_width",
    "reference",
    *COMPARISON_COLUMNS,
)


def compare_combinations(
    rounds: pd.DataFrame, finetuned: pd.DataFrame, baseline: str
) -> pd.DataFrame:
    """Every pair of training and strategy against the first training with the baseline strategy.

    Parameters
    ----------
    rounds, finetuned
        Methods only, in the order of the experiment's lists; `finetuned` may be empty.
    baseline
        Strategy of the reference.

    Returns
    -------
    `COMBINED_COLUMNS`, in units of the metric; groups with a single training are left out.
    `training` is a proxy or, where `trained` is "end to end", "trainer after proxy". Means are
    over all seeds of the pair, differences over the seeds that it shares with the reference.
    Holm's correction runs over all pairs and budgets of a group.
    """
    import pandas as pd

    parts = [rounds.assign(trained=PROXY, training=rounds["proxy"])]
    if len(finetuned):
        names = _charged(finetuned) + " after " + finetuned["proxy"]
        parts.append(finetuned.assign(trained=END_TO_END, training=names))
    tables = []
    for names, rows in groups(pd.concat(parts, ignore_index=True), GROUP):
        if rows["training"].nunique() > 1:
            tables.append(_compare(rows, names, baseline))
    if not tables:
        return pd.DataFrame(columns=list(COMBINED_COLUMNS))
    return pd.concat(tables, ignore_index=True)[list(COMBINED_COLUMNS)]


def _charged(finetuned: pd.DataFrame) -> pd.Series:
    """Trainers' names, with the labels that they spend beside those bought."""
    extra = finetuned["extra_labels"].map(lambda count: f" (+{count:,.0f} labels)" if count else "")
    return finetuned["trainer"] + extra


def _compare(rows: pd.DataFrame, names: dict, baseline: str) -> pd.DataFrame:
    import pandas as pd

    known = rows[rows["strategy"] == baseline]
    first = (known if len(known) else rows).iloc[0]
    reference = (first["training"], first["strategy"])
    curves = {
        pair: part.set_index(["num_labeled", "seed"])["value"]
        for pair, part in rows.groupby(["training", "strategy"], sort=False)
    }
    found = []
    for (training, strategy), part in rows.groupby(["training", "strategy"], sort=False):
        ours, theirs = curves[training, strategy], curves[reference]
        for count, cell in part.groupby("num_labeled", sort=True):
            shared = theirs.index.intersection(ours.index)
            shared = shared[shared.get_level_values("num_labeled") == count]
            mean, half = t_interval(cell["value"].to_numpy())
            number = cell["round"].iloc[0]
            row = {**names, "training": training, "strategy": strategy}
            row |= {"round": number, "num_labeled": count}
            row |= {"mean": mean, "mean_half_width": half, "reference": " + ".join(reference)}
            # The first labels are those of every strategy: one test is enough.
            is_new = number > 0 or strategy == reference[1]
            if (training, strategy) != reference and is_new and len(shared):
                row |= paired_test((ours[shared] - theirs[shared]).to_numpy())
            found.append(row)
    table = pd.DataFrame(found).reindex(columns=list(COMBINED_COLUMNS))
    table["p_holm"] = holm(table["p_value"].to_numpy())
    return table
