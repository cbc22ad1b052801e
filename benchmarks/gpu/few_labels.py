"""Does semi-supervised training pay end to end? EfficientNet-Lite0 on CIFAR-10 with few labels.

    snakemake results/datasets/cifar-10/manifest.json --cores 8 --configfile config/cifar10.yaml
    python -m benchmarks.gpu.few_labels results/datasets/cifar-10 [--output FILE]

10 and 50 labels of each class, drawn at random for each seed; the whole network at 96 px, from
ImageNet's weights; supervised and FlexMatch on the rest of the pool, with few and with more steps.
Several trainings share the GPU, so that seconds say little. Prints a table for
`docs/benchmarks/few_labels.md`.
"""

import argparse
import multiprocessing
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from labelbench_core.datasets import open_dataset
from labelbench_core.storage.round_files import Round
from labelbench_core.training.finetuning import finetune_round

SHARED = {
    "learning_rate": 3.0e-4,
    "warmup_steps": 15,
    "batch_size": 32,
    "head": "fresh",
    "flip": True,
    "translate": 0.125,
    "evaluate": ["test"],
}
RECIPES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "supervised, 150 steps": ("supervised", {}, {"steps": 150}),
    "supervised, 600 steps": ("supervised", {}, {"steps": 600}),
    "FlexMatch, 150 steps of 32 + 64": (
        "flexmatch",
        {"threshold_warmup": False, "warmup": 0.4},
        {"steps": 150, "unlabeled_ratio": 2},
    ),
    "FlexMatch, 600 steps of 32 + 224": (
        "flexmatch",
        {"threshold_warmup": False, "warmup": 0.2},
        {"steps": 600, "unlabeled_ratio": 7},
    ),
}
"""Name → trainer, its options, its training."""

PER_CLASS = (10, 50)


class Job(NamedTuple):
    """One training."""

    dataset: Path
    seed: int
    per_class: int
    recipe: str


def accuracy(job: Job) -> float:
    """Test accuracy of one training."""
    dataset = open_dataset(job.dataset)
    labels = dataset.labels("pool")
    rng = np.random.default_rng([job.seed, 77])
    classes = [np.flatnonzero(labels == label) for label in range(dataset.num_classes)]
    bought = np.concatenate([rng.choice(rows, job.per_class, replace=False) for rows in classes])
    trainer, options, training = RECIPES[job.recipe]
    settings = {
        "dataset": "cifar-10",
        "proxy": "none",
        "schedule": "none",
        "strategy": "random",
        "seed": job.seed,
        "round": 0,
        "backbone": {
            "id": "efficientnet-lite0-96",
            "implementation": "efficientnet-lite",
            "options": {"input_size": 96},
        },
        "trainer": {
            "id": trainer,
            "implementation": trainer,
            "training": {**SHARED, **training},
            **({"options": options} if options else {}),
        },
    }
    done = finetune_round(
        dataset, Round({"strategy": "random"}, {"labeled": bought}), settings, threads=3
    )
    assert done is not None
    return float(done.record["metrics"]["test"]["accuracy"])


def table(found: dict[tuple[int, str, int], float], seeds: int) -> list[str]:
    """Lines of a table of means with Student's t interval, and the seeds' own values."""
    head = ["labels of each class", "training", "mean", *(f"seed {seed}" for seed in range(seeds))]
    lines = [f"| {' | '.join(head)} |", "| ---: | --- |" + " ---: |" * (seeds + 1)]
    for per_class, recipe in product(PER_CLASS, RECIPES):
        values = 100 * np.array([found[per_class, recipe, seed] for seed in range(seeds)])
        half = stats.t.ppf(0.975, seeds - 1) * values.std(ddof=1) / seeds**0.5
        cells = [str(per_class), recipe, f"{values.mean():.2f} ± {half:.2f}"]
        cells += [f"{value:.2f}" for value in values]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def main() -> None:
    """Train, print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("dataset", type=Path, help="folder of the prepared CIFAR-10")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=5, help="trainings that share the GPU")
    parser.add_argument("--output", type=Path, help="file for the table")
    options = parser.parse_args()
    keys = list(product(PER_CLASS, RECIPES, range(options.seeds)))
    jobs = [Job(options.dataset, seed, per_class, recipe) for per_class, recipe, seed in keys]
    with multiprocessing.get_context("spawn").Pool(options.workers) as pool:
        found = dict(zip(keys, pool.map(accuracy, jobs, chunksize=1), strict=True))
    text = "\n".join(table(found, options.seeds))
    print(text)
    if options.output:
        options.output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
