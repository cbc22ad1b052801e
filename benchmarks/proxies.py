"""A round's training on cached embeddings, against a bare loop over one batch that is ready.

    python -m benchmarks.proxies --threads 2

Random embeddings in clusters, as many as CIFAR-10's pool and as wide as EfficientNet-Lite0's
(50,000 x 1,280, half precision), clean and in two weak and two strong views. The bare loop does
nothing but forward, loss, backward and the optimiser's step, on as many rows as a step of the
proxy has. The ratio says what drawing rows from the cache, converting and standardising them,
thresholds, schedule and records cost.
"""

import argparse
import json
import sys
import time
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from labelbench_core.compute.devices import prepare_cpu
from labelbench_core.proxies import Statistics, TrainingSet, shallow, trained_linear
from labelbench_core.seeds import rng_for
from labelbench_core.storage.rows import ArrayRows
from labelbench_core.training.network import Network
from labelbench_core.training.recipe import Recipe
from labelbench_core.training.schedule import build_optimizer

CLASSES, HIDDEN = 10, 512
TRAINING = {"batch_size": 128, "unlabeled_ratio": 5, "learning_rate": 1e-3, "warmup_steps": 0}
TRAINING |= {"gradient_clip": 0.0, "head": "fresh"}


@dataclass(frozen=True)
class Case:
    """A proxy's training."""

    name: str
    trainer: str
    hidden: int


CASES = (
    Case("linear, supervised", "supervised", 0),
    Case("linear, FlexMatch", "flexmatch", 0),
    Case("shallow, supervised", "supervised", HIDDEN),
    Case("shallow, FlexMatch", "flexmatch", HIDDEN),
)


def make_training_set(rows: int, dimensions: int, labels: int) -> TrainingSet:
    """A pool with views; each class is a cluster, and each view moves its points a little."""
    rng = rng_for("benchmark", "proxies")
    truth = rng.integers(0, CLASSES, rows)
    centres = rng.standard_normal((CLASSES, dimensions), np.float32)
    clean = 0.15 * centres[truth] + rng.standard_normal((rows, dimensions), np.float32)
    kinds = {"weak": 0.1, "strong": 0.5}
    views = {
        kind: [
            ArrayRows(_half(clean + by * rng.standard_normal(clean.shape, np.float32)))
            for _ in range(2)
        ]
        for kind, by in kinds.items()
    }
    statistics = Statistics(clean.mean(axis=0, dtype=np.float64), clean.std(axis=0).astype(float))
    bought = np.sort(rng.permutation(rows)[:labels])
    pool = ArrayRows(_half(clean))
    return TrainingSet(pool, bought, truth[bought], CLASSES, statistics, views=views)


def _half(rows: np.ndarray) -> np.ndarray:
    return rows.astype(np.float16)


def time_proxy(case: Case, training: TrainingSet, steps: int, threads: int) -> float:
    """Seconds of `fit`, from the cached rows to the trained classifier."""
    entry = {"id": "benchmark", "implementation": case.trainer}
    entry["training"] = {**TRAINING, "steps": steps}
    if case.hidden:
        proxy = shallow.build(threads, hidden=case.hidden, trainer=entry)
    else:
        proxy = trained_linear.build(threads, trainer=entry)
    started = time.perf_counter()
    proxy.fit(training, np.random.default_rng(0), None)
    return time.perf_counter() - started


def time_bare(case: Case, dimensions: int, labels: int, steps: int) -> float:
    """Seconds of the same updates on one batch."""
    recipe = Recipe(**TRAINING, steps=steps)
    body = torch.nn.Identity()
    if case.hidden:
        body = torch.nn.Sequential(torch.nn.Linear(dimensions, case.hidden), torch.nn.ReLU())
    network = Network(body, case.hidden or dimensions, CLASSES)
    optimizer = build_optimizer(network, recipe)
    size = min(recipe.batch_size, labels)
    others = recipe.unlabeled_ratio * recipe.batch_size if case.trainer != "supervised" else 0
    rows, weak = torch.randn(size + others, dimensions), torch.randn(others, dimensions)
    truth = torch.arange(size + others) % CLASSES
    started = time.perf_counter()
    for _ in range(steps):
        if others:
            with torch.no_grad():
                network(weak)
        loss = cross_entropy(network(rows), truth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return time.perf_counter() - started


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Seconds and ratios of all cases, the two loops in turns."""
    prepare_cpu(arguments.threads)
    training = make_training_set(arguments.rows, arguments.dimensions, arguments.labels)
    for case in CASES:  # imports, thread pools
        time_proxy(case, training, 5, arguments.threads)
        time_bare(case, arguments.dimensions, arguments.labels, 5)
    found = {}
    for case in CASES:
        ours, bare = [], []
        for _ in range(arguments.repeats):
            bare.append(time_bare(case, arguments.dimensions, arguments.labels, arguments.steps))
            ours.append(time_proxy(case, training, arguments.steps, arguments.threads))
        ratios = np.array(ours) / np.array(bare)
        found[case.name] = {
            "seconds": round(float(np.median(ours)), 2),
            "bare_seconds": round(float(np.median(bare)), 2),
            "ratio": round(float(np.median(ratios)), 2),
        }
    return {"threads": arguments.threads, "steps": arguments.steps, "trainings": found}


def main(argv: list[str] | None = None) -> int:
    """Print the figures as JSON; the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--dimensions", type=int, default=1280)
    parser.add_argument("--labels", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    print(json.dumps(measure(parser.parse_args(argv)), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
