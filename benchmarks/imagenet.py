"""Rounds of ImageNet's shape: 1,281,167 x 512, 1,000 classes, 50,000 labels a round.

    python -m benchmarks.imagenet --folder /tmp/imagenet-shape --threads 2

Nodes as the workflow runs them, from the start of a process to its files, on synthetic float16
embeddings (points of overlapping classes, whose spectrum decays, as in `benchmarks.growth`) and,
for FlexMatch, two weak and two strong views, the same points with other noise. 8 GB on the disk;
the arrays stay in `--folder`, where it is given, for the next run. Labels are those of the mixture.

- `linear, round 0`: supervised on 50,000 labels, with the penalty chosen;
- `linear, margin, round 1`: 50,000 more selected, trained on 100,000: a doubling, so that the
  penalty is chosen again;
- `linear, margin, round 2`: 50,000 more, the penalty carried over;
- `linear-flexmatch, round 0` and `margin, round 1`: the catalogue's trainer.

`peak MB` is the process's largest resident set, pages of the store that it has mapped included.
`probabilities` would be a table of pool x classes in float32, in the same unit.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks._chain import Chain, Taken, proxy_entry
from benchmarks._synthetic import Mixture, write_manifests
from labelbench_core.storage import store
from labelbench_core.storage.records import write_record

ROWS, TEST, DIMS, CLASSES, LABELS = 1_281_167, 50_000, 512, 1000, 50_000
VIEWS = ("weak-0", "weak-1", "strong-0", "strong-1")
NOISE = {"clean": 0.0, "weak": 0.1, "strong": 0.3}
IDS = {"dataset": "imagenet", "dataset_fingerprint": "none", "backbone": "clip-vit-b32"}
ROUNDS = (
    ("linear", 0, "penalty chosen"),
    ("linear", 1, "penalty chosen again"),
    ("linear", 2, "penalty carried over"),
    ("linear-flexmatch", 0, ""),
    ("linear-flexmatch", 1, ""),
)


def blocks(rows: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]]:
    """Labels (n,), exact points (n, 512) float32, and views of these, each (n, 512) float16."""
    mixture = Mixture(DIMS, CLASSES, separation=0.27)
    rng = np.random.default_rng(seed)
    block_rows = store.rows_per_block(2 * DIMS, rows)
    for first in range(0, rows, block_rows):
        labels, exact = mixture.points(min(block_rows, rows - first), rng)
        other = rng.standard_normal(exact.shape, dtype=np.float32)
        views = {}
        for place, name in enumerate(("clean", *VIEWS)):
            # The same draws in another order: a new one for each view would take most of the time.
            moved = np.roll(other, 97 * place, axis=0) * np.float32(NOISE[name.split("-")[0]])
            views[name] = (exact + moved).astype(np.float16)
        yield labels, exact, views


def write_split(folder: Path, split: str, rows: int, views: tuple[str, ...], seed: int) -> dict:
    """Write a split's labels and views; their entries for manifests, and the rows' statistics."""
    block_rows = store.rows_per_block(2 * DIMS, rows)
    arrays = folder / "embeddings" / "arrays"
    shas: dict[str, list[str]] = {name: [] for name in views}
    for name in views:
        store.create_array(arrays / f"{split}-{name}", (rows, DIMS), "float16", block_rows)
    labels, total, squares = [], np.zeros(DIMS), np.zeros(DIMS)
    for block, (own, exact, made) in enumerate(blocks(rows, seed)):
        labels.append(own)
        total += exact.sum(axis=0)
        squares += (exact.astype(np.float64) ** 2).sum(axis=0)
        for name in views:
            shas[name].append(store.write_block(arrays / f"{split}-{name}", block, made[name]))
    mean = total / rows
    return {
        "labels": store.write_array(
            folder / "dataset" / "arrays" / f"{split}-labels", np.concatenate(labels)
        ),
        "views": {
            name: {"shape": [rows, DIMS], "dtype": "float16", "blocks": shas[name]}
            for name in views
        },
        "statistics": {"mean": mean.tolist(), "std": np.sqrt(squares / rows - mean**2).tolist()},
    }


def write_inputs(folder: Path, rows: int) -> None:
    """The data set, its embeddings and its views, as the stages before a round leave them."""
    made = {
        "pool": write_split(folder, "pool", rows, ("clean", *VIEWS), 1),
        "test": write_split(folder, "test", TEST, ("clean",), 2),
    }
    write_manifests(
        folder,
        IDS,
        CLASSES,
        {split: one["labels"] for split, one in made.items()},
        {split: one["views"]["clean"] for split, one in made.items()},
        made["pool"]["statistics"],
    )
    of_views = {
        f"pool-{name}": entry for name, entry in made["pool"]["views"].items() if name in VIEWS
    }
    write_record(
        folder / "embeddings" / "views.json",
        "embeddings",
        {
            **IDS,
            "weights_sha256": "none",
            "fingerprint": "some",
            "augmentation": {"id": "natural", "draws": 2},
            "splits": {"pool": {"num_rows": rows, "views": of_views}},
            "weak": ["pool-weak-0", "pool-weak-1"],
            "strong": ["pool-strong-0", "pool-strong-1"],
        },
    )


def chain(folder: Path, own: Path, labels: int, proxy: str) -> Chain:
    """A chain of margin rounds with `labels` labels each."""
    setting = {
        "dataset": IDS["dataset"],
        "backbone": IDS["backbone"],
        "schedule": {"id": f"start-{labels}-batch-{labels}", "initial": labels, "batch": labels},
    }
    manifests = (folder / "dataset" / "manifest.json", folder / "embeddings" / "manifest.json")
    views = None if proxy == "linear" else folder / "embeddings" / "views.json"
    return Chain(own, setting, manifests, views, "margin", proxy_entry(proxy))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--labels", type=int, default=LABELS, help="a round")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="folder to keep the arrays in")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder and arguments.folder.parent) as temporary:
        folder = (arguments.folder or Path(temporary, "inputs")).resolve()
        if not (folder / "embeddings" / "views.json").exists():
            write_inputs(folder, arguments.rows)
        full = arguments.rows * CLASSES * 4 / 1e6
        print(f"{arguments.rows:,} rows, {arguments.threads} threads; probabilities {full:,.0f} MB")
        print(f"{'proxy':<18}{'round':>6}{'wall s':>9}{'CPU s':>9}{'peak MB':>9}{'accuracy':>10}")
        chains: dict[str, Chain] = {}
        for proxy, number, note in ROUNDS:
            if proxy not in chains:
                own = Path(temporary, proxy)
                chains[proxy] = chain(folder, own, arguments.labels, proxy)
            taken: Taken = chains[proxy].run(number, arguments.threads)
            where = ", ".join(f"{name} {s:.1f}" for name, s in chains[proxy].phases(number).items())
            print(
                f"{proxy:<18}{number:>6}{taken.wall:>9.1f}{taken.cpu:>9.1f}{taken.peak_mb:>9,.0f}"
                f"{chains[proxy].accuracy(number):>10.4f}  {note + ': ' if note else ''}{where}",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
