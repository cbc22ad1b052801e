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
    `metric` the metric of tables, savings and figures.
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

    @classmethod
    def from_json(cls, text: str) -> "Experiment":
        """Read canonical JSON; `InputError` names the key that is missing or wrong."""
        try:
            values = json.loads(text)
        except ValueError as error:
            raise InputError(f"--experiment: not valid JSON ({error})") from error
        if not isinstance(values, dict):
            raise InputError("--experiment: must be a JSON object")
        known = {*LISTS, "experiment", "rounds", "baseline", "highlight", "finetune", "metric"}
        unknown = sorted(set(values) - known)
        missing = sorted(known - {"finetune", "metric"} - set(values))
        if unknown or missing:
            problem = f"unknown key {unknown[0]}" if unknown else f"key {missing[0]} is missing"
            raise InputError(f"--experiment: {problem}; allowed are {', '.join(sorted(known))}")
        finetune = values.pop("finetune", None)
        return cls(
            **{**values, **_tuples(values, LISTS, "--experiment")},
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
        lists = (self.datasets, self.backbones, self.proxies, self.schedules)
        for values in itertools.product(*lists):
            yield dict(zip(SETTING, values, strict=True))

    def selections(self) -> Iterator[dict[str, Any]]:
        """The ids of every round of every strategy and seed, round 0 included."""
        for setting in self.settings():
            for strategy, seed in itertools.product(self.strategies, self.seeds):
                for number in range(self.rounds):
                    yield {**setting, "strategy": strategy, "seed": seed, "round": number}

    def finetunings(self) -> Iterator[dict[str, Any]]:
        """The ids of every fine-tuning; none where the experiment does not fine-tune."""
        if self.finetune is None:
            return
        chosen = self.finetune
        for setting in self.settings():
            for trainer, strategy, seed, number in itertools.product(
                chosen.trainers, chosen.strategies, chosen.seeds, chosen.rounds
            ):
                yield {
                    **setting,
                    "trainer": trainer,
                    "strategy": strategy,
                    "seed": seed,
                    "round": number,
                }


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
