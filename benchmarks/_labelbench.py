"""Runs LabelBench's own `main.py` on given features, without a GPU, and notes when rounds end.

    python benchmarks/_labelbench.py CHECKOUT SETTINGS

SETTINGS is a JSON file: `arguments` of `main.py`, `log` (a file, to which each round's time and
metrics are written, a line each), `dim` of the features, `workers` of the data loaders (null: as
LabelBench has them) and `threads`. Nothing of the checkout is changed. What is replaced: Weights &
Biases by the log, `cuda()` by nothing where there is no GPU, the encoder by its width (its features
are in files), and packages that this run never calls, where they are not installed.
"""

import importlib.util
import json
import os
import runpy
import sys
import time
import types
from pathlib import Path
from typing import Any

import torch
from torch.utils import data

ENCODER = "frozen"


def stand_in(name: str, **members: Any) -> None:
    """A module of that name, where none is installed or `members` are given."""
    if members or importlib.util.find_spec(name) is None:
        module = types.ModuleType(name)
        module.__dict__.update(members)
        sys.modules[name] = module


def without_gpu() -> None:
    """`cuda()` leaves tensors and networks where they are."""
    if not torch.cuda.is_available():
        torch.Tensor.cuda = torch.nn.Module.cuda = lambda self, *_, **__: self


def with_workers(count: int) -> None:
    """Data loaders of `count` processes, whatever they ask for."""
    original = data.DataLoader.__init__

    def init(self: Any, *arguments: Any, **options: Any) -> None:
        original(self, *arguments, **{**options, "num_workers": count})

    data.DataLoader.__init__ = init


def trusting_load() -> None:
    """`torch.load` reads the arrays that this benchmark wrote, as older versions did."""
    original = torch.load
    torch.load = lambda *arguments, **options: original(
        *arguments, **{"weights_only": False, **options}
    )


def register_encoder(dim: int) -> None:
    """An encoder that is only asked for its width."""
    from LabelBench.skeleton.model_skeleton import register_model

    class Frozen:
        def get_embedding_dim(self) -> int:
            return dim

    register_model(ENCODER)(lambda _config: Frozen())


def register_labels(data_dir: str) -> None:
    """Data set "cifar10" without its images: labels are read from the files beside the features."""
    from LabelBench.skeleton.dataset_skeleton import (
        LabelType,
        TransformDataset,
        register_dataset,
    )

    def get(*_: Any) -> tuple[Any, ...]:
        labels = [
            torch.load(os.path.join(data_dir, f"labels_cifar10_{split}.pt"))
            for split in ("train", "val", "test")
        ]
        splits = [TransformDataset(data.TensorDataset(one, one)) for one in labels]
        return (*splits, None, None, None, labels[0].shape[1], None)

    register_dataset("cifar10", LabelType.MULTI_CLASS)(get)


def main() -> None:
    checkout, settings = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text())
    torch.set_num_threads(settings["threads"])
    started = time.perf_counter()

    def log(values: dict[str, Any]) -> None:
        if "Test Accuracy" in values:
            line = {"seconds": time.perf_counter() - started, "accuracy": values["Test Accuracy"]}
            with open(settings["log"], "a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")

    def nothing(*_: Any, **__: Any) -> None:
        pass

    stand_in("wandb", init=nothing, log=log, finish=nothing)
    for name in ("clip", "wilds"):
        stand_in(name)
    without_gpu()
    trusting_load()
    if settings["workers"] is not None:
        with_workers(settings["workers"])
    sys.path.insert(0, str(checkout))
    register_encoder(settings["dim"])
    arguments = settings["arguments"]
    from LabelBench.dataset import datasets  # noqa: F401

    register_labels(arguments[arguments.index("--data_dir") + 1])
    sys.argv = ["main.py", *arguments]
    runpy.run_path(str(checkout / "main.py"), run_name="__main__")


if __name__ == "__main__":
    main()
