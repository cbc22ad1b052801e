"""Fine-tune a pretrained network on the labels bought up to a round of selection."""

import argparse
import contextlib
import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from labelbench_core.storage import files
from workflow_scripts._annotations import add_annotations_argument
from workflow_scripts._job import job_parser, run_job


@contextlib.contextmanager
def alone(metrics: Path) -> Iterator[int]:
    """Lock a fine-tuning for this process; the descriptor lets child processes hold the lock.

    After this process was killed, its successor waits for those children too: they would go on
    writing the checkpoint.
    """
    path = metrics.with_name(".training.lock")
    with files.exclusive(metrics), open(path, "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock.fileno()
        path.unlink()  # not after an error: child processes may be left


def read_inputs(arguments: argparse.Namespace) -> tuple[Any, Any, Any, Any]:
    """The data set, its labels, the round and the classifier of the class names, all verified."""
    from labelbench_core.annotators.annotations import open_annotations
    from labelbench_core.datasets import open_dataset
    from labelbench_core.storage.job_settings import JobSettings
    from labelbench_core.storage.zero_shot_file import read_head
    from labelbench_core.training.finetuning import read_bought

    settings = arguments.settings
    dataset = open_dataset(arguments.dataset.parent, settings["dataset"])
    said = open_annotations(settings, dataset, arguments.annotations)
    bought = read_bought(dataset, arguments.round_json, arguments.round_npz, settings, said)
    if not arguments.zero_shot:
        return dataset, said, bought, None
    made_for = {
        "dataset": settings["dataset"],
        "dataset_fingerprint": dataset.manifest["fingerprint"],
        "backbone": JobSettings.of(settings).ids["backbone"],
    }
    head = read_head(arguments.zero_shot, made_for, dataset.num_classes)
    return dataset, said, bought, head


def launch(arguments: argparse.Namespace) -> None:
    """Run this script in several processes, one for each GPU, by `torchrun`."""
    # Errors in the inputs are reported once, here.
    dataset, *_ = read_inputs(arguments)
    dataset.verify_splits(dataset.splits)
    with alone(arguments.metrics) as lock:
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
        command += ["--nproc-per-node", str(arguments.processes), "-m", __spec__.name]
        # The processes would write to the same log, which this one holds.
        own = [str(argument) for argument in arguments.argv]
        if "--log" in own:
            del own[own.index("--log") : own.index("--log") + 2]
        stream = None if arguments.log is None else arguments.log.open("a", encoding="utf-8")
        with stream or contextlib.nullcontext():
            # Of inherited descriptors, `torchrun` passes on only the standard streams; it keeps
            # the descriptors of `_gpus.take`.
            subprocess.run(
                [*command, *own],
                check=True,
                stdin=lock,
                stdout=stream,
                stderr=stream,
                close_fds=False,
            )


def finetune(arguments: argparse.Namespace) -> None:
    """Write the metrics, the training's history and the weights."""
    from labelbench_core.training.finetuning import finetune_round, write_finetuned

    checkpoint = arguments.metrics.with_name("checkpoint.partial")
    is_launched = "WORLD_SIZE" in os.environ
    lock = contextlib.nullcontext() if is_launched else alone(arguments.metrics)
    with lock:
        dataset, said, bought, zero_shot = read_inputs(arguments)
        result = finetune_round(
            dataset,
            bought,
            arguments.settings,
            checkpoint,
            annotations=said,
            zero_shot=zero_shot,
            threads=arguments.threads,
        )
        if result is None:
            return
        write_finetuned(result, arguments.metrics, arguments.history, arguments.weights)
        files.remove(checkpoint)


def main(argv: list[str] | None = None) -> int:
    """Parse arguments and run; the exit status."""
    parser = job_parser(__doc__)
    parser.add_argument("--dataset", type=Path, required=True, help="manifest of the data set")
    parser.add_argument("--round-npz", type=Path, required=True, help="the round's arrays")
    parser.add_argument("--round-json", type=Path, required=True, help="the round's record")
    add_annotations_argument(parser)
    zero_shot = "classifier made of the class names, where the training starts from it"
    parser.add_argument("--zero-shot", type=Path, nargs="?", help=zero_shot)
    parser.add_argument(
        "--settings",
        type=json.loads,
        required=True,
        help="ids and the catalogue's entries, as JSON",
    )
    parser.add_argument("--metrics", type=Path, required=True, help="metrics.json to write")
    parser.add_argument("--history", type=Path, required=True, help="history.csv to write")
    parser.add_argument("--weights", type=Path, required=True, help="model.safetensors to write")
    parser.add_argument("--processes", type=int, default=1, help="GPUs to train on together")
    arguments = parser.parse_args(argv)
    arguments.argv = sys.argv[1:] if argv is None else argv
    is_launcher = arguments.processes > 1 and "WORLD_SIZE" not in os.environ
    return run_job(launch if is_launcher else finetune, arguments)


if __name__ == "__main__":
    sys.exit(main())
