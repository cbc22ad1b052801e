"""What selecting by a proxy saves over a network that is fine-tuned in every round."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from labelbench_core.analysis.collected.frames import SETTING, groups, present
from labelbench_core.analysis.targets.spending import RoundCosts, rows_of
from labelbench_core.configuration.experiment import Experiment

if TYPE_CHECKING:
    import pandas as pd

AMOUNTS = ("seconds", "flops")
PROXY_SAVING_COLUMNS = (
    *SETTING,
    "trainer",
    "strategy",
    "n_seeds",
    "rounds",
    "measured_rounds",
    *(
        f"{side}_{amount}"
        for amount in AMOUNTS
        for side in ("proxy", "finetuned", "saved", "saved_each_round")
    ),
)


def proxy_savings(experiment: Experiment, costs: pd.DataFrame) -> pd.DataFrame:
    """What the rounds of each of an experiment's strategies take, by the proxy and by fine-tuning.

    To select by a fine-tuned network, every round needs a fine-tuning on the labels bought before
    it and an embedding of the data by that network. By a proxy, the data are embedded once.

    Parameters
    ----------
    costs
        The table of `collect_costs`.

    Returns
    -------
    Columns as `PROXY_SAVING_COLUMNS`: a row per setting, trainer that the experiment fine-tunes
    with, and strategy. `rounds` are those that select. `proxy_…` is one embedding and all rounds of
    a seed, the mean over the strategy's `n_seeds` seeds; `finetuned_…` is the same rounds, with a
    fine-tuning and an embedding in each. `saved_…` is their difference, and `saved_each_round_…`
    that divided by `rounds`. A fine-tuning takes what those after the same round took, the mean
    over strategies and seeds. Only `measured_rounds` of the rounds had any: the others take what
    lies on straight lines between these, and before the first and after the last the same as
    there. NaN where something is not measured. Settings without an embedding, where the proxy is
    itself trained on images, are left out.
    """
    import pandas as pd

    rows = []
    costs = costs[costs["strategy"].isin(["", *experiment.strategies])]
    tuned = costs[costs["stage"] == "finetune_model"]
    for names, finetunings in groups(tuned, [*SETTING, "trainer"]):
        own = rows_of(costs, names)
        selected = own[own["stage"] == "select_round"]
        embedding = _embedding(costs, names)
        if embedding is None:
            continue
        for (strategy,), part in selected.groupby(["strategy"], sort=False):
            last = int(pd.to_numeric(part["round"]).max())
            row: dict[str, Any] = {**names, "strategy": strategy, "rounds": last}
            row |= {"n_seeds": part["seed"].nunique(), "measured_rounds": 0}
            for amount in AMOUNTS:
                each, measured = _finetunings(finetunings, amount, last)
                rounds = RoundCosts(own, amount).up_to(strategy, last)
                row["measured_rounds"] = max(row["measured_rounds"], measured)
                row |= _compared(amount, embedding[amount], rounds, each)
            rows.append(row)
    return pd.DataFrame(rows, columns=present(costs, PROXY_SAVING_COLUMNS))


def _compared(
    amount: str, embedding: float, rounds: float, finetunings: np.ndarray
) -> dict[str, float]:
    """Both ways, from what one embedding, all rounds and each (R,) fine-tuning take."""
    proxy = embedding + rounds
    finetuned = rounds + float(finetunings.sum()) + len(finetunings) * embedding
    saved = finetuned - proxy
    return {
        f"proxy_{amount}": proxy,
        f"finetuned_{amount}": finetuned,
        f"saved_{amount}": saved,
        f"saved_each_round_{amount}": saved / len(finetunings),
    }


def _embedding(costs: pd.DataFrame, names: Mapping[str, Any]) -> Mapping[str, float] | None:
    """What embedding the data set takes; None where it is not embedded."""
    chosen = rows_of(costs[costs["stage"] == "extract_embeddings"], names, ("dataset", "backbone"))
    if chosen.empty:
        return None
    return {amount: float(chosen[amount].iloc[0]) for amount in AMOUNTS}


def _finetunings(rows: pd.DataFrame, amount: str, rounds: int) -> tuple[np.ndarray, int]:
    """What a fine-tuning takes before each (R,) of the rounds 1 to R, and how many have any.

    The one before round r is on the labels after round r − 1.
    """
    import pandas as pd

    number = pd.to_numeric(rows["round"]).to_numpy(np.float64)
    known = rows[amount].groupby(number).mean().dropna()
    before = np.arange(rounds, dtype=np.float64)
    if known.empty:
        return np.full(rounds, math.nan), 0
    found = np.interp(before, known.index.to_numpy(np.float64), known.to_numpy(np.float64))
    return found, int(np.isin(before, known.index).sum())
