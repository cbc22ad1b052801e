"""What selecting by a proxy saves over a network that is fine-tuned in every round."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from labelbench_core.analysis.collected.costs import NOTED
from labelbench_core.analysis.collected.frames import ANNOTATOR, SETTING, groups, present
from labelbench_core.analysis.targets.spending import (
    EMBEDDING,
    HEAD,
    REFRESHES,
    VIEWS,
    RoundCosts,
    rows_of,
    shared_jobs,
)
from labelbench_core.annotators import EXACT
from labelbench_core.configuration.experiment import Experiment, annotator_of
from labelbench_core.stages.plan import Needs

if TYPE_CHECKING:
    import pandas as pd

AMOUNTS = ("seconds", "flops")
EMBEDDED = ("dataset", "backbone")
"""Ids of what is made once of a data set by a backbone."""
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


def proxy_savings(experiment: Experiment, needs: Needs, costs: pd.DataFrame) -> pd.DataFrame:
    """What the rounds of each of an experiment's strategies take, by the proxy and by fine-tuning.

    To select by a fine-tuned network, every round needs a fine-tuning on the labels bought before
    it and an embedding of the data by that network. By a proxy, the data are embedded once.

    Parameters
    ----------
    needs
        What proxies need besides embeddings: views, a head made from class names, or images.
    costs
        The table of `collect_costs`.

    Returns
    -------
    Columns as `PROXY_SAVING_COLUMNS`: a row per setting, trainer that the experiment fine-tunes
    with, and strategy. `rounds` are those that select. `proxy_…` is one embedding, the views and
    the head made from class names that the proxy needs, and all rounds of a seed with their
    refreshes, the mean over the strategy's `n_seeds` seeds; `finetuned_…` is the same rounds
    without refreshes, with a fine-tuning and an embedding in each, and the head that the trainer
    needs. FLOPs of the head are not estimated, and not counted. `saved_…` is their difference, and
    `saved_each_round_…` that divided by `rounds`. A fine-tuning takes what those after the same
    round took, the mean over strategies and seeds. Only `measured_rounds` of the rounds had any:
    the others take what lies on straight lines between these, and before the first and after the
    last the same as there. NaN where something is not measured. Settings without an embedding, and
    those whose proxy is itself trained on images, are left out.
    """
    import pandas as pd

    rows = []
    costs = costs[costs["strategy"].isin(["", *experiment.strategies])]
    tuned = costs[costs["stage"] == "finetune_model"]
    chosen = _finetuned_settings(experiment)
    for names, finetunings in groups(tuned, [*SETTING, "trainer"]):
        # Networks of refreshes are fine-tuned, too, by trainers that `finetune` may not name.
        if names["proxy"] in needs.images or _key(names) not in chosen:
            continue
        embedded = rows_of(costs[costs["stage"] == EMBEDDING], names, EMBEDDED)
        if embedded.empty:
            continue
        own = rows_of(costs, names)
        unrefreshed = own[~own["stage"].isin(REFRESHES)]
        selected = own[own["stage"] == "select_round"]
        once = {amount: _once(costs, names, needs, amount) for amount in AMOUNTS}
        spent = {amount: RoundCosts(own, amount) for amount in AMOUNTS}
        without_refreshes = {amount: RoundCosts(unrefreshed, amount) for amount in AMOUNTS}
        for (strategy,), part in selected.groupby(["strategy"], sort=False):
            last = int(pd.to_numeric(part["round"]).max())
            row: dict[str, Any] = {**names, "strategy": strategy, "rounds": last}
            row |= {"n_seeds": part["seed"].nunique(), "measured_rounds": 0}
            for amount in AMOUNTS:
                each, measured = _finetunings(finetunings, amount, last)
                row["measured_rounds"] = max(row["measured_rounds"], measured)
                proxy = once[amount].proxy + spent[amount].up_to(strategy, last)
                finetuned = without_refreshes[amount].up_to(strategy, last)
                finetuned += once[amount].trainer + float(each.sum())
                finetuned += last * once[amount].embedding
                row |= _compared(amount, proxy, finetuned, last)
            rows.append(row)
    return pd.DataFrame(rows, columns=present(costs, PROXY_SAVING_COLUMNS))


def _key(ids: Mapping[str, Any]) -> tuple[str, ...]:
    """Setting and trainer of a job; the exact annotator where it names none."""
    named = {**ids, ANNOTATOR: ids.get(ANNOTATOR, EXACT)}
    return tuple(named[name] for name in (*SETTING, "trainer"))


def _finetuned_settings(experiment: Experiment) -> set[tuple[str, ...]]:
    """The setting and the trainer of every fine-tuning that the experiment asks for."""
    return {_key({**ids, ANNOTATOR: annotator_of(ids)}) for ids in experiment.finetunings()}


def _compared(amount: str, proxy: float, finetuned: float, rounds: int) -> dict[str, float]:
    """Both ways, and their difference in all and in each of the rounds."""
    saved = finetuned - proxy
    return {
        f"proxy_{amount}": proxy,
        f"finetuned_{amount}": finetuned,
        f"saved_{amount}": saved,
        f"saved_each_round_{amount}": saved / rounds,
    }


@dataclass(frozen=True)
class _Once:
    """What is spent beside the rounds.

    Attributes
    ----------
    embedding
        Embedding the data set once.
    proxy
        All that the proxy reads, the embeddings included.
    trainer
        What the trainer reads beside images and texts.
    """

    embedding: float
    proxy: float
    trainer: float


def _once(costs: pd.DataFrame, names: Mapping[str, Any], needs: Needs, amount: str) -> _Once:
    # The work of preparing the data is the same both ways.
    stages = [EMBEDDING, VIEWS, HEAD]
    if amount == "flops":
        stages = [stage for stage in stages if stage in NOTED]
    costs = costs[costs["stage"].isin(stages)]
    read = shared_jobs(costs, names, needs)
    starts_from_head = names["trainer"] in needs.class_names.trainers
    heads = rows_of(costs[costs["stage"] == HEAD], names, EMBEDDED)
    return _Once(
        embedding=_total(read[read["stage"] == EMBEDDING], amount),
        proxy=_total(read, amount),
        trainer=_total(heads, amount) if starts_from_head else 0.0,
    )


def _total(rows: pd.DataFrame, amount: str) -> float:
    """The sum over jobs; NaN if one is not measured."""
    return float(rows[amount].sum(skipna=False))


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
