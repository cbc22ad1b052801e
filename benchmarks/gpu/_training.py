"""Fine-tuning by FlexMatch: its speed; the same result twice; killed, and continued."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import finetune
from benchmarks.gpu import train_once
from benchmarks.gpu._images import random_dataset
from benchmarks.gpu._machine import Machine
from benchmarks.gpu._results import FAILED, PASSED, Row
from labelbench_core.storage.files import sha256_file

KILLED_AFTER = {"cuda": 1.0, "cpu": 0.2}
"""Seconds to the checkpoint at which a training is killed, by type of device."""


def check_speed(machine: Machine, name: str, precision: str, *arguments: str) -> Row:
    """Images per second of FlexMatch's loop, against a bare one."""
    machine.forget_memory()
    options = ["--trainer", "flexmatch", "--augment", "--precision", precision, "--repeats", "3"]
    found = finetune.measure(finetune.parse([*options, *arguments]))
    return Row(
        name,
        PASSED,
        rate=found["loop_images_per_s"],
        of_bare=found["ratio"],
        of_peak=found["loop_flops_per_s"] / machine.peak[precision],
        memory_gb=machine.most_memory_gb(),
        note=precision,
    )


def check_resuming(
    machine: Machine, name: str, precision: str, backbone: str, input_size: int, steps: int
) -> Row:
    """Train twice, and a third time with a kill after the first checkpoint: equal weights."""
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        random_dataset(folder / "data", 1000, 32)

        def start(target: str, checkpoint_seconds: float | None = None) -> subprocess.Popen[bytes]:
            command = [sys.executable, "-m", "benchmarks.gpu.train_once"]
            command += [str(folder / "data"), str(folder / target), "--backbone", backbone]
            command += ["--input-size", str(input_size), "--precision", precision]
            command += ["--steps", str(steps)]
            environment = {**os.environ, "LABELBENCH_DEVICE": str(machine.device)}
            if checkpoint_seconds is not None:
                environment["LABELBENCH_CHECKPOINT_SECONDS"] = str(checkpoint_seconds)
            return subprocess.Popen(command, env=environment)

        def finish(target: str) -> str:
            if start(target).wait():
                raise AssertionError("the training failed: see its messages above")
            return sha256_file(folder / target / train_once.WEIGHTS)

        once, twice = finish("once"), finish("twice")
        # Only here, and not too often: a checkpoint of a large network takes a second to write.
        killed = start("killed", KILLED_AFTER[machine.device.type])
        checkpoint = folder / "killed" / train_once.CHECKPOINT
        while not checkpoint.exists() and killed.poll() is None:
            time.sleep(0.01)
        in_time = killed.poll() is None
        killed.kill()
        killed.wait()
        if not in_time:
            why = f"the training of {steps} steps ended before it could be killed"
            return Row(name, FAILED, note=why)
        continued = finish("killed")
    same, resumed = once == twice, once == continued
    note = "; ".join(
        [
            precision,
            "equal twice" if same else "NOT equal twice",
            "equal after a kill" if resumed else "NOT equal after a kill",
        ]
    )
    return Row(name, PASSED if same and resumed else FAILED, note=note)
