"""Trainings in several processes on the CPU, each case also in one (run as a command)."""

import logging
import sys
from pathlib import Path

import numpy as np
import torch

from labelbench_core.compute import distributed
from labelbench_core.seeds import rng_for

from .fixed_examples import fit


class WithRest(torch.nn.Module):
    """One layer that is used, and one that is not."""

    def __init__(self):
        super().__init__()
        self.used, self.rest = torch.nn.Linear(5, 8), torch.nn.Linear(5, 8)

    def forward(self, inputs):
        return self.used(inputs).tanh()


def points(count, *names):
    return rng_for("points", *names).standard_normal((count, 5), dtype=np.float32)


def all_used():
    return torch.nn.Sequential(torch.nn.Linear(5, 8), torch.nn.Tanh()), 8


def one_unused():
    return WithRest(), 8


INPUTS = points(12)
LABELS = INPUTS[:, :3].argmax(axis=1)
REST = points(30, "rest")
WEIGHTS = np.linspace(0.1, 1.9, len(LABELS), dtype=np.float32)
SURE = {"options": {"threshold": 0.7}, "trainer": "flexmatch", "unlabeled": REST}
# For three processes: all rows of a step in equal parts; five rows, in parts; two; two of the rest.
CASES = {
    "equal": {"batch_size": 6},
    "unequal, in parts": {"batch_size": 5, "accumulate": 2},
    "two labels": {"inputs": INPUTS[:2], "labels": LABELS[:2]},
    "unlabelled": {"batch_size": 7, "unlabeled_ratio": 1, "accumulate": 2, **SURE},
    "two unlabelled": {"batch_size": 6, **SURE, "unlabeled": REST[:2]},
    "weighted, in parts": {"batch_size": 5, "accumulate": 2, "weights": WEIGHTS},
    "an unused layer": {"build": one_unused, "batch_size": 6},
}


def train(case):
    """Weights and history of a case."""
    given = {"build": all_used, "inputs": INPUTS, "labels": LABELS, **CASES[case]}
    # No rounding is enlarged: neither by Adam's division nor by clipping.
    recipe = {"steps": 12, "optimizer": "sgd", "learning_rate": 0.2, "gradient_clip": 0.0}
    network, record = fit(**recipe, **given)
    return network.state_dict(), record.history, record.attempts


def main(target: Path) -> None:
    """Train all cases together with the other processes; the first writes what came out."""
    logging.basicConfig(level=logging.INFO)
    looked = []
    averaged = distributed.averaged

    def watched(*arguments, **options):
        forward = averaged(*arguments, **options)
        looked.append(forward.find_unused_parameters)
        return forward

    distributed.averaged = watched
    with distributed.joined(torch.device("cpu")):
        found = {case: (*train(case), looked.pop()) for case in CASES}
        if distributed.rank() == 0:
            torch.save(found, target)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
