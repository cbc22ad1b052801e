"""An experiment beside a published setting, and results that it could have had."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from labelbench_core.analysis.collected.frames import CURVE_COLUMNS, FINETUNED_COLUMNS
from labelbench_core.configuration.experiment import Crossing, Experiment
from labelbench_core.configuration.references import Panel, PublishedReference
from labelbench_core.published.settings import setting

IDS = {
    "dataset": "cifar-10-labelbench",
    "backbone": "clip-vit-b32",
    "proxy": "linear-like-the-paper",
    "schedule": "start-1000-batch-1000",
}
OURS = {"random": "random", "margin": "margin", "coreset": "coreset", "bait-swap": "bait"}
DIFFERS = ("backbone: efficientnet-lite0-64, published: clip-vit-b32",)


def reference(name: str = "cifar10-1000-linear", **changes: Any) -> PublishedReference:
    return PublishedReference(**{"name": name, "setting": IDS, "strategies": OURS, **changes})


def experiment(
    *references: PublishedReference, panels: Sequence[Panel] = (), rounds: int = 10, **changes: Any
) -> Experiment:
    crossing = Crossing(
        **{f"{key}s" if key != "proxy" else "proxies": (value,) for key, value in IDS.items()},
        strategies=("random", "margin", "coreset", "bait-swap", "tcm"),
        seeds=(0, 1, 2, 3),
        rounds=rounds,
    )
    arguments = {"metric": "accuracy", "references": references, "panels": tuple(panels)}
    return Experiment("beside", (crossing,), "random", "margin", **{**arguments, **changes})


def curves(
    values: Mapping[str, np.ndarray],
    *,
    batch: int = 1000,
    splits: Sequence[str] = ("test",),
    trainer: str = "",
) -> pd.DataFrame:
    """The table of rounds, or of fine-tunings, with the values (S, R) of each strategy."""
    rows = []
    for strategy, table in values.items():
        for (seed, place), split in itertools.product(np.ndindex(table.shape), splits):
            row = {
                **IDS,
                "annotator": "exact",  # where tables have it
                "strategy": strategy,
                "seed": seed,
                "round": place,
                "num_labeled": batch * (place + 1),
                "split": split,
                "metric": "accuracy",
                "value": table[seed, place],
                "converged": 1,
                "at_edge": 0,
            }
            if trainer:
                row |= {"trainer": trainer, "held_out_labels": 0, "extra_labels": 0}
            rows.append(row)
    return pd.DataFrame(rows, columns=list(FINETUNED_COLUMNS if trainer else CURVE_COLUMNS))


def nothing() -> pd.DataFrame:
    """No fine-tunings."""
    return pd.DataFrame(columns=list(FINETUNED_COLUMNS))


def drawn(seeds: int = 4, rounds: int = 10, strategies: Sequence[str] = ()) -> dict[str, Any]:
    """Rising curves with noise, the same each time."""
    rng = np.random.default_rng(5)
    names = strategies or ("random", "margin", "coreset", "bait-swap", "tcm")
    rising = 0.93 + 0.015 * (1 - np.exp(-np.arange(rounds) / 4))
    return {
        name: rising + 0.001 * place + rng.normal(0, 0.001, (seeds, rounds))
        for place, name in enumerate(names)
    }


def budgets(name: str) -> tuple[int, ...]:
    return setting(name).budgets
