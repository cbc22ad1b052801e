"""An experiment: the crossed ids, as the Snakefile, the jobs and the report use them."""

import dataclasses
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from labelbench_core.annotators import EXACT
from labelbench_core.configuration.json_values import UNWRITTEN, read_json, written
from labelbench_core.configuration.references import Panel, PublishedReference
from labelbench_core.errors import InputError, listed, shown
from labelbench_core.registry.options import Count
from labelbench_core.storage.files import canonical_json

SETTING = ("dataset", "annotator", "backbone", "proxy", "schedule")
"""What has to be equal for two strategies to be compared."""

KEEP = ("all", "last", "none")


def annotator_in_paths(annotator: str) -> str:
    """An annotator as it stands in ids and paths: "" for the exact one, else `@` and its id.

    So the results of the exact annotator lie where they would lie if there were no others.
    """
    return "" if annotator == EXACT else f"@{annotator}"


def annotator_of(ids: Mapping[str, Any]) -> str:
    """The annotator's id among a job's ids; the exact one where they name none."""
    return ids.get("annotator", "").removeprefix("@") or EXACT


@dataclass(frozen=True)
class Finetuning:
    """Which of the selections are fine-tuned end to end, and whose weights are kept (`KEEP`)."""

    trainers: tuple[str, ...]
    strategies: tuple[str, ...]
    rounds: tuple[int, ...]
    seeds: tuple[int, ...]
    keep: str = field(default="all", metadata=UNWRITTEN)


@dataclass(frozen=True)
class Crossing:
    """Ids that are crossed, and the number of label sizes.

    Upper bounds, shown and never ranked: `ceilings`, strategies that see hidden labels, and
    `full_data`, schedules that buy everything at once (one round, no strategy: its results carry
    the schedule's id in the strategy's place).
    """

    datasets: tuple[str, ...]
    backbones: tuple[str, ...]
    proxies: tuple[str, ...]
    schedules: tuple[str, ...]
    strategies: tuple[str, ...]
    seeds: tuple[int, ...]
    rounds: Count
    finetune: Finetuning | None = None
    ceilings: tuple[str, ...] = ()
    full_data: tuple[str, ...] = ()
    annotators: tuple[str, ...] = (EXACT,)

    def settings(self, schedules: tuple[str, ...] | None = None) -> Iterator[dict[str, str]]:
        """Every `SETTING`, as a dictionary."""
        chosen = self.schedules if schedules is None else schedules
        annotators = [annotator_in_paths(annotator) for annotator in self.annotators]
        crossed = (self.datasets, annotators, self.backbones, self.proxies, chosen)
        for values in itertools.product(*crossed):
            yield dict(zip(SETTING, values, strict=True))

    def selections(self) -> Iterator[dict[str, Any]]:
        """The ids of every round of every strategy and seed, round 0 and ceilings included."""
        for setting in self.settings():
            for strategy, seed in itertools.product((*self.strategies, *self.ceilings), self.seeds):
                for number in range(self.rounds):
                    yield {**setting, "strategy": strategy, "seed": seed, "round": number}
        for setting in self.settings(self.full_data):
            for seed in self.seeds:
                yield {**setting, "strategy": setting["schedule"], "seed": seed, "round": 0}

    def finetunings(self) -> Iterator[dict[str, Any]]:
        """The ids of every fine-tuning; none where nothing is fine-tuned."""
        if self.finetune is None:
            return
        chosen = self.finetune
        at_once = tuple(name for name in chosen.strategies if name in self.full_data)
        others = [name for name in chosen.strategies if name not in self.full_data]
        for setting in self.settings():
            for trainer, strategy, seed, number in itertools.product(
                chosen.trainers, others, chosen.seeds, chosen.rounds
            ):
                yield {
                    **setting,
                    "trainer": trainer,
                    "strategy": strategy,
                    "seed": seed,
                    "round": number,
                }
        for setting in self.settings(at_once):
            for trainer, seed in itertools.product(chosen.trainers, chosen.seeds):
                ids = {"trainer": trainer, "strategy": setting["schedule"], "seed": seed}
                yield {**setting, **ids, "round": 0}

    @property
    def num_selections(self) -> int:
        """How many `selections` there are, without going through them."""
        strategies = len(self.strategies) + len(self.ceilings)
        chains = self._num_settings(len(self.schedules)) * strategies * len(self.seeds)
        return chains * self.rounds + self._num_settings(len(self.full_data)) * len(self.seeds)

    @property
    def num_finetunings(self) -> int:
        """How many `finetunings` there are, without going through them."""
        chosen = self.finetune
        if chosen is None:
            return 0
        at_once = len(set(chosen.strategies) & set(self.full_data))
        selected = len(chosen.strategies) - at_once
        each = self._num_settings(len(self.schedules)) * selected * len(chosen.rounds)
        each += self._num_settings(at_once)
        return each * len(chosen.trainers) * len(chosen.seeds)

    def _num_settings(self, schedules: int) -> int:
        labeled = len(self.datasets) * len(self.annotators)
        return labeled * len(self.backbones) * len(self.proxies) * schedules


@dataclass(frozen=True)
class Experiment:
    """What is crossed, in one or several crossings, and what the report puts forward.

    `baseline` is what every strategy is compared with, `highlight` the strategy of the headline;
    both are among the strategies of the experiment as a whole; one crossing may lack them. `metric`
    is the metric of the headline and of tables, savings and figures; `further_metrics` have curves,
    differences and savings of their own. `levels` are values of `metric`: the labels needed to
    reach them are counted; without any, round numbers are chosen. `by_class` and `by_group`
    ask for accuracy by class and group. `references` are published settings beside the experiment's
    own, `panels` the panels of a figure of its own. `priced` says whether there are prices that
    turn costs into money.
    """

    experiment: str
    crossings: tuple[Crossing, ...]
    baseline: str
    highlight: str
    metric: str = "accuracy"
    further_metrics: tuple[str, ...] = ()
    levels: tuple[float, ...] = ()
    by_class: bool = False
    by_group: bool = False
    references: tuple[PublishedReference, ...] = ()
    panels: tuple[Panel, ...] = ()
    priced: bool = field(default=False, metadata=UNWRITTEN)

    @classmethod
    def from_json(cls, text: str) -> "Experiment":
        """Read canonical JSON; `InputError` names the key that is missing or wrong."""
        found = read_json(cls, text, "--experiment")
        for key in ("baseline", "highlight"):
            if (name := getattr(found, key)) not in found.strategies:
                told = f"--experiment: {key}: {shown(name)}"
                raise InputError(f"{told}; allowed: {listed(found.strategies)}")
        return found

    def to_json(self) -> str:
        """Canonical JSON of `as_mapping`, from which `from_json` makes an equal experiment."""
        return canonical_json(self.as_mapping())

    def as_mapping(self) -> dict[str, Any]:
        """All that decides what is measured, as JSON values.

        What stays on disk (`finetune.keep`) and prices are left out: a change of them must not run
        anything again. The exact annotator, where it is the only one, is not named.
        """
        values: dict[str, Any] = written(self)
        for crossing in values["crossings"]:
            if crossing["annotators"] == [EXACT]:
                del crossing["annotators"]
        # Left out where empty, so that an experiment without them keeps its JSON.
        optional = ("further_metrics", "levels", "by_class", "by_group", "references", "panels")
        return {key: value for key, value in values.items() if value or key not in optional}

    @property
    def metrics(self) -> tuple[str, ...]:
        """All metrics that the report has curves of, the headline's first."""
        return (self.metric, *self.further_metrics)

    def by(self, metric: str) -> "Experiment":
        """The same experiment, reported by one of its further metrics."""
        if metric not in self.further_metrics:
            raise InputError(
                f"--metric: {shown(metric)}; allowed: {listed(self.further_metrics) or 'none'}"
            )
        return dataclasses.replace(self, metric=metric, further_metrics=())

    def settings(self) -> Iterator[dict[str, str]]:
        """Every `SETTING` once, as a dictionary."""
        return self._once("settings")

    def selections(self) -> Iterator[dict[str, Any]]:
        """The ids of every round of every strategy and seed, round 0 and ceilings included."""
        return self._once("selections")

    def finetunings(self) -> Iterator[dict[str, Any]]:
        """The ids of every fine-tuning; none where the experiment does not fine-tune."""
        return self._once("finetunings")

    def _once(self, method: str) -> Iterator[dict[str, Any]]:
        """All ids that the method gives for any crossing, each once."""
        seen: set[tuple[Any, ...]] = set()
        for crossing in self.crossings:
            for ids in getattr(crossing, method)():
                key = tuple(ids.values())
                if key not in seen:
                    seen.add(key)
                    yield ids

    def all_of(self, key: str) -> tuple[Any, ...]:
        """The members of a list of any crossing, each once, in order."""
        return tuple(dict.fromkeys(v for one in self.crossings for v in getattr(one, key)))

    @property
    def strategies(self) -> tuple[str, ...]:
        """The strategies of all crossings, which are compared."""
        return self.all_of("strategies")

    @property
    def ceilings(self) -> tuple[str, ...]:
        """The ceilings of all crossings."""
        return self.all_of("ceilings")

    @property
    def several_datasets(self) -> bool:
        """Whether strategies are ranked over data sets."""
        return len(self.all_of("datasets")) > 1

    @property
    def full_data(self) -> tuple[str, ...]:
        """The schedules that label the whole pool, of all crossings."""
        return self.all_of("full_data")

    @property
    def trainers(self) -> tuple[str, ...]:
        """The trainers of all fine-tunings; none where the experiment does not fine-tune."""
        chosen = [one.finetune.trainers for one in self.crossings if one.finetune]
        return tuple(dict.fromkeys(itertools.chain(*chosen)))
