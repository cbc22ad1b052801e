"""Mean rank of every strategy over budgets, with its spread over seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labelbench_core.analysis.collected.curves import t_interval
from labelbench_core.analysis.collected.frames import group_columns, groups
from labelbench_core.analysis.collected.units import of

if TYPE_CHECKING:
    import pandas as pd

RANK_COLUMNS = ("strategy", "n_seeds", "mean_rank", "half_width")


def mean_ranks(frame: pd.DataFrame) -> pd.DataFrame:
    """Rank (1 is best, ties share) at every seed and budget after round 0, averaged over budgets.

    Only seeds and budgets that all strategies of a group have count: a rank means nothing without
    the strategies that it is among. Best is lowest where lower is better. The 95 % t interval is
    over seeds.
    """
    import pandas as pd

    keys = group_columns(frame)
    later = frame[frame["round"] > 0]
    field = later.groupby(keys)["strategy"].transform("nunique")
    present_at = later.groupby([*keys, "seed", "round"])["strategy"].transform("nunique")
    later = later[present_at == field].copy()
    later["value"] *= later["metric"].map(lambda metric: of(metric).sign)
    later["rank"] = later.groupby([*keys, "seed", "round"])["value"].rank(ascending=False)
    rows = []
    for names, part in groups(later, [*keys, "strategy"]):
        per_seed = part.groupby("seed")["rank"].mean().to_numpy()
        mean, half = t_interval(per_seed)
        rows.append({**names, "n_seeds": len(per_seed), "mean_rank": mean, "half_width": half})
    return pd.DataFrame(rows, columns=[*keys, *RANK_COLUMNS])
