"""Why a strategy or a proxy was chosen, in sentences: by which experiments, with which reach."""

from collections.abc import Iterator, Sequence

from labelbench_core.campaign.advice.choice import (
    USUAL_PROXY,
    ChosenProxy,
    ChosenStrategy,
    Situation,
)
from labelbench_core.campaign.advice.evidence import Experience, MeasuredSaving

MOST_NAMED = 4
"""Experiments, and strategies, that a sentence names."""
FEW_SEEDS = 5


def reason_for_strategy(chosen: ChosenStrategy, situation: Situation) -> str:
    """Which strategy, what it saved in which experiments, and where that evidence ends."""
    return " ".join([*_of_strategy(chosen, situation), *_reach(chosen, situation)])


def _of_strategy(chosen: ChosenStrategy, situation: Situation) -> Iterator[str]:
    shown = _one_for_each_dataset(chosen)
    if not chosen.is_supported:
        yield (
            f"{chosen.strategy}, the usual one: in none of our experiments of this kind is a "
            "strategy that a campaign can use surely better than random selection."
        )
        return
    metrics = sorted({one.metric.replace("-", " ") for one in chosen.experiences})
    factors = ", ".join(f"{_factor(saving)} on {_named(one)}" for one, saving in shown)
    yield (
        f"{chosen.strategy}, by our own experiments {_which(chosen, situation)}. For the "
        f"{_joined(metrics)} that it ended with, random selection needed more labels by "
        f"these factors, with 95 % intervals: {factors}."
    )
    if chosen.alike:
        alike = _joined(chosen.alike[:MOST_NAMED])
        yield f"Not told apart from {chosen.strategy} there: {alike}."


def _which(chosen: ChosenStrategy, situation: Situation) -> str:
    """Which experiments these are."""
    own = situation.labels_per_class
    if own is None:
        return "of this kind (the number of classes is not known before the pool is prepared)"
    yours = f"{own:,.3g}" if own < 1000 else f"{own:,.0f}"
    if chosen.are_near:
        return f"with a third to three times your {yours} labels per class in a batch"
    return (
        f"with {_span([one.labels_per_class for one in chosen.experiences])} labels per class in "
        f"a batch (yours has {yours}; none nearer to it tells a strategy from random selection)"
    )


def _reach(chosen: ChosenStrategy, situation: Situation) -> Iterator[str]:
    """Where the evidence does not reach."""
    own = chosen.experiences
    if not own:
        return
    gaps = []
    rows = {one.rows for one in own}
    if situation.rows not in rows and situation.rows != "embeddings":
        gaps.append(f"of {_joined(sorted(rows))}, not of {situation.rows}")
    classes = [one.classes for one in own]
    if situation.classes and not min(classes) <= situation.classes <= max(classes):
        gaps.append(f"of {_span(classes)} classes, not of {situation.classes:,}")
    if all(one.proxy != situation.proxy for one in own):
        gaps.append(f"with the proxy {USUAL_PROXY}, not with {situation.proxy}")
    ends = _span([one.last_labels / one.classes for one in own])
    here = f"; it is {', '.join(gaps)}" if gaps else ""
    yield f"This evidence ends at {ends} labels per class{here}."
    if chosen.worse_on:
        yield (
            f"With more labels {chosen.strategy} was surely worse than random selection on "
            f"{_joined(chosen.worse_on)}: write another `strategy` by then."
        )
    if not situation.multilabel:
        yield "How balanced the classes are is not known before labels come."


def reason_for_proxy(chosen: ChosenProxy) -> str:
    """Which proxy, and what it was compared with."""
    of_proxy = [one for one in chosen.compared if one.proxy == chosen.proxy]
    if of_proxy:
        told = "; ".join(
            f"{100 * one.difference:+.1f} ± {100 * one.half_width:.1f} points on {one.dataset}"
            for one in of_proxy[:MOST_NAMED]
        )
        return f"{chosen.proxy}, which our own experiments found better than {USUAL_PROXY}: {told}."
    if not chosen.compared:
        return (
            f"{chosen.proxy}, with which our experiments of this kind were run; none of them "
            "compares it with another proxy that a campaign can use."
        )
    told = "; ".join(
        f"{one.proxy} {100 * one.difference:+.1f} ± {100 * one.half_width:.1f} points on "
        f"{one.dataset} ({one.experiment})"
        for one in chosen.compared[:MOST_NAMED]
    )
    return (
        f"{chosen.proxy}: no other proxy that a campaign can use was surely better in our "
        f"experiments ({told}, with {chosen.compared[0].strategy}, in the mean of the curve)."
    )


def _one_for_each_dataset(chosen: ChosenStrategy) -> list[tuple[Experience, MeasuredSaving]]:
    """Of every data set the experiment with most seeds, and what the strategy saved there."""
    best: dict[str, tuple[Experience, MeasuredSaving]] = {}
    for one in chosen.experiences:
        saving = one.of(chosen.strategy)
        if saving is None:
            continue
        before = best.get(one.dataset)
        if before is None or saving.seeds > before[1].seeds:
            best[one.dataset] = (one, saving)
    return [best[name] for name in sorted(best)]


def _named(one: Experience) -> str:
    """The data set, and the experiment where that is called otherwise."""
    return one.dataset if one.experiment == one.dataset else f"{one.dataset} ({one.experiment})"


def _factor(saving: MeasuredSaving) -> str:
    """1.57 (1.50 to 1.69), with open ends and few seeds said."""

    def end(value: float, bound: str | None) -> str:
        return f"{bound} {value:.2f}" if bound else f"{value:.2f}"

    low, high = end(saving.low, saving.low_bound), end(saving.high, saving.high_bound)
    notes = [] if saving.is_better else ["not surely more"]
    notes += [f"{saving.seeds} seeds"] if saving.seeds < FEW_SEEDS else []
    return f"{end(saving.saving, saving.bound)} ({'; '.join([f'{low} to {high}', *notes])})"


def _span(values: Sequence[float]) -> str:
    """The least and the largest of them, or the one that they are."""
    ends = dict.fromkeys(
        f"{value:,.2g}" if value < 10 else f"{value:,.0f}" for value in (min(values), max(values))
    )
    return " to ".join(ends)


def _joined(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
