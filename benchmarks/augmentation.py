"""What strong augmentation costs: against a step of training, and in the extraction of views.

    python -m benchmarks.augmentation [--size 64] [--batch-size 448] [--threads 1] [--repeats 5]

Batches of random images at 32 and 64 px: the weak changes, two operations and Cutout, against
forward and backward pass of EfficientNet-Lite0 over as many images. Then the 1,297 digits of the
pool: extraction of a strong view against that of clean embeddings. Everything in turns; on a busy
machine the ratio of processor time says more than that of elapsed time.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from labelbench_core.augmentation.settings import Augmentation, StrongAugmentation
from labelbench_core.augmentation.views import strong
from labelbench_core.backbones import Backbone, efficientnet_lite
from labelbench_core.backbones.folding import fold_batch_norm
from labelbench_core.compute.devices import choose_device
from labelbench_core.datasets import open_dataset
from labelbench_core.datasets.preparing.prepare import prepare_dataset
from labelbench_core.embeddings.augmented import extract_views
from labelbench_core.embeddings.extract import extract_embeddings
from labelbench_core.seeds import rng_for

TRAINED_AT_ONCE = 64
NATURAL = StrongAugmentation(Augmentation(translate=0.125, flip=True))


def seconds(action: Callable[[], object]) -> np.ndarray:
    """Elapsed and processor time of `action`."""
    before = np.array([time.perf_counter(), time.process_time()])
    action()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return np.array([time.perf_counter(), time.process_time()]) - before


def compare(
    name: str, count: int, ours: Callable[[], object], other: Callable[[], object], repeats: int
) -> None:
    """Print images per second of both and the median ratios of their times."""
    ours()
    times = np.array([[seconds(ours), seconds(other)] for _ in range(repeats)])
    rates = count / np.median(times[:, :, 1], axis=0)
    elapsed, processor = np.median(times[:, 0] / times[:, 1], axis=0)
    print(
        f"{name:<42} {rates[0]:>9.0f}/s {rates[1]:>9.0f}/s {elapsed:>9.3f} {processor:>9.3f}",
        flush=True,
    )


def training_pass(backbone: Backbone, device: torch.device, count: int) -> Callable[[], None]:
    """Forward and backward over `count` images, a few at a time."""
    model, _ = fold_batch_norm(backbone.model, backbone.input_size)
    model.to(device=device, memory_format=torch.channels_last)
    images = torch.randn(count, 3, backbone.input_size, backbone.input_size, device=device)
    images = images.contiguous(memory_format=torch.channels_last)

    def run() -> None:
        for part in images.split(TRAINED_AT_ONCE):
            model(part).square().mean().backward()

    return run


def compare_extractions(backbone: Backbone, threads: int, repeats: int) -> None:
    """A strong view of the digits against their clean embeddings, per image."""
    entry = {"id": "benchmark", "strong": {"operations": 2, "cutout": 0.5}, "draws": 1}
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "digits")
        prepare_dataset("digits", "digits", {}, source, source / "arrays", source / "manifest.json")
        dataset = open_dataset(source)
        dataset.splits = ["pool"]

        def target() -> tuple[Path, Path]:
            fresh = Path(tempfile.mkdtemp(dir=folder))
            return fresh / "arrays", fresh / "manifest.json"

        compare(
            "strong view / clean, digits",
            dataset.manifest["splits"]["pool"]["num_rows"],
            lambda: extract_views(dataset, backbone, "lite0", entry, *target(), threads=threads),
            lambda: extract_embeddings(dataset, backbone, "lite0", *target(), threads=threads),
            repeats,
        )


def main() -> None:
    """Time all pairs and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--size", type=int, default=64, help="side of the network's input")
    parser.add_argument("--batch-size", type=int, default=448, help="images augmented at once")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    device = torch.device(choose_device())
    backbone = efficientnet_lite.build(input_size=arguments.size)
    train = training_pass(backbone, device, arguments.batch_size)
    print(
        f"{device}, {arguments.threads} threads, network input {arguments.size} px; processor time"
    )
    print(f"{'':<42} {'ours':>11} {'other':>11} {'elapsed':>9} {'processor':>9}")
    for side in (32, 64):
        shape = (arguments.batch_size, side, side, 3)
        pixels = rng_for("benchmark").integers(0, 256, shape, dtype=np.uint8)
        images = torch.from_numpy(pixels).to(device)
        compare(
            f"strong, {side} px / forward and backward",
            len(images),
            lambda images=images: strong(images, NATURAL, rng_for("benchmark", "draws")),
            train,
            arguments.repeats,
        )
    compare_extractions(backbone, arguments.threads, arguments.repeats)


if __name__ == "__main__":
    main()
