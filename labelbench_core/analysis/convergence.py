"""Which trainings did not end well: results that stand in the tables as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labelbench_core.analysis.frames import SETTING, groups

if TYPE_CHECKING:
    import pandas as pd

CONVERGENCE_COLUMNS = (*SETTING, "trainer", "strategy", "failed", "trainings")


def count_failures(rounds: pd.DataFrame, finetuned: pd.DataFrame) -> pd.DataFrame:
    """How many trainings did not converge, or diverged twice, where there is one.

    Returns
    -------
    `CONVERGENCE_COLUMNS`, a row for each setting, trainer (empty for proxies) and strategy with a
    failed training. Round 0 is counted for every strategy that starts from it.
    """
    import pandas as pd

    failures = []
    for frame in (rounds.assign(trainer=""), finetuned):
        keys = [*SETTING, "trainer", "strategy"]
        trainings = frame.drop_duplicates([*keys, "seed", "round"])
        for names, part in groups(trainings, keys):
            failed = int((part["converged"] == 0).sum())
            if failed:
                failures.append({**names, "failed": failed, "trainings": len(part)})
    return pd.DataFrame(failures, columns=list(CONVERGENCE_COLUMNS))
