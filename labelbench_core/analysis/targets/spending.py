"""What rounds took and what that costs: sums of the table of costs, per strategy."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from labelbench_core.analysis.collected.frames import ANNOTATOR, SETTING, present
from labelbench_core.annotators import EXACT
from labelbench_core.stages.plan import Needs

if TYPE_CHECKING:
    import pandas as pd

REFRESHES = ("refresh_embeddings", "finetune_model")
ROUNDS = ("train_initial", "select_round", *REFRESHES)
EMBEDDING = "extract_embeddings"
VIEWS, HEAD = "extract_views", "build_zero_shot_head"


def rows_of(
    frame: pd.DataFrame, names: Mapping[str, Any], keys: Sequence[str] = SETTING
) -> pd.DataFrame:
    """Rows that have the values of `names` in the columns `keys`."""
    for key in present(frame, keys):
        frame = frame[frame[key] == names[key]]
    return frame


def label_price(names: Mapping[str, Any], prices: Mapping[str, Any]) -> float:
    """The price of a label in a setting: its annotator's, else `label`; NaN where neither is."""
    return _of_annotator(names, prices).get("price", prices.get("label", math.nan))


def label_seconds(names: Mapping[str, Any], prices: Mapping[str, Any]) -> float:
    """The seconds that a label takes the annotator of a setting; NaN where they are not known."""
    return _of_annotator(names, prices).get("seconds", math.nan)


def _of_annotator(names: Mapping[str, Any], prices: Mapping[str, Any]) -> Mapping[str, float]:
    return prices.get("annotators", {}).get(names.get(ANNOTATOR, EXACT), {})


def shared_jobs(costs: pd.DataFrame, names: Mapping[str, Any], needs: Needs) -> pd.DataFrame:
    """Rows of what a setting's rounds read and all of its strategies and seeds share.

    These are the data set and what the proxy reads: its embeddings, unless it is trained on images;
    the views of its augmentation; the head made from class names, where the proxy or the trainer
    of its refreshes starts from it.
    """
    proxy = names["proxy"]
    stages = ["prepare_dataset"]
    if proxy not in needs.images:
        stages.append(EMBEDDING)
    if proxy in needs.augmentation:
        stages.append(VIEWS)
    if _reads_head(proxy, needs):
        stages.append(HEAD)
    chosen = costs[costs["stage"].isin(stages) & (costs["dataset"] == names["dataset"])]
    chosen = chosen[chosen["backbone"].isin(["", names["backbone"]])]
    return chosen[chosen["augmentation"].isin(["", needs.augmentation.get(proxy, "")])]


def _reads_head(proxy: str, needs: Needs) -> bool:
    """Whether a proxy's rounds need the head that is made from class names."""
    refresh = needs.refresh.get(proxy)
    refreshed = refresh is not None and refresh.trainer in needs.class_names.trainers
    return refreshed or proxy in needs.class_names.proxies


def shared_hours(costs: pd.DataFrame, names: Mapping[str, Any], needs: Needs) -> float:
    """Hours of `shared_jobs`; NaN if one is not measured."""
    return float(shared_jobs(costs, names, needs)["seconds"].sum(skipna=False)) / 3600


class RoundCosts:
    """What the rounds of a setting took, added up.

    Parameters
    ----------
    costs
        Its rows of the table of costs.
    column
        What is added up: `seconds` or `flops`.
    """

    def __init__(self, costs: pd.DataFrame, column: str = "seconds") -> None:
        self._costs, self._column = costs, column
        self._of: dict[str, dict[str, np.ndarray]] = {}

    def up_to(self, strategy: str, last: float, seeds: Sequence[int] | None = None) -> float:
        """The sum of the rounds up to `last`, the mean over seeds; NaN where one is not measured.

        Over all seeds of the strategy, or those of `seeds` only.
        """
        if strategy not in self._of:
            self._of[strategy] = self._jobs(strategy)
        jobs = self._of[strategy]
        # A refresh after the last round is for the one after it.
        chosen = np.where(jobs["is_refresh"], jobs["round"] < last, jobs["round"] <= last)
        if seeds is not None:
            chosen &= np.isin(jobs["seed"], list(seeds))
        found, place = np.unique(jobs["seed"][chosen], return_inverse=True)
        if not len(found):
            return math.nan
        return float(np.bincount(place, jobs["amount"][chosen]).mean())

    def _jobs(self, strategy: str) -> dict[str, np.ndarray]:
        """The jobs of a strategy's rounds: arrays (J,) of seeds, rounds and what each took."""
        import pandas as pd

        rows = self._costs[self._costs["stage"].isin(ROUNDS)]
        of_strategy = rows["strategy"] == strategy
        is_first = rows["stage"] == "train_initial"
        rows = rows[of_strategy | is_first]
        # The first round is shared: it also belongs to seeds that the strategy was not run with.
        own = set(rows.loc[rows["stage"] == "select_round", "seed"])
        if own:
            rows = rows[rows["seed"].isin(own)]
        is_refresh = rows["stage"].isin(REFRESHES).to_numpy()
        # Other fine-tunings evaluate what was bought; nothing was selected with them.
        keys = list(rows[["seed", "round", "trainer"]].itertuples(index=False, name=None))
        embedded = rows["stage"] == "refresh_embeddings"
        refreshed = {key for key, is_one in zip(keys, embedded, strict=True) if is_one}
        counts = ~is_refresh | np.array([key in refreshed for key in keys], bool)
        number = pd.to_numeric(rows["round"], errors="coerce").fillna(0).to_numpy(np.float64)
        found = {
            "seed": rows["seed"].to_numpy(),
            "round": np.where(rows["stage"] == "train_initial", 0.0, number),
            "is_refresh": is_refresh,
            "amount": rows[self._column].to_numpy(np.float64),
        }
        return {name: values[counts] for name, values in found.items()}


class Spent:
    """What a setting's rounds take, and what labels and hours cost.

    Parameters
    ----------
    costs
        Its rows of the table of costs.
    labels_after
        Round → labels after it.
    shared
        Hours that are spent once.
    label, hour
        Prices of a label and of an hour; NaN where not known.
    """

    def __init__(
        self, costs: pd.DataFrame, labels_after: pd.Series, shared: float, label: float, hour: float
    ) -> None:
        self._rounds, self._after, self._shared = RoundCosts(costs), labels_after, shared
        self._label, self._hour = label, hour

    def hours(self, strategy: str, count: float, seeds: Sequence[int] | None = None) -> float:
        """Hours of the rounds up to `count` labels, the mean over seeds; NaN if that is never.

        Over all seeds of the strategy, or those of `seeds` only.
        """
        enough = self._after[self._after >= count - 1e-9]
        if math.isnan(count) or enough.empty:
            return math.nan
        return self._rounds.up_to(strategy, float(enough.index[0]), seeds) / 3600

    def computing(self, strategy: str, count: float) -> float:
        """What the hours up to `count` labels and those that are shared cost."""
        return (self.hours(strategy, count) + self._shared) * self._hour

    def total(self, strategy: str, count: float) -> float:
        """What `count` labels, the hours up to them and those that are shared cost."""
        return count * self._label + self.computing(strategy, count)

    def extra(
        self, strategy: str, count: float, baseline: str, needed: float, seeds: Sequence[int]
    ) -> float:
        """The extra cost of the hours up to `count` labels over the baseline's up to `needed`."""
        more = self.hours(strategy, count, seeds) - self.hours(baseline, needed, seeds)
        return more * self._hour
