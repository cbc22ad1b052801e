"""Every path on a GPU that the paper needs, in at most nine minutes and without internet.

    make check-gpu
    python -m benchmarks.gpu [--output results/check_gpu.json]

Weights are random, or come as packages. The bare loop feeds the same network with batches that lie
on the device; the peak is that of large matrix products, measured in the same call. What is skipped
is named, with the reason. Exit status: 0 if nothing failed, 1 if something did, 2 without a GPU.
"""

import argparse
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks.gpu._extraction import check_extraction
from benchmarks.gpu._kernels import check_kernel
from benchmarks.gpu._machine import Machine
from benchmarks.gpu._results import (
    FAILED,
    SKIPPED,
    Row,
    markdown_line,
    table_head,
    write_json,
)
from benchmarks.gpu._training import check_resuming, check_speed

SECONDS = 9 * 60.0
CLIP, LITE = "open-clip-model", "efficientnet-lite"
NAMES = {CLIP: "ViT-B/32", LITE: "EfficientNet-Lite0"}
# Those that the paper compares and that need no more than a head, embeddings and probabilities.
STRATEGIES = ("confidence", "entropy", "margin", "coreset", "badge", "galaxy", "typiclust")
SIZES = {"CIFAR-10": (50_000, 10, 1000), "ImageNet": (1_281_167, 1000, 10_000)}
LARGE_STRATEGIES = ("confidence", "entropy", "margin", "coreset", "badge")


@dataclass(frozen=True)
class Check:
    """One check: its name, what it does, and the seconds that it is expected to take at most."""

    name: str
    run: Callable[[], Row]
    seconds: float


def main(argv: list[str] | None = None) -> int:
    """Run the checks and print the table; the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--output", type=Path, default=Path("results/check_gpu.json"))
    options = parser.parse_args(argv)
    if not torch.cuda.is_available():
        print("error: no GPU that torch can use on this machine: nothing was checked")
        return 2
    machine = Machine("cuda")
    print(", ".join(f"{key} {value}" for key, value in machine.describe().items()), flush=True)
    rows = run([*checks(machine), *not_here()], SECONDS)
    write_json(options.output, machine.describe(), rows)
    print(f"\n{options.output}")
    return int(any(row.result == FAILED for row in rows))


def run(planned: list[Check], limit: float) -> list[Row]:
    """Run the checks one after the other, as long as there is time; print each row at once."""
    started = time.monotonic()
    rows: list[Row] = []
    print(table_head(), flush=True)
    for check in planned:
        left = limit - (time.monotonic() - started)
        if check.seconds > left:
            why = f"takes up to {check.seconds:.0f} s; {max(0.0, left):.0f} s left of {limit:.0f}"
            rows.append(Row(check.name, SKIPPED, note=why))
        else:
            try:
                rows.append(check.run())
            except Exception as error:
                # One path that does not work must not hide the others; it fails the call.
                traceback.print_exc()
                line = str(error).partition("\n")[0]
                rows.append(Row(check.name, FAILED, note=f"{type(error).__name__}: {line}"))
        print(markdown_line(rows[-1].cells()), flush=True)
    return rows


def checks(machine: Machine) -> Iterator[Check]:
    """All checks, the most important ones first."""
    for backbone in (CLIP, LITE):
        name = f"extraction, {NAMES[backbone]} at 224 px"
        yield Check(
            name,
            lambda name=name, backbone=backbone: check_extraction(
                machine, name, backbone, 20_000, 224
            ),
            60,
        )
    for precision in ("bfloat16", "float16"):
        for backbone in (CLIP, LITE):
            name = f"FlexMatch, {NAMES[backbone]} at 224 px, {precision}"
            sizes = ["--input-size", "224", "--image-size", "64", "--batch-size", "64"]
            arguments = ["--backbone", backbone, *sizes, "--steps", "20"]
            yield Check(
                name,
                lambda name=name, precision=precision, arguments=arguments: check_speed(
                    machine, name, precision, *arguments
                ),
                40,
            )
        name = f"kill and resume, {precision}"
        yield Check(
            name,
            lambda name=name, precision=precision: check_resuming(
                machine, name, precision, CLIP, 224, 150
            ),
            120,
        )
    for size, (rows, classes, budget) in SIZES.items():
        for strategy in STRATEGIES if size == "CIFAR-10" else LARGE_STRATEGIES:
            name = f"{strategy}, {size}'s size"
            yield Check(
                name,
                lambda name=name, strategy=strategy, size=(rows, classes, budget): check_kernel(
                    machine, name, strategy, *size
                ),
                30 if size == "CIFAR-10" else 60,
            )


def not_here() -> Iterator[Check]:
    """Paths that this call cannot try, each with the reason."""
    reasons = {
        "published weights from hubs": "needs internet",
        "several GPUs": f"{torch.cuda.device_count()} GPU here; `torchrun` is tested on CPUs",
        "compiled networks": "compiling alone takes minutes",
    }
    for name, why in reasons.items():
        yield Check(name, lambda name=name, why=why: Row(name, SKIPPED, note=why), 0)


if __name__ == "__main__":
    sys.exit(main())
