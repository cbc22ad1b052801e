"""Fine-tuning against a bare loop over the same network and batch, on the same device, interleaved.

    python -m benchmarks.finetune --threads 1

The bare loop has one batch, ready on the device, and does nothing but forward, cross-entropy,
backward, clipping and the optimiser's step. The ratio says what sampling, preparing and augmenting
images, the schedule and the records cost; the goal is at least 0.9.
"""

import argparse
import json
import statistics
import sys
import time

import numpy as np
import torch

from labelbench_core import registry
from labelbench_core.seeds import rng_for
from labelbench_core.trainers import Trainer
from labelbench_core.trainers._batches import DeviceImages
from labelbench_core.trainers._examples import ImageExamples
from labelbench_core.trainers._loop import Task, TrainingRun, autocast, training_dtype
from labelbench_core.trainers._network import Network, fold_batch_norm
from labelbench_core.trainers._schedule import build_optimizer
from labelbench_core.trainers.recipe import Recipe

NUM_CLASSES = 10


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
    network: Network, recipe: Recipe, steps: int, size: int, device: torch.device
) -> float:
    """Seconds for `steps` steps of the bare loop."""
    optimizer = build_optimizer(network, recipe)
    dtype = training_dtype(recipe, device)
    images = torch.randn(recipe.batch_size, 3, size, size, device=device)
    images = images.contiguous(memory_format=torch.channels_last)
    labels = torch.arange(recipe.batch_size, device=device) % NUM_CLASSES
    network.eval()
    wait(device)
    started = time.perf_counter()
    for _ in range(steps):
        with autocast(device, dtype):
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
    """Until the device has done all it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Rates of both loops (median of the repeats) and the median of their ratios."""
    torch.set_num_threads(arguments.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    backbone = registry.load("backbones", "efficientnet-lite").build(
        input_size=arguments.input_size
    )
    model, _ = fold_batch_norm(backbone.model, backbone.input_size)
    network = Network(model, backbone.num_features, NUM_CLASSES)
    network.to(device=device, memory_format=torch.channels_last)
    change = {"translate": 0.05, "rotate": 5.0, "scale": 0.05} if arguments.augment else {}
    options = {"steps": arguments.steps, "batch_size": arguments.batch_size, "learning_rate": 1e-5}
    trainer = registry.load("trainers", "supervised").build()
    recipe = Recipe(**options, warmup_steps=0, **change)
    source = RandomImages(arguments.labels, arguments.image_size)
    images = DeviceImages(source, np.arange(arguments.labels), device)
    labels = np.arange(arguments.labels) % NUM_CLASSES
    examples = ImageExamples(images, backbone.preprocess, recipe)
    task = Task(examples, labels, NUM_CLASSES, ("benchmark",), device)
    time_bare(network, recipe, 2, backbone.input_size, device)
    rates: dict[str, list[float]] = {"bare": [], "loop": []}
    count = arguments.steps * arguments.batch_size
    for _ in range(arguments.repeats):
        seconds = time_bare(network, recipe, arguments.steps, backbone.input_size, device)
        rates["bare"].append(count / seconds)
        rates["loop"].append(count / time_loop(network, trainer, recipe, task))
    ratios = [loop / bare for loop, bare in zip(rates["loop"], rates["bare"], strict=True)]
    return {
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
        "threads": arguments.threads,
        "bare_images_per_s": round(statistics.median(rates["bare"]), 1),
        "loop_images_per_s": round(statistics.median(rates["loop"]), 1),
        "ratios": [round(ratio, 3) for ratio in ratios],
        "ratio": round(statistics.median(ratios), 3),
    }


def main(argv: list[str] | None = None) -> int:
    """Print the figures as JSON; the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--input-size", type=int, default=64, help="side of the network's input")
    parser.add_argument("--image-size", type=int, default=8, help="side of the stored images")
    parser.add_argument("--labels", type=int, default=300)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--augment", action="store_true", help="translate, rotate and scale")
    print(json.dumps(measure(parser.parse_args(argv)), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
