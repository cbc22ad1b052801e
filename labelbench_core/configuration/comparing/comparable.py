"""What the crossings of an experiment have to have in common to be compared in one report.

Strategies of a setting may come from several crossings, with other seeds or fewer rounds: they are
compared over what both have. One strategy's own curve needs the same rounds with all of its seeds.
"""

from collections.abc import Container, Iterator, Mapping

from labelbench_core.configuration.experiment import Experiment
from labelbench_core.configuration.references import written_setting
from labelbench_core.errors import did_you_mean, listed

Chains = Mapping[tuple[str, ...], Mapping[str, Mapping[int, int]]]
"""Ids of a setting, as those of jobs → strategy → seed → number of rounds."""


def chains(experiment: Experiment) -> Chains:
    """What is measured of every strategy in every setting; ceilings are left out."""
    found: dict[tuple[str, ...], dict[str, dict[int, int]]] = {}
    for crossing in experiment.crossings:
        for setting in crossing.settings():
            strategies = found.setdefault(tuple(setting.values()), {})
            for strategy in crossing.strategies:
                rounds = strategies.setdefault(strategy, {})
                for seed in crossing.seeds:
                    rounds[seed] = max(crossing.rounds, rounds.get(seed, 0))
    return found


def have_even_seeds(experiment: Experiment) -> bool:
    """Whether all strategies of a setting were run with the same seeds, in every setting."""
    return all(
        len({frozenset(rounds) for rounds in strategies.values()}) == 1
        for strategies in chains(experiment).values()
    )


def have_even_budgets(experiment: Experiment) -> bool:
    """Whether all strategies of a setting have the same numbers of rounds, in every setting."""
    return all(
        len({max(rounds.values()) for rounds in strategies.values()}) == 1
        for strategies in chains(experiment).values()
    )


def bought_by_both(first: Mapping[int, int], second: Mapping[int, int]) -> bool:
    """Whether two strategies, as seed → rounds, have a seed with more than the first labels."""
    return any(min(first[seed], second[seed]) > 1 for seed in first.keys() & second.keys())


def comparison_errors(
    experiment: Experiment, given: Container[str] = ("baseline", "highlight")
) -> Iterator[str]:
    """Why an experiment's strategies cannot be compared with its baseline.

    `given` are the keys that its file has: the values of others are defaults.
    """
    highlighted = _named(experiment, "highlight", given)
    known, wrong = experiment.strategies, False
    for key in ("baseline", "highlight"):
        name = getattr(experiment, key)
        if name not in known:
            wrong = True
            yield (
                f"{_named(experiment, key, given)} is not in the experiment's strategies"
                f"{did_you_mean(name, known)}; allowed: {listed(sorted(known))}"
            )
    if wrong:
        return
    baseline, highlight = experiment.baseline, experiment.highlight
    others = [name for name in known if name != baseline]
    if highlight == baseline and others:
        told = f"{highlighted} is also the baseline that it would be compared with"
        yield f"{told}; allowed: {listed(others)}"
    if len(experiment.crossings) > 1:
        yield from _errors_of_several(experiment, highlighted)


def _named(experiment: Experiment, key: str, given: Container[str]) -> str:
    """A key and its strategy, as messages begin."""
    return f"{key}: {getattr(experiment, key)!r}" + ("" if key in given else ", the default,")


def _errors_of_several(experiment: Experiment, highlighted: str) -> Iterator[str]:
    found = chains(experiment)
    baseline, highlight = experiment.baseline, experiment.highlight
    beside = {name for one in found.values() if baseline in one for name in one}
    if highlight not in beside:
        share = sorted(beside - {baseline})
        cure = listed(share) if share else "a strategy that shares a crossing with the baseline"
        yield (
            f"{highlighted} is in no setting (dataset, annotator, backbone, proxy, schedule) "
            f"together with the baseline {baseline!r}; allowed: {cure}"
        )
    elif any(crossing.rounds > 1 for crossing in experiment.crossings):
        comparable = {
            name
            for one in found.values()
            for name, rounds in one.items()
            if name != baseline and bought_by_both(rounds, one.get(baseline, {}))
        }
        if highlight not in {baseline, *comparable}:
            yield (
                f"{highlighted} shares no seed, or nothing but the initial labels, with the "
                f"baseline {baseline!r} in any setting; allowed: {listed(sorted(comparable))}"
            )
    for setting, strategies in found.items():
        for strategy, rounds in strategies.items():
            counts = sorted(set(rounds.values()))
            if len(counts) > 1:
                where = written_setting(setting)
                yield (
                    f"also: rounds: {strategy!r} has {listed(counts)} rounds with different seeds "
                    f"({where}); allowed: the same number of rounds with every seed"
                )
