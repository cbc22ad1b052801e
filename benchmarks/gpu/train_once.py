"""One fine-tuning by FlexMatch, as a process of its own that can be killed.

python -m benchmarks.gpu.train_once DATASET OUTPUT --backbone NAME ...
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from benchmarks.finetune import BACKBONES
from labelbench_core.datasets import open_dataset
from labelbench_core.storage.round_files import Round
from labelbench_core.training.finetuning import finetune_round, write_finetuned

CHECKPOINT = "checkpoint"
"""Name of the file, in OUTPUT, that an interrupted training leaves."""

WEIGHTS = "model.safetensors"
"""Name of the trained weights' file in OUTPUT."""


def main(argv: list[str] | None = None) -> int:
    """Train, from a checkpoint if there is one; the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--backbone", choices=BACKBONES, required=True)
    parser.add_argument("--input-size", type=int, required=True)
    parser.add_argument("--precision", required=True)
    parser.add_argument("--steps", type=int, required=True)
    options = parser.parse_args(argv)
    ids = {"dataset": "random", "proxy": "none", "schedule": "none", "strategy": "random"}
    settings = {
        **ids,
        "seed": 0,
        "round": 0,
        "backbone": {
            "id": "backbone",
            "implementation": options.backbone,
            "options": {"input_size": options.input_size, **BACKBONES[options.backbone]},
        },
        "trainer": {
            "id": "flexmatch",
            "implementation": "flexmatch",
            "training": {
                "steps": options.steps,
                "batch_size": 16,
                "unlabeled_ratio": 2,
                "warmup_steps": 0,
                "learning_rate": 3.0e-4,
                "head": "fresh",
                "flip": True,
                "precision": options.precision,
                "evaluate": ["test"],
            },
        },
    }
    dataset = open_dataset(options.dataset)
    bought = Round({"strategy": "random"}, {"labeled": np.arange(200)})
    options.output.mkdir(parents=True, exist_ok=True)
    done = finetune_round(dataset, bought, settings, options.output / CHECKPOINT, threads=2)
    assert done is not None
    write_finetuned(
        done,
        options.output / "metrics.json",
        options.output / "history.csv",
        options.output / WEIGHTS,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
