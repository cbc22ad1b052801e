"""What a round costs: a whole node, from the start of its process to its files.

A chain of margin rounds on 50,000 × 1,280 embeddings, 1,000 labels a round, as the workflow runs
it. Wall-clock and CPU time of every node, as a multiple of starting Python with NumPy in the same
run, and where the time goes; then two single-threaded chains side by side, in rounds per minute.
The embeddings are those of CIFAR-10 where `snakemake embeddings --configfile config/cifar10.yaml`
has made them, else a mixture of Gaussians of the same size (which the output says). The machine
should be idle otherwise.

    python -m benchmarks.round [--rounds 10] [--repeat 3] [--threads 2] [--strategy margin]
    python -m benchmarks.round --rounds 2 --proxy linear-flexmatch --steps 1000

Proxies that learn from unlabelled rows need CIFAR-10's cached views, which
`config/cifar10_combined.yaml` makes.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks._chain import PROJECT, Chain, proxy_entry, timed
from benchmarks._synthetic import write_manifests
from labelbench_core.storage import store

CIFAR = PROJECT / "results"
VIEWS = "views/cifar-10/efficientnet-lite0-96"
SETTING = {
    "dataset": "cifar-10",
    "backbone": "efficientnet-lite0-96",
    "schedule": {"id": "start-1000-batch-1000", "initial": 1000, "batch": 1000},
}


def chain_of(folder: Path, manifests: tuple[Path, Path], strategy: str, proxy: dict) -> Chain:
    """A chain on CIFAR-10, with its views if the proxy needs them."""
    augmentation = proxy.get("options", {}).get("augmentation")
    views = CIFAR / VIEWS / augmentation / "manifest.json" if augmentation else None
    return Chain(folder, SETTING, manifests, views, strategy, proxy)


def embeddings_of_cifar(folder: Path) -> tuple[Path, Path]:
    """Manifests of CIFAR-10 and its embeddings, synthetic ones where they have not been made."""
    dataset = CIFAR / "datasets/cifar-10/manifest.json"
    embeddings = CIFAR / "embeddings/cifar-10/efficientnet-lite0-96/manifest.json"
    if dataset.exists() and embeddings.exists():
        print("embeddings: CIFAR-10, EfficientNet-Lite0 at 96 px")
        return dataset, embeddings
    print("embeddings: synthetic (CIFAR-10's are not there; accuracies mean nothing)")
    return synthetic(folder)


def synthetic(folder: Path) -> tuple[Path, Path]:
    """A data set and embeddings of CIFAR-10's size: ten overlapping Gaussians."""
    rng = np.random.default_rng(0)
    centers = rng.standard_normal((10, 1280), dtype=np.float32) * 0.09
    labels, clean = {}, {}
    for split, rows in (("pool", 50_000), ("test", 10_000)):
        drawn = rng.integers(0, 10, rows)
        features = centers[drawn] + rng.standard_normal((rows, 1280), dtype=np.float32)
        arrays = folder / "dataset" / "arrays" / f"{split}-labels"
        labels[split] = store.write_array(arrays, drawn)
        arrays = folder / "embeddings" / "arrays" / f"{split}-clean"
        clean[split] = store.write_array(arrays, features.astype(np.float16))
        if split == "pool":
            statistics = {"mean": features.mean(axis=0), "std": features.std(axis=0)}
    ids = {
        "dataset": SETTING["dataset"],
        "dataset_fingerprint": "none",
        "backbone": SETTING["backbone"],
    }
    return write_manifests(folder, ids, 10, labels, clean, statistics)


def rounds_per_minute(
    folder: Path, manifests: tuple[Path, Path], strategy: str, proxy: dict, rounds: int
) -> float:
    """Throughput of two single-threaded chains side by side."""
    from concurrent.futures import ThreadPoolExecutor

    folders = [folder / f"beside-{number}" for number in range(2)]
    chains = [chain_of(own, manifests, strategy, proxy) for own in folders]
    started = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda chain: [chain.run(number) for number in range(rounds)], chains))
    return 2 * rounds / (time.perf_counter() - started) * 60


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--repeat", type=int, default=3, help="runs, of which the fastest counts")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--strategy", default="margin")
    parser.add_argument("--proxy", default="linear", help="id of the catalogue")
    parser.add_argument("--steps", type=int, help="training steps of a proxy that has a trainer")
    arguments = parser.parse_args()
    proxy = proxy_entry(arguments.proxy, arguments.steps)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        manifests = embeddings_of_cifar(folder)
        start = [sys.executable, "-c", "import numpy"]
        unit = min(timed(start, folder).wall for _ in range(5))
        print(f"starting Python with NumPy: {unit:.3f} s\n")
        chain = chain_of(folder / "chain", manifests, arguments.strategy, proxy)
        print(
            f"{arguments.strategy}, {arguments.threads} threads, best of {arguments.repeat}\n"
            "labels   wall s    CPU s  × start  accuracy  where the time goes (s)"
        )
        for number in range(arguments.rounds):
            runs = [chain.run(number, arguments.threads) for _ in range(arguments.repeat)]
            wall, cpu, _ = min(runs)
            where = ", ".join(f"{name} {s:.2f}" for name, s in chain.phases(number).items())
            print(
                f"{1000 * (number + 1):6d} {wall:8.2f} {cpu:8.2f} {wall / unit:8.1f}"
                f" {chain.accuracy(number):9.4f}  {where}",
                flush=True,
            )
        speed = rounds_per_minute(folder, manifests, arguments.strategy, proxy, arguments.rounds)
        print(f"\ntwo single-threaded chains side by side: {speed:.0f} rounds per minute")


if __name__ == "__main__":
    main()
