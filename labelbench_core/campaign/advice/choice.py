"""Which strategy and which proxy our own results recommend for a campaign.

Experiments are compared with a campaign by the labels of a batch for each class, which is what
decides between strategies that cover a pool and those that look for what is uncertain: with few
labels for each class the first do better, with many the second (docs/results.md, "Which strategy,
when?"; Hacohen et al., ICML 2022). Of the strategies that were run on all data sets of the
comparable experiments, were surely better than random selection on one of them, and surely worse on
none, the one is recommended whose saving is largest by the lower ends of its intervals, in the
geometric mean over data sets.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from labelbench_core.campaign.advice.evidence import (
    ComparedProxy,
    Evidence,
    Experience,
    MeasuredSaving,
)

FACTOR = 3
"""Experiments are comparable whose labels per class are between a third and three times as many."""
USUAL_STRATEGY, USUAL_PROXY = "margin", "linear"
"""What is taken where no experiment says anything, and what other proxies are compared with."""


@dataclass(frozen=True)
class Situation:
    """What is known of a campaign before labels come.

    Attributes
    ----------
    batch
        Labels to train on that a batch brings.
    classes
        Number of classes; None where only the prepared pool tells it.
    multilabel
        Whether a row can belong to any number of classes.
    rows
        What the pool consists of: `images`, `texts` or `embeddings`.
    proxy
        Id of the proxy.
    """

    batch: int
    classes: int | None
    multilabel: bool
    rows: str
    proxy: str

    @property
    def labels_per_class(self) -> float | None:
        """Labels of a batch, divided by the number of classes; None where that is not known."""
        return None if self.classes is None else self.batch / self.classes


@dataclass(frozen=True)
class ChosenStrategy:
    """A strategy with the evidence for it.

    Attributes
    ----------
    strategy
        Its id.
    experiences
        The experiments that it was chosen by.
    is_supported
        Whether it was surely better than random selection in one of them; else it is the usual one.
    are_near
        Whether these are comparable by their labels per class, and not just all that there are, or
        the nearest.
    alike
        Further strategies whose savings cannot be told from its own on any of the data sets.
    worse_on
        Data sets of other experiments of this kind, on which it was surely worse than random
        selection.
    """

    strategy: str
    experiences: Sequence[Experience]
    is_supported: bool
    are_near: bool
    alike: Sequence[str] = ()
    worse_on: Sequence[str] = ()


def choose_strategy(
    evidence: Evidence, situation: Situation, is_allowed: Callable[[str], bool]
) -> ChosenStrategy:
    """The strategy that our results recommend.

    Parameters
    ----------
    is_allowed
        Whether a campaign can use a strategy, by its id.
    """
    of_kind = [one for one in evidence.experiences if one.multilabel == situation.multilabel]
    of_kind = [one for one in of_kind if one.proxy == situation.proxy] or [
        one for one in of_kind if one.proxy == USUAL_PROXY
    ]
    near, are_near = _near(of_kind, situation.labels_per_class)
    found = _best(near, is_allowed)
    if found is None and len(near) < len(of_kind):
        near, are_near = of_kind, False
        found = _best(near, is_allowed)
    if found is None:
        return ChosenStrategy(USUAL_STRATEGY, near, False, are_near)
    best, others = found
    alike = [one for one in others if not _are_told_apart(near, best, one)]
    measured = [(one.dataset, one.of(best)) for one in of_kind]
    worse = [dataset for dataset, saving in measured if saving and saving.is_worse]
    return ChosenStrategy(
        best, near, True, are_near, tuple(alike), tuple(sorted(dict.fromkeys(worse)))
    )


def _near(
    experiences: Sequence[Experience], labels_per_class: float | None
) -> tuple[Sequence[Experience], bool]:
    """The comparable ones and True; else the nearest, or all if nothing is known, and False."""
    if labels_per_class is None or not experiences:
        return experiences, False

    def distance(one: Experience) -> float:
        return abs(math.log(one.labels_per_class / labels_per_class))

    near = [one for one in experiences if distance(one) <= math.log(FACTOR) + 1e-9]
    if near:
        return near, True
    least = min(map(distance, experiences))
    return [one for one in experiences if distance(one) <= least + 1e-9], False


def _best(
    experiences: Sequence[Experience], is_allowed: Callable[[str], bool]
) -> tuple[str, list[str]] | None:
    """The best of the strategies that are surely better, and the others of them by their saving."""
    datasets = {one.dataset for one in experiences}
    measured: defaultdict[str, list[tuple[str, MeasuredSaving]]] = defaultdict(list)
    for one in experiences:
        for saving in one.savings:
            measured[saving.strategy].append((one.dataset, saving))
    sums: dict[str, float] = {}
    for strategy, savings in measured.items():
        is_everywhere = {dataset for dataset, _ in savings} == datasets
        is_better = any(saving.is_better for _, saving in savings)
        is_worse = any(saving.is_worse for _, saving in savings)
        if is_everywhere and is_better and not is_worse and is_allowed(strategy):
            sums[strategy] = _mean_low(savings)
    order = sorted(sums, key=lambda name: (-sums[name], name))
    return (order[0], order[1:]) if order else None


def _mean_low(savings: Sequence[tuple[str, MeasuredSaving]]) -> float:
    """Logarithm of the lower ends, in the mean over data sets; each data set counts once."""
    by_dataset: defaultdict[str, list[float]] = defaultdict(list)
    for dataset, saving in savings:
        by_dataset[dataset].append(math.log(saving.low))
    return math.fsum(math.fsum(one) / len(one) for one in by_dataset.values()) / len(by_dataset)


def _are_told_apart(experiences: Sequence[Experience], one: str, other: str) -> bool:
    """Whether the intervals of two strategies lie apart in an experiment that ran both."""
    for experience in experiences:
        first, second = experience.of(one), experience.of(other)
        if first and second and (first.low > second.high or second.low > first.high):
            return True
    return False


@dataclass(frozen=True)
class ChosenProxy:
    """A proxy with the evidence for it.

    Attributes
    ----------
    proxy
        Its id.
    compared
        Every comparison of a proxy with the usual one, with the same strategy.
    """

    proxy: str
    compared: Sequence[ComparedProxy]


def choose_proxy(
    evidence: Evidence, multilabel: bool, strategy: str, is_allowed: Callable[[str], bool]
) -> ChosenProxy:
    """The proxy that our results recommend: the usual one, unless another is surely better.

    Better means: in every experiment that compares the two with this strategy, or with any where
    none ran this one.
    """
    compared = [
        one
        for one in evidence.proxies
        if one.other == USUAL_PROXY and one.multilabel == multilabel and is_allowed(one.proxy)
    ]
    compared = [one for one in compared if one.strategy == strategy] or compared
    by_proxy: defaultdict[str, list[float]] = defaultdict(list)
    for one in compared:
        by_proxy[one.proxy].append(one.difference - one.half_width)
    sure = {proxy: min(lows) for proxy, lows in by_proxy.items() if min(lows) > 0}
    best = max(sure, key=lambda name: (sure[name], name), default=USUAL_PROXY)
    return ChosenProxy(best, compared)
