"""An experiment: which ids are crossed, in what the Snakefile, the jobs and the report agree."""

import dataclasses
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from labelbench_core.errors import InputError
from labelbench_core.files import canonical_json

SETTING = ("dataset", "backbone", "proxy", "schedule")
"""What has to be equal for two strategies to be compared."""

LISTS = ("datasets", "backbones", "proxies", "schedules", "strategies", "seeds")
CEILING_LISTS = ("ceilings", "full_data")
FINETUNE_LISTS = ("trainers", "strategies", "rounds", "seeds")


@dataclass(frozen=True)
class Finetuning:
    """Which of the selections are fine-tuned end to end."""

    trainers: tuple[str, ...]
    strategies: tuple[str, ...]
    rounds: tuple[int, ...]
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Experiment:
    """Ids that are crossed, number of label sizes, and what the report puts forward.

    `baseline` is what every strategy is compared with, `highlight` the strategy of the headline,
    `metric` the metric of tables, savings and figures. Upper bounds, shown and never ranked:
    `ceilings`, strategies that see hidden labels, and `full_data`, schedules that buy everything
    at once (one round, no strategy: its results carry the schedule's id in the strategy's place).
    """

    experiment: str
    datasets: tuple[str, ...]
    backbones: tuple[str, ...]
    proxies: tuple[str, ...]
    schedules: tuple[str, ...]
    strategies: tuple[str, ...]
    seeds: tuple[int, ...]
    rounds: int
    baseline: str
    highlight: str
    finetune: Finetuning | None = None
    metric: str = "accuracy"
    ceilings: tuple[str, ...] = ()
    full_data: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, text: str) -> "Experiment":
        """Read canonical JSON; `InputError` names the key that is missing or wrong."""
        try:
            values = json.loads(text)
        except ValueError as error:
            raise InputError(f"--experiment: not valid JSON ({error})") from error
        if not isinstance(values, dict):
            raise InputError("--experiment: must be a JSON object")
        required = {*LISTS, "experiment", "rounds", "baseline", "highlight"}
        known = {*required, "finetune", "metric", *CEILING_LISTS}
        unknown = sorted(set(values) - known)
        missing = sorted(required - set(values))
        if unknown or missing:
            problem = f"unknown key {unknown[0]}" if unknown else f"key {missing[0]} is missing"
            raise InputError(f"--experiment: {problem}; allowed are {', '.join(sorted(known))}")
        finetune = values.pop("finetune", None)
        ceilings = {key: tuple(values.pop(key, ())) for key in CEILING_LISTS}
        return cls(
            **{**values, **_tuples(values, LISTS, "--experiment")},
            **ceilings,
            finetune=Finetuning(**_tuples(finetune, FINETUNE_LISTS, "--experiment: finetune"))
            if finetune
            else None,
        )._checked()

    def _checked(self) -> "Experiment":
        if not isinstance(self.rounds, int) or self.rounds < 1:
            raise InputError(
                f"--experiment: rounds is {self.rounds!r}; must be a whole number >= 1"
            )
        for key in ("baseline", "highlight"):
            if getattr(self, key) not in self.strategies:
                raise InputError(
                    f"--experiment: {key} is {getattr(self, key)!r}; must be one of the strategies "
                    f"{', '.join(self.strategies)}"
                )
        return self

    def to_json(self) -> str:
        """Canonical JSON, from which `from_json` makes the same experiment."""
        return canonical_json(dataclasses.asdict(self))

    def settings(self) -> Iterator[dict[str, str]]:
        """Every (dataset, backbone, proxy, schedule), as a dictionary."""
        return self._settings(self.schedules)

    def _settings(self, schedules: tuple[str, ...]) -> Iterator[dict[str, str]]:
        lists = (self.datasets, self.backbones, self.proxies, schedules)
        for values in itertools.product(*lists):
            yield dict(zip(SETTING, values, strict=True))

    def selections(self) -> Iterator[dict[str, Any]]:
        """The ids of every round of every strategy and seed, round 0 and ceilings included."""
        for setting in self.settings():
            for strategy, seed in itertools.product((*self.strategies, *self.ceilings), self.seeds):
                for number in range(self.rounds):
                    yield {**setting, "strategy": strategy, "seed": seed, "round": number}
        for setting in self._settings(self.full_data):
            for seed in self.seeds:
                yield {**setting, "strategy": setting["schedule"], "seed": seed, "round": 0}

    def finetunings(self) -> Iterator[dict[str, Any]]:
        """The ids of every fine-tuning; none where the experiment does not fine-tune."""
        if self.finetune is None:
            return
        chosen = self.finetune
        at_once = [name for name in chosen.strategies if name in self.full_data]
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
        for setting in self._settings(tuple(at_once)):
            for trainer, seed in itertools.product(chosen.trainers, chosen.seeds):
                ids = {"trainer": trainer, "strategy": setting["schedule"], "seed": seed}
                yield {**setting, **ids, "round": 0}


def _tuples(values: Any, keys: tuple[str, ...], where: str) -> dict[str, tuple]:
    if not isinstance(values, Mapping):
        raise InputError(f"{where}: must be a JSON object with {', '.join(keys)}")
    for key in keys:
        value = values.get(key)
        if not isinstance(value, list) or not value or len(set(value)) != len(value):
            raise InputError(f"{where}: {key} must be a non-empty list without repetitions")
    unknown = sorted(set(values) - set(keys)) if keys is FINETUNE_LISTS else []
    if unknown:
        raise InputError(f"{where}: unknown key {unknown[0]}; allowed are {', '.join(keys)}")
    return {key: tuple(values[key]) for key in keys}
