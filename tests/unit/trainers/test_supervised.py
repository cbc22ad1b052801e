"""The supervised trainer: its loss, its options, and its place in the list."""

import math

import numpy as np
import pytest
import torch

from labelbench_core import registry
from labelbench_core.errors import InputError
from labelbench_core.seeds import rng_for
from labelbench_core.trainers import Batch, Problem, Step, supervised
from labelbench_core.trainers.__main__ import main as list_trainers


@pytest.mark.parametrize(
    ("smoothing", "expected"),
    [
        (0.0, (math.log(4) + math.log(1.25)) / 2),
        # Each target: 0.9 + 0.1/2 on the label, 0.1/2 on the other class.
        (
            0.1,
            (
                0.95 * math.log(4)
                + 0.05 * math.log(4 / 3)
                + 0.95 * math.log(1.25)
                + 0.05 * math.log(5)
            )
            / 2,
        ),
    ],
)
def test_loss_is_the_mean_cross_entropy(smoothing, expected):
    probabilities = torch.tensor([[0.25, 0.75], [0.2, 0.8]])
    batch = Batch(inputs=probabilities.log(), labels=torch.tensor([0, 1]))
    step = Step(0, 1, Problem(np.array([1, 1]), 0), rng_for("loss"))
    loss = supervised.build(label_smoothing=smoothing).loss(torch.nn.Identity(), batch, step)
    assert float(loss.total) == pytest.approx(expected, rel=1e-6)
    assert torch.equal(loss.logits, batch.inputs)


@pytest.mark.parametrize(
    "options", [{"label_smoothing": 1.0}, {"mixup": -1.0}, {"class_weights": "some"}]
)
def test_wrong_options_of_the_method_are_named(options):
    with pytest.raises(InputError, match=next(iter(options))):
        registry.build("trainers", {"implementation": "supervised", "options": options})


def test_trainers_can_be_listed_without_importing_them(capsys):
    assert "supervised" in registry.names("trainers")
    assert registry.describe("trainers", "supervised").options["mixup"] == 0.0
    assert list_trainers(["--list"]) == 0
    assert "supervised" in capsys.readouterr().out
