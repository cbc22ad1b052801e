"""Do pseudo-labels of two networks together replace semi-supervised training? CIFAR-10, few labels.

    snakemake --cores 2 --configfile config/questions/semi_supervised_cifar10.yaml
    python -m benchmarks.pseudo_label_ensemble [--results results] [--output FILE]

Self-training after Zhang et al., "Revisiting Semi-Supervised Learning in the Era of Foundation
Models", NeurIPS 2025: several models that were trained on the labels alone label the whole pool;
their one-hot votes are averaged, without a threshold; a student is trained on them. Here the
teachers are the classifiers with and without a hidden layer that the experiment has trained on
frozen embeddings of two networks, and the student is a linear classifier on the first network's.
Bought rows keep their labels. The student's penalty is the same everywhere: of 0.0001, 0.001, 0.01
and 0.1, that with which students were right most often on the pool of seed 0 (`--split pool`).

Prints the test accuracy of every set of teachers, of their student, and of the student beside the
linear classifier on the labels alone, paired by seed: `docs/benchmarks/pseudo_label_ensemble.md`.
"""

import argparse
from itertools import product as product_of
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from docs.kept_results import line
from labelbench_core import registry
from labelbench_core.analysis.collected.curves import t_interval
from labelbench_core.compute.halves import product
from labelbench_core.compute.logistic import solve
from labelbench_core.datasets import PreparedDataset, open_dataset
from labelbench_core.embeddings.views import open_embeddings, pool_statistics
from labelbench_core.proxies import Statistics
from labelbench_core.storage.files import atomic_path
from labelbench_core.storage.round_files import read_round

DATASET = "cifar-10"
NETWORKS = ("efficientnet-lite0-96", "efficientnet-lite2-96")
SCHEDULES = {"balanced-100-batch-100": 10, "balanced-500-batch-500": 50}
"""Schedule → labels of each class."""
SEEDS = range(5)
PROXIES = ("linear", "shallow")
TEACHERS: dict[str, list[tuple[int, str]]] = {
    "linear": [(0, "linear")],
    "linear and shallow": [(0, "linear"), (0, "shallow")],
    "linear, of both networks": [(0, "linear"), (1, "linear")],
    "linear and shallow, of both networks": [
        (number, proxy) for number in range(2) for proxy in PROXIES
    ],
}
PENALTY = 0.1
TOLERANCE, ITERATIONS = 1e-3, 500
ABOUT = """\
# Pseudo-labels of several models

Made by `python -m benchmarks.pseudo_label_ensemble`, which says how, from the rounds of
`config/questions/semi_supervised_cifar10.yaml`. Test accuracy on CIFAR-10 in %, mean of five seeds
± half of Student's 95 % interval. `together`: the teachers, by the mean of their probabilities;
`student`: a linear classifier on the embeddings of EfficientNet-Lite0, trained on the mean of their
one-hot votes for the whole pool; `beyond the labels`: the student less the linear classifier on the
labels alone, paired by seed; `right`: votes on rows of the pool without a label that are right.
"""


class Network(NamedTuple):
    """The frozen embeddings of one network."""

    name: str
    rows: dict[str, np.ndarray]
    statistics: Statistics


def open_network(results: Path, dataset: PreparedDataset, name: str) -> Network:
    """Its embeddings of pool and test, as stored."""
    fingerprint = dataset.manifest["fingerprint"]
    path = results / "embeddings" / DATASET / name / "manifest.json"
    expected = {"dataset": DATASET, "dataset_fingerprint": fingerprint, "backbone": name}
    manifest, rows = open_embeddings(path, expected)
    kept = {split: rows[split].load() for split in ("pool", "test")}
    return Network(name, kept, Statistics(**pool_statistics(path, manifest)))


def predicted(
    results: Path, network: Network, proxy: str, schedule: str, seed: int
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Probabilities in pool and test by the model of the first labels, and which rows had these."""
    folder = results / "selections" / DATASET / network.name / proxy / schedule / "initial"
    stem = folder / f"seed-{seed}" / "round-0"
    ids: dict[str, Any] = {"dataset": DATASET, "backbone": network.name, "proxy": proxy}
    ids |= {"schedule": schedule, "seed": seed, "round": 0}
    done = read_round(stem.with_suffix(".json"), stem.with_suffix(".npz"), ids)
    entry = {"implementation": proxy, "options": {}}
    model = registry.build("proxies", entry).restore(done.arrays, network.statistics)
    found = {split: model.predict_proba(rows) for split, rows in network.rows.items()}
    return found, done.arrays["labeled"]


def first_models(
    results: Path, networks: list[Network], schedule: str, seed: int
) -> tuple[dict[tuple[int, str], dict[str, np.ndarray]], np.ndarray]:
    """`predicted` of all models, by number of the network and proxy; the rows are all the same."""
    models, bought = {}, []
    for number, proxy in product_of(range(len(networks)), PROXIES):
        found = predicted(results, networks[number], proxy, schedule, seed)
        models[number, proxy] = found[0]
        bought.append(found[1])
    if any(not np.array_equal(bought[0], one) for one in bought):
        raise SystemExit(f"{schedule}, seed {seed}: not all models had the same first labels")
    return models, bought[0]


def shares(votes: list[np.ndarray], classes: int) -> np.ndarray:
    """(N, C) mean of one-hot votes."""
    return np.mean([np.eye(classes, dtype=np.float32)[one] for one in votes], axis=0)


def student(features: np.ndarray, labels: np.ndarray, penalty: float) -> np.ndarray:
    """(D + 1, C) linear classifier of standardised rows for (N, C) shares of classes.

    The loss of a share is that of one row for each class in it, weighted by the share.
    """
    row, label = np.nonzero(labels)
    weights = labels[row, label]
    solution = solve(
        features[row],
        label.astype(np.int64),
        labels.shape[1],
        penalty * float(weights.sum()),
        TOLERANCE,
        ITERATIONS,
        weights=weights,
    )
    return np.vstack([solution.weights, solution.bias]).astype(np.float32)


def measure(results: Path, penalty: float, split: str) -> dict[tuple[int, str], np.ndarray]:
    """(labels of each class, teachers) → (seeds, 4): together, student, labels alone, right."""
    dataset = open_dataset(results / "datasets" / DATASET, DATASET)
    truth = {name: dataset.labels(name) for name in ("pool", "test")}
    networks = [open_network(results, dataset, name) for name in NETWORKS]
    first = networks[0]
    features = first.statistics.standardised(first.rows["pool"])
    evaluated = first.statistics.standardised(first.rows[split])
    found: dict[tuple[int, str], np.ndarray] = {}
    for schedule, per_class in SCHEDULES.items():
        values = np.zeros((len(TEACHERS), len(SEEDS), 4))
        for place, seed in enumerate(SEEDS):
            models, labeled = first_models(results, networks, schedule, seed)
            alone = models[0, "linear"][split].argmax(axis=1) == truth[split]
            kept = np.setdiff1d(np.arange(len(features)), labeled)
            for number, teachers in enumerate(TEACHERS.values()):
                of_pool = [models[one]["pool"].argmax(axis=1) for one in teachers]
                votes = shares(of_pool, dataset.num_classes)
                right = votes[kept, truth["pool"][kept]]
                votes[labeled] = np.eye(dataset.num_classes)[truth["pool"][labeled]]
                head = student(features, votes, penalty)
                own = (product(evaluated, head[:-1]) + head[-1]).argmax(axis=1) == truth[split]
                together = np.mean([models[one][split] for one in teachers], axis=0)
                both = together.argmax(axis=1) == truth[split]
                values[number, place] = [one.mean() for one in (both, own, alone, right)]
        found |= {(per_class, name): values[number] for number, name in enumerate(TEACHERS)}
    return found


def table(found: dict[tuple[int, str], np.ndarray]) -> str:
    """The page's table."""
    head = ["labels of each class", "teachers", "together", "student"]
    head += ["beyond the labels", "right"]
    lines = [line(head), line(["---:", "---", "---:", "---:", "---:", "---:"])]
    for (per_class, name), values in found.items():
        together, own, alone, right = 100 * values.T
        cells = [_told(one) for one in (together, own)]
        lines.append(line([per_class, name, *cells, _told(own - alone, "+"), _told(right)]))
    return "\n".join(lines) + "\n"


def _told(values: np.ndarray, sign: str = "") -> str:
    mean, half = t_interval(values)[:2]
    return f"{mean:{sign}.2f} ± {half:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").strip(), formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--results", type=Path, default=Path("results"), help="default: results")
    parser.add_argument("--output", type=Path, help="page to write")
    parser.add_argument("--split", default="test", help="split to evaluate on; default: test")
    parser.add_argument("--penalty", type=float, default=PENALTY, help="per row; default: ours")
    arguments = parser.parse_args()
    text = f"{ABOUT}\n{table(measure(arguments.results, arguments.penalty, arguments.split))}"
    print(text)
    if arguments.output is not None:
        with atomic_path(arguments.output) as aside:
            aside.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
