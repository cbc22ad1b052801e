"""Optimisers: their updates written out by hand, and what weight decay leaves alone."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from helpers.project import PROJECT
from labelbench_core.training.network import Network
from labelbench_core.training.recipe import Recipe
from labelbench_core.training.schedule import build_optimizer, set_learning_rate

RATE, DECAY, HEAD_FACTOR = 0.01, 0.1, 3.0
RATES = [RATE, RATE / 2, RATE / 4]


def by_hand(method, start, gradients, factor, decay):
    """Weights after updates with `gradients`, each at its rate of `RATES` times `factor`."""
    weights, first, second = start.astype(np.float64), 0.0, 0.0
    for number, (gradient, rate) in enumerate(zip(gradients, RATES, strict=True), start=1):
        rate = rate * factor
        if method == "adamw":  # Loshchilov & Hutter, ICLR 2019, algorithm 2
            weights = weights - rate * decay * weights
        else:
            gradient = gradient + decay * weights
        if method == "sgd":  # Nesterov's momentum 0.9
            first = 0.9 * first + gradient if number > 1 else gradient
            weights = weights - rate * (gradient + 0.9 * first)
        else:  # Kingma & Ba, ICLR 2015, algorithm 1
            first = 0.9 * first + 0.1 * gradient
            second = 0.999 * second + 0.001 * gradient**2
            mean, square = first / (1 - 0.9**number), second / (1 - 0.999**number)
            weights = weights - rate * mean / (np.sqrt(square) + 1e-8)
    return weights


@pytest.mark.parametrize("method", ["adamw", "adam", "sgd"])
def test_updates_are_those_written_out(method):
    generator = torch.Generator().manual_seed(0)
    backbone = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 2), torch.nn.BatchNorm2d(4), torch.nn.LayerNorm(5), torch.nn.PReLU(4)
    )
    network = Network(backbone, 5, 3)
    for parameter in network.parameters():
        parameter.data.normal_(generator=generator)
    recipe = Recipe.from_options(
        {
            "optimizer": method,
            "learning_rate": RATE,
            "weight_decay": DECAY,
            "head_factor": HEAD_FACTOR,
        }
    )
    optimizer = build_optimizer(network, recipe)
    parameters = dict(network.named_parameters())
    start = {name: value.detach().numpy().copy() for name, value in parameters.items()}
    gradients = {
        name: [torch.empty(value.shape).normal_(generator=generator) for _ in RATES]
        for name, value in parameters.items()
    }
    for number, rate in enumerate(RATES):
        for name, parameter in parameters.items():
            parameter.grad = gradients[name][number].clone()
        set_learning_rate(optimizer, rate)
        optimizer.step()
    decayed = {"backbone.0.weight", "head.weight"}
    for name, parameter in parameters.items():
        factor = HEAD_FACTOR if name.startswith("head.") else 1.0
        decay = DECAY if name in decayed else 0.0
        given = [gradient.numpy().astype(np.float64) for gradient in gradients[name]]
        expected = by_hand(method, start[name], given, factor, decay)
        found = parameter.detach().numpy()
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6, err_msg=name)
        other = by_hand(method, start[name], given, factor, DECAY - decay)
        assert np.abs(found - other).max() > 1e-5  # decay shows


TRAINING = """
import sys
import numpy as np
import torch
from tests.helpers.fixed_examples import fit
points = np.eye(6, 4, dtype=np.float32)
for optimizer, trainer in (("adamw", "flexmatch"), ("adam", "mean-teacher"), ("sgd", "supervised")):
    recipe = {"optimizer": optimizer, "trainer": trainer, "unlabeled": points}
    recipe |= {"ema_decay": 0.9, "gradient_clip": 1.0}
    network, result = fit(lambda: (torch.nn.Linear(4, 4), 4), points, np.arange(6) % 3, **recipe)
    assert result.attempts[-1]["steps"] == 4
    imported = [name for name in ("torch._dynamo", "torch._inductor") if name in sys.modules]
    print(optimizer, trainer, *imported)
"""


def test_torchs_compiler_which_takes_a_second_to_import_is_left_out():
    command = [sys.executable, "-c", TRAINING]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["adamw flexmatch", "adam mean-teacher", "sgd supervised"]
