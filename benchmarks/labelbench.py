"""A round of LabelBench's own code against a round of ours, on the same embeddings.

    git clone https://github.com/EfficientTraining/LabelBench ../LabelBench
    python -m benchmarks.labelbench ../LabelBench [--rounds 4] [--threads 2]

Margin with a linear classifier on frozen embeddings, 1,000 labels a round: LabelBench with its
settings for CIFAR-10 (`configs/trainer/cifar10/flexmatch/clip_ViTB32_linear.json`: Adam, restarting
cosine, early stopping), without the unlabelled loss. It runs twice: as it comes, with ten loader
workers and the five copies of the features that its transforms make, and at its best on a CPU,
without workers and with one. Ours are whole nodes, from the start of their process to their files.
Accuracy is on its half of the test set. The embeddings are those of `config/cifar10.yaml`, where
they have been made, else synthetic (accuracies then mean nothing). The machine should be idle.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks import round as our_round
from benchmarks._chain import Chain, proxy_entry
from benchmarks._labelbench import ENCODER
from benchmarks._synthetic import write_manifests
from labelbench_core.datasets import open_dataset
from labelbench_core.embeddings.views import open_embeddings
from labelbench_core.storage import store

Split = tuple[np.ndarray, np.ndarray]
SEED = 1234
LINEAR = "configs/trainer/cifar10/flexmatch/clip_ViTB32_linear.json"
VARIANTS = {"as it comes": (None, 5), "at its best": (0, 1)}
"""What a run is called → loader workers (None: as the code has them), copies of the features."""


def splits_of(manifests: tuple[Path, Path]) -> dict[str, Split]:
    """Split → embeddings and labels, the test set in LabelBench's halves."""
    dataset = open_dataset(manifests[0].parent)
    _, embeddings = open_embeddings(manifests[1], {})
    rows = {split: (embeddings[split].load(), dataset.labels(split)) for split in ("pool", "test")}
    order = np.random.RandomState(42).permutation(len(rows["test"][1]))
    half = -len(order) // 2
    parts = {"val": order[:half], "test": order[half:]}
    embedded, labels = rows["test"]
    return {"pool": rows["pool"]} | {
        split: (embedded[chosen], labels[chosen]) for split, chosen in parts.items()
    }


def theirs(
    checkout: Path, folder: Path, splits: dict[str, Split], rounds: int, threads: int, variant: str
) -> list[tuple[float, float]]:
    """(seconds, test accuracy) of each round of LabelBench."""
    import torch

    workers, copies = VARIANTS[variant]
    data_dir = folder / "data"
    (data_dir / "cifar10").mkdir(parents=True)
    for split, name in (("pool", "train"), ("val", "val"), ("test", "test")):
        embeddings, labels = splits[split]
        one_hot = torch.nn.functional.one_hot(torch.from_numpy(labels), int(labels.max()) + 1)
        torch.save(one_hot, data_dir / f"labels_cifar10_{name}.pt")
        for seed in range(copies):
            file = data_dir / "cifar10" / f"cifar10_{ENCODER}_{seed}_features_{name}.pt"
            if seed:
                file.symlink_to(file.with_name(f"cifar10_{ENCODER}_0_features_{name}.pt"))
            else:
                torch.save(embeddings.astype(np.float64), file, pickle_protocol=4)
    trainer = json.loads((checkout / LINEAR).read_text())
    trainer |= {"trainer_name": "pytorch_passive"}
    encoder = {"model_name": ENCODER, "num_transform_seeds": copies}
    for name, config in (("trainer", trainer), ("encoder", encoder)):
        (folder / f"{name}.json").write_text(json.dumps(config))
    log = folder / "log.jsonl"
    settings = {
        "log": str(log),
        "dim": splits["pool"][0].shape[1],
        "workers": workers,
        "threads": threads,
        "arguments": [
            *("--seed", str(SEED), "--dataset", "cifar10", "--data_dir", str(data_dir)),
            *("--metric", "multi_class", "--batch_size", "1000", "--num_batch", str(rounds)),
            *("--embed_model_config", str(folder / "encoder.json")),
            *("--classifier_model_config", "linear.json"),
            *("--strategy_config", "margin_sampling.json"),
            *("--trainer_config", str(folder / "trainer.json")),
        ],
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    script = Path(__file__).with_name("_labelbench.py")
    command = [sys.executable, str(script), str(checkout.resolve()), str(folder / "settings.json")]
    with open(folder / "output.txt", "w", encoding="utf-8") as output:
        done = subprocess.run(
            command, cwd=checkout, stdout=output, stderr=subprocess.STDOUT, check=False
        )
    if done.returncode:
        told = (folder / "output.txt").read_text(encoding="utf-8", errors="replace")
        raise SystemExit(f"LabelBench stopped with {done.returncode}:\n{told[-2000:]}")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    ends = [line["seconds"] for line in lines]
    seconds = np.diff(ends, prepend=0.0)
    return [(float(s), line["accuracy"]) for s, line in zip(seconds, lines, strict=True)]


def ours(
    folder: Path, splits: dict[str, Split], rounds: int, threads: int
) -> list[tuple[float, float]]:
    """(seconds, test accuracy) of each round of ours."""
    labels, clean = {}, {}
    for split in ("pool", "test"):
        embeddings, classes = splits[split]
        path = folder / "dataset/arrays" / f"{split}-labels"
        labels[split] = store.write_array(path, classes)
        path = folder / "embeddings/arrays" / f"{split}-clean"
        clean[split] = store.write_array(path, embeddings)
    wide = splits["pool"][0].astype(np.float32)
    statistics = {"mean": wide.mean(axis=0), "std": wide.std(axis=0)}
    setting = our_round.SETTING
    ids = {key: setting[key] for key in ("dataset", "backbone")} | {"dataset_fingerprint": "none"}
    count = int(splits["pool"][1].max()) + 1
    manifests = write_manifests(folder, ids, count, labels, clean, statistics)
    chain = Chain(folder / "chain", setting, manifests, None, "margin", proxy_entry("linear"))
    return [(chain.run(number, threads).wall, chain.accuracy(number)) for number in range(rounds)]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("checkout", type=Path, help="of LabelBench")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", choices=VARIANTS, help="which of LabelBench's runs; default: all")
    arguments = parser.parse_args()
    if not (arguments.checkout / LINEAR).is_file():
        raise SystemExit(f"{arguments.checkout}: no checkout of LabelBench ({LINEAR} is missing)")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        splits = splits_of(our_round.embeddings_of_cifar(folder))
        runs = {"here": ours(folder / "ours", splits, arguments.rounds, arguments.threads)}
        for place, variant in enumerate([arguments.only] if arguments.only else VARIANTS):
            runs[f"LabelBench {variant}"] = theirs(
                arguments.checkout,
                folder / str(place),
                splits,
                arguments.rounds,
                arguments.threads,
                variant,
            )
    for name, rounds in runs.items():
        seconds = [s for s, _ in rounds]
        accuracies = " / ".join(f"{accuracy:.3f}" for _, accuracy in rounds)
        print(f"{name}: {min(seconds):.1f} to {max(seconds):.1f} s a round; accuracy {accuracies}")


if __name__ == "__main__":
    main()
