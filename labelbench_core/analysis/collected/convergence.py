"""Trainings that did not end as they should; the tables hold their results unchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labelbench_core.analysis.collected.frames import SETTING, groups, present

if TYPE_CHECKING:
    import pandas as pd

CONVERGENCE_COLUMNS = (*SETTING, "trainer", "strategy", "failed", "at_edge", "trainings")


def count_failures(rounds: pd.DataFrame, finetuned: pd.DataFrame) -> pd.DataFrame:
    """How many trainings did not converge, diverged twice, or chose a penalty at the edge.

    Returns
    -------
    `CONVERGENCE_COLUMNS`, a row for each setting, trainer (empty for proxies) and strategy with
    such a training. Round 0 is counted for every strategy that starts from it.
    """
    import pandas as pd

    failures = []
    for frame in (rounds.assign(trainer=""), finetuned.assign(at_edge=0)):
        keys = [*present(rounds, SETTING), "trainer", "strategy"]
        trainings = frame.drop_duplicates([*keys, "seed", "round"])
        for names, part in groups(trainings, keys):
            failed, at_edge = int((part["converged"] == 0).sum()), int(part["at_edge"].sum())
            if failed or at_edge:
                counts = {"failed": failed, "at_edge": at_edge, "trainings": len(part)}
                failures.append({**names, **counts})
    return pd.DataFrame(failures, columns=present(rounds, CONVERGENCE_COLUMNS))
