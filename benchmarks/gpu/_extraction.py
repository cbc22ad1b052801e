"""Embedding a data set, against a bare loop over the same network; twice, with equal results."""

import tempfile
from pathlib import Path

import numpy as np
import torch

from benchmarks.finetune import build_backbone
from benchmarks.gpu._images import random_dataset
from benchmarks.gpu._machine import Machine
from benchmarks.gpu._results import FAILED, PASSED, Row
from labelbench_core.compute.flops import flops_per_image
from labelbench_core.compute.precision import autocast, embedding_precision
from labelbench_core.embeddings.extract import extract_embeddings
from labelbench_core.embeddings.features import FeatureExtractor, choose_batch_size


def check_extraction(
    machine: Machine, name: str, backbone_name: str, rows: int, input_size: int
) -> Row:
    """Images per second from a prepared data set to finished embeddings."""
    backbone = build_backbone(backbone_name, input_size)
    extractor = FeatureExtractor(
        backbone, str(machine.device), embedding_precision("auto", str(machine.device))
    )
    size = choose_batch_size(input_size)
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        dataset = random_dataset(folder / "data", rows, 64)
        total = sum(len(dataset.images(split)) for split in dataset.splits)
        pixels = torch.from_numpy(dataset.images("pool").batch(np.arange(min(size, rows))))
        batch = extractor.backbone.preprocess(pixels.to(machine.device))

        def bare() -> None:
            with (
                torch.inference_mode(),
                autocast(extractor.device, getattr(torch, extractor.precision)),
            ):
                for _ in range(-(-total // len(batch))):
                    extractor.model(batch).float().cpu()

        def ours(turn: int) -> str:
            target = folder / f"turn-{turn}"
            manifest = extract_embeddings(
                dataset,
                backbone,
                backbone_name,
                target / "arrays",
                target / "manifest.json",
                threads=4,
            )
            return str(manifest["fingerprint"])

        bare()
        machine.forget_memory()
        found = []
        seconds = min(machine.seconds(lambda: found.append(ours(len(found)))) for _ in range(2))
        memory = machine.most_memory_gb()
        images = -(-total // len(batch)) * len(batch)
        bare_rate = images / min(machine.seconds(bare) for _ in range(2))
    equal = len(set(found)) == 1
    return Row(
        name,
        PASSED if equal else FAILED,
        rate=total / seconds,
        of_bare=total / seconds / bare_rate,
        of_peak=total
        / seconds
        * flops_per_image(backbone.model, input_size)
        / machine.peak[extractor.precision],
        memory_gb=memory,
        note=f"{extractor.precision}; "
        + ("twice, with equal embeddings" if equal else "twice, with different embeddings"),
    )
