"""What the results do not show: notes for the report, computed from the tables."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from labelbench_core.analysis.collected.frames import groups, ordered_splits, setting_name
from labelbench_core.analysis.collected.units import of, signed, with_half_width
from labelbench_core.analysis.comparisons.finetuning import verdict
from labelbench_core.analysis.comparisons.paired import detectable_effect
from labelbench_core.analysis.results import Results
from labelbench_core.analysis.savings.label_savings import HEADLINE
from labelbench_core.analysis.summary import saving_cell
from labelbench_core.configuration.comparing.comparable import (
    bought_by_both,
    chains,
    have_even_seeds,
)
from labelbench_core.configuration.compatibility.beside_budget import labels_beside
from labelbench_core.configuration.experiment import SETTING, Experiment, annotator_of
from labelbench_core.datasets import POOL, TEST
from labelbench_core.errors import listed

if TYPE_CHECKING:
    import pandas as pd

FEW_SEEDS = 10


def statistics_notes(experiment: Experiment, results: Results) -> list[str]:
    """How intervals and tests were made, and what size of difference they can see."""
    counts = _seed_counts(experiment)
    count = counts[0]
    size = _count(count, "seed") if len(counts) == 1 else f"{' or '.join(map(str, counts))} seeds"
    share = "Strategies share the initial labels of the seeds that they have in common"
    if have_even_seeds(experiment):
        share = "All strategies share the initial labels of a seed"
    notes = [
        f"{size}. {share}, so that differences are paired by seed.",
        "Intervals of means and differences are 95 % Student t intervals over the seeds, cut at "
        "the range of possible values (a share is between 0 and 100 %), which keeps their coverage "
        "(docs/reports.md). Those of label savings contain the numbers of labels that a paired "
        "t-test over the seeds cannot exclude, for both strategies, and may be open "
        "(docs/reports.md); a strategy that may not reach the level is compared at its own last "
        "level to bound its saving from below.",
        "Curves are the measured means. Nothing is smoothed and no running maximum is taken.",
        "p-values are of two-sided paired t-tests, corrected by Holm's method over all strategies "
        "and budgets of a setting, split and metric.",
    ]
    bounds = (*experiment.ceilings, *experiment.full_data)
    if bounds:
        notes.append(
            f"Ceilings ({', '.join(bounds)}) see labels that were not bought, or all labels. They "
            "show how much there is to gain, though a well-chosen part of the labels can do better "
            "than all of them; no comparison, rank or correction includes them."
        )
    effect = detectable_effect(count)
    if not math.isnan(effect):
        notes.append(
            f"With {count} seeds, a single uncorrected test detects a difference of {effect:.2f} "
            "standard deviations (of the paired differences) with 80 % power."
        )
    rows = results.comparisons[results.comparisons["metric"] == experiment.metric]
    detectable = rows["detectable"].dropna()
    if len(detectable):
        middle, least, most = (
            with_half_width(value, math.nan, experiment.metric)
            for value in (detectable.median(), detectable.min(), detectable.max())
        )
        notes.append(
            f"In these results that is a median of {middle} "
            f"{of(experiment.metric).unit_of_differences} of {experiment.metric} over all "
            f"comparisons ({least} to {most}); not finding a smaller difference does not show that "
            "there is none."
        )
    return notes


def caveats(experiment: Experiment, summary: Mapping[str, Any], results: Results) -> list[str]:
    """What a reader could wrongly conclude from these numbers; empty where nothing stands out."""
    notes = []
    fewest = _seed_counts(experiment)[0]
    if fewest < FEW_SEEDS:
        wide = "intervals are wide, especially those of label savings"
        none = "one seed gives neither intervals nor tests"
        notes.append(f"Only {_count(fewest, 'seed')}: {none if fewest == 1 else wide}.")
    notes += _uneven(experiment)
    notes += _no_test(results.curves)
    notes += _unmeasured(experiment, results.curves)
    if experiment.by_group and results.groups.empty:
        notes.append(
            "`by_group` is asked for, and no round has hits by group: no data set here has groups, "
            "or the rounds are from before these were recorded."
        )
    notes += _beside_the_budget(experiment)
    notes += _unfinished(results.convergence)
    notes += _weak_highlight(experiment, summary)
    notes += _savings(experiment, summary)
    notes += _falling(experiment, results.curves)
    notes += _finetuning(experiment, results.finetuning)
    return notes


def _seed_counts(experiment: Experiment) -> list[int]:
    """The numbers of seeds of all crossings, ascending."""
    return sorted({len(crossing.seeds) for crossing in experiment.crossings})


def _uneven(experiment: Experiment) -> Iterator[str]:
    """Settings whose strategies were not all run with the same seeds and rounds."""
    for ids, strategies in chains(experiment).items():
        names: dict[str, str] = dict(zip(SETTING, ids, strict=True))
        where = setting_name({**names, "annotator": annotator_of(names)})
        base = strategies.get(experiment.baseline)
        if base is None:
            yield (
                f"{experiment.baseline}, the baseline, was not run in {where}: nothing is compared "
                f"with it there, and there are no label savings."
            )
            continue
        for strategy, rounds in strategies.items():
            if rounds != base:
                yield (
                    f"{strategy} has {_size(rounds)}, {experiment.baseline} {_size(base)} "
                    f"({where}). {_compared(rounds, base)}"
                )


def _compared(rounds: Mapping[int, int], base: Mapping[int, int]) -> str:
    """The seeds over which two strategies, each as seed → rounds, are compared."""
    shared = sorted(set(rounds) & set(base))
    if not shared:
        return "They have no seed in common and are not compared."
    if not bought_by_both(rounds, base):
        return "They have only the first labels in common: no difference or area is compared."
    return (
        f"They are compared over what both have ({_count(len(shared), 'seed')}: {listed(shared)}), "
        "at the level of the baseline with these seeds; ranks are over what all strategies have."
    )


def _size(rounds: Mapping[int, int]) -> str:
    return f"{_count(len(rounds), 'seed')} and {_count(max(rounds.values()), 'budget')}"


def _count(number: int, name: str) -> str:
    return f"{number} {name}" if number == 1 else f"{number} {name}s"


def _no_test(curves: pd.DataFrame) -> Iterator[str]:
    """Data sets that are measured on what could be bought."""
    for dataset, rows in curves.groupby("dataset", sort=False):
        splits = ordered_splits(rows["split"])
        if TEST not in splits:
            bought = ", parts of which were bought and trained on" if splits[0] == POOL else ""
            yield f"{dataset} has no test split: its headline is that of {splits[0]}{bought}."


def _unmeasured(experiment: Experiment, curves: pd.DataFrame) -> Iterator[str]:
    """Splits without one of the experiment's metrics, such as where rows are in no groups."""
    for dataset, rows in curves.groupby("dataset", sort=False):
        for metric in experiment.metrics:
            measured = set(rows.loc[rows["metric"] == metric, "split"])
            absent = [split for split in ordered_splits(rows["split"]) if split not in measured]
            if absent:
                why = ": their rows are in no groups" if of(metric).needs_groups else ""
                yield f"{dataset}: no {metric} on {', '.join(absent)}{why}."


def _beside_the_budget(experiment: Experiment) -> Iterator[str]:
    for proxy in experiment.all_of("proxies"):
        if size := labels_beside(proxy):
            yield (
                f"{proxy}: its weights were chosen in every round by {size:,} labels of the "
                f"validation split. The numbers of labels do not count them: +{size:,} validation "
                "labels, not counted by the original."
            )


def _unfinished(failures: pd.DataFrame) -> Iterator[str]:
    for row in failures.to_dict("records"):
        trained = f"of {row['trainer']} " if row["trainer"] else ""
        which = f"of {row['trainings']} trainings {trained}on what {row['strategy']} bought"
        if row["failed"]:
            yield (
                f"{row['failed']} {which} did not converge, or diverged twice; their results count "
                f"as they are ({setting_name(row)})."
            )
        if row["at_edge"]:
            yield (
                f"{row['at_edge']} {which} chose a penalty at the edge of the values tried; a "
                f"better one may lie beyond ({setting_name(row)})."
            )


def _weak_highlight(experiment: Experiment, summary: Mapping[str, Any]) -> Iterator[str]:
    """Where the highlighted strategy does not end better, and why it may still save labels."""
    for setting in summary["settings"]:
        split = setting["splits"][0]
        last = setting["last_difference"].get(split)
        if last is None or last["verdict"] == "better":
            continue
        words = {
            "worse": "is worse than",
            "not distinguishable": "cannot be told from",
            "not tested": "is not tested against",
        }[last["verdict"]]
        text = (
            f"With {setting['num_labeled']:,} labels, the last, {experiment.highlight} {words} "
            f"{experiment.baseline} in {split} {experiment.metric} ({setting_name(setting)})."
        )
        saving = setting["saving"][HEADLINE].get(split)
        if saving and (saving["low"] or 0) > 1 and not saving["bound"]:
            text += (
                f" Its label saving of {saving_cell(saving)[0]} is another quantity: labels saved "
                f"on the way to what {experiment.baseline} ends with, not a better end."
            )
        yield text


def _savings(experiment: Experiment, summary: Mapping[str, Any]) -> Iterator[str]:
    for setting in summary["settings"]:
        for split, entry in setting["saving"][HEADLINE].items():
            where = f"on {split} ({setting_name(setting)})"
            if entry["bound"] == "less than":
                yield (
                    f"{experiment.highlight} never reaches the last level of "
                    f"{experiment.baseline} {where}: its label saving is a bound."
                )
            elif entry["bound"] == "undefined":
                rise = "fall" if of(experiment.metric).lower_is_better else "rise"
                told = f"The curve of {experiment.baseline} does not {rise} {where}"
                yield f"{told}, so there is no label saving."


def _falling(experiment: Experiment, curves: pd.DataFrame) -> Iterator[str]:
    """Where the baseline or the highlighted strategy ends worse than it had been before."""
    metric = of(experiment.metric)
    falls, highest, above = "falls", "highest", "above"
    if metric.lower_is_better:
        falls, highest, above = "rises", "lowest", "below"
    chosen = curves[
        (curves["metric"] == experiment.metric)
        & curves["strategy"].isin([experiment.baseline, experiment.highlight])
    ]
    for names, part in groups(chosen, [*SETTING, "split", "strategy"]):
        best = part.loc[(metric.sign * part["mean"]).idxmax()]
        last = part.iloc[-1]
        lost = metric.sign * (best["mean"] - last["mean"])
        if lost > last["half_width"]:
            by = (
                f"{with_half_width(lost, math.nan, experiment.metric)} {metric.unit_of_differences}"
            )
            yield (
                f"The curve of {names['strategy']} on {names['split']} {falls}: its {highest} "
                f"mean, at {best['num_labeled']:,} labels, is {by} {above} its last "
                f"({setting_name(names)}). Savings count the first crossing."
            )


def _finetuning(experiment: Experiment, table: pd.DataFrame) -> Iterator[str]:
    rows = table[table["metric"] == experiment.metric]
    for names, part in groups(rows, [*SETTING, "trainer"]):
        split = ordered_splits(part["split"])[0]
        found = part[part["split"] == split]
        if (found["n_seeds"] == 1).all():
            yield (
                f"{names['trainer']} was run with one seed: too few to tell whether it beats the "
                f"proxy ({setting_name(names)})."
            )
            continue
        for result, words in (
            ("not distinguishable", "did not measurably beat the proxy"),
            ("worse", "made the model worse than the proxy"),
            ("not tested", "cannot be tested against the proxy"),
        ):
            cases = [
                f"{row['strategy']} {row['num_labeled']:,} "
                f"({signed(row['difference'], math.nan, experiment.metric)})"
                for _, row in found.iterrows()
                if verdict(row["difference"], row["p_holm"], experiment.metric) == result
            ]
            if cases:
                where = setting_name(names)
                yield (
                    f"Fine-tuning ({names['trainer']}) {words} on the labels of "
                    f"{', '.join(cases)}; {of(experiment.metric).unit_of_differences} of {split} "
                    f"{experiment.metric} ({where})."
                )
