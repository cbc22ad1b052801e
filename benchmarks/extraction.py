"""Images per second: our extraction against a bare loop over the same network, in one run.

    python -m benchmarks.extraction [--size 96] [--threads 2] [--repeats 3]

The bare loop feeds the same folded, channels-last network with batches that lie in memory, resized
and normalised already; it stores nothing. Our extraction reads the prepared data set, resizes,
normalises, checks, writes and hashes. Both are repeated in turns, since machines are rarely idle;
on a busy one the ratio of processor time says more than that of elapsed time.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from labelbench_core.backbones import Backbone, efficientnet_lite
from labelbench_core.compute.devices import choose_device, prepare_cpu
from labelbench_core.compute.precision import autocast, embedding_precision
from labelbench_core.datasets import PreparedDataset, open_dataset
from labelbench_core.datasets.preparing.prepare import prepare_dataset
from labelbench_core.embeddings.extract import extract_embeddings
from labelbench_core.embeddings.features import (
    FeatureExtractor,
    choose_batch_size,
)


def clocks() -> np.ndarray:
    """Elapsed and processor time, in seconds."""
    return np.array([time.perf_counter(), time.process_time()])


def bare_loop(
    extractor: FeatureExtractor, batches: list[torch.Tensor], num_images: int
) -> np.ndarray:
    """Images per second, elapsed and of processor time, of the network alone."""
    started = clocks()
    seen = 0
    with torch.inference_mode(), autocast(extractor.device, getattr(torch, extractor.precision)):
        for batch in batches:
            extractor.model(batch).float().cpu()
            seen += len(batch)
    assert seen == num_images
    return num_images / (clocks() - started)


def our_extraction(
    dataset: PreparedDataset, backbone: Backbone, num_images: int, threads: int
) -> np.ndarray:
    """Images per second, both times, from a prepared data set to finished embeddings."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder)
        started = clocks()
        extract_embeddings(
            dataset,
            backbone,
            "lite0",
            target / "arrays",
            target / "manifest.json",
            threads=threads,
        )
        return num_images / (clocks() - started)


def batches_in_memory(
    dataset: PreparedDataset, extractor: FeatureExtractor, batch_size: int
) -> list[torch.Tensor]:
    """All images as the network takes them, on its device."""
    batches = []
    for split in dataset.splits:
        images = dataset.images(split)
        for first in range(0, len(images), batch_size):
            rows = np.arange(first, min(first + batch_size, len(images)))
            pixels = torch.from_numpy(images.batch(rows)).to(extractor.device)
            batches.append(extractor.backbone.preprocess(pixels))
    return batches


def main() -> None:
    """Time both, in turns, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--size", type=int, default=96, help="input size in pixels")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    prepare_cpu(arguments.threads)
    backbone = efficientnet_lite.build(input_size=arguments.size)
    device = choose_device()
    extractor = FeatureExtractor(backbone, device, embedding_precision("auto", device))
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder)
        prepare_dataset("digits", "digits", {}, target, target / "arrays", target / "manifest.json")
        dataset = open_dataset(target)
        batches = batches_in_memory(dataset, extractor, choose_batch_size(arguments.size))
        total = sum(len(batch) for batch in batches)
        bare_loop(extractor, batches, total)
        print(f"{total} digits at {arguments.size} px on {device}, {arguments.threads} threads")
        print(f"{'turn':>5} {'bare loop':>12} {'extraction':>12} {'ratio':>7} {'processor':>13}")
        ratios = []
        for turn in range(arguments.repeats):
            before = bare_loop(extractor, batches, total)
            ours = our_extraction(dataset, backbone, total, arguments.threads)
            after = bare_loop(extractor, batches, total)
            bare = 2.0 / (1.0 / before + 1.0 / after)
            ratios.append(ours / bare)
            rates = f"{bare[0]:>10.1f}/s {ours[0]:>10.1f}/s"
            print(f"{turn:>5} {rates} {ratios[-1][0]:>7.3f} {ratios[-1][1]:>10.3f}", flush=True)
        elapsed, processor = np.median(ratios, axis=0)
        print(f"median ratio {elapsed:.3f}, of processor time {processor:.3f}")


if __name__ == "__main__":
    main()
