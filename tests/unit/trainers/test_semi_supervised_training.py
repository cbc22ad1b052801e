"""Semi-supervised trainers in the loop: they learn from unlabelled examples, and resume."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers.fixed_examples import DyingCheckpoint, Killed
from helpers.semi_supervised import build, every_trainer
from labelbench_core import registry
from labelbench_core.seeds import rng_for
from labelbench_core.training.checkpoints import Checkpoint
from labelbench_core.training.examples import EmbeddingExamples
from labelbench_core.training.loop import train
from labelbench_core.training.network import Network
from labelbench_core.training.recipe import Recipe
from labelbench_core.training.run import Task

CPU = torch.device("cpu")


def two_strips(count=600):
    """Two classes side by side; their four labels suggest a border that is tilted.

    Views are noise around the examples. The border through the empty middle needs the unlabelled.
    """
    rng = rng_for("strips", 2)
    labels = np.arange(count) % 2
    across = 2.0 * labels - 1 + 0.25 * rng.standard_normal(count)
    points = np.stack([across, rng.standard_normal(count)], axis=1)
    points[:4] = [[-1, -1], [1, 1], [-1, -0.6], [1, 0.6]]
    views = {
        name: [
            (points + noise * rng.standard_normal(points.shape)).astype(np.float32)
            for _ in range(views)
        ]
        for name, noise, views in (("plain", 0, 1), ("weak", 0.02, 3), ("strong", 0.2, 5))
    }

    def examples(indices):
        return EmbeddingExamples(views, indices, np.zeros(2), np.ones(2), CPU)

    task = Task(
        labeled=examples(np.arange(4)),
        labels=labels[:4],
        num_classes=2,
        names=("strips", 0),
        device=CPU,
        unlabeled=examples(np.arange(4, count)),
    )
    return task, points.astype(np.float32), labels


def fit(task, name, checkpoint=None, options=None, **training):
    """A linear classifier and how its training went."""
    recipe = {
        "steps": 250,
        "batch_size": 4,
        "unlabeled_ratio": 16,
        "learning_rate": 0.2,
        "warmup_steps": 0,
        "weight_decay": 0.0,
        "gradient_clip": 0.0,
        "head": "fresh",
        "ema_decay": 0.9 if name == "mean-teacher" else 0.0,
    }
    network = Network(torch.nn.Identity(), 2, 2)
    checkpoint = checkpoint or Checkpoint(None, "same")
    recipe = Recipe.from_options({**recipe, **training})
    return network, train(network, build(name, **(options or {})), recipe, task, checkpoint)


def accuracy(network, points, labels):
    with torch.no_grad():
        return float((network(torch.from_numpy(points)).argmax(dim=1).numpy() == labels).mean())


@pytest.fixture(scope="module")
def strips():
    return two_strips()


@pytest.fixture(scope="module")
def supervised_accuracy(strips):
    task, points, labels = strips
    network, result = fit(replace(task, unlabeled=None), "supervised")
    assert result.history[-1]["used"] is None
    return accuracy(network, points, labels)


@every_trainer
def test_unlabelled_examples_help(name, strips, supervised_accuracy):
    task, points, labels = strips
    # Without a threshold, pseudo-labels of its own view can hold the tilted border in place.
    options = {"threshold": 0.8} if name == "pseudo-label" else {}
    network, result = fit(task, name, options=options)
    assert supervised_accuracy < 0.9
    assert accuracy(network, points, labels) > 0.97
    assert result.history[-1]["used"] > 0.5


@every_trainer
@pytest.mark.parametrize("accumulate", [1, 3])
def test_an_interrupted_training_continues_to_the_same_weights(name, accumulate, strips, tmp_path):
    task, _, _ = strips
    path = tmp_path / "checkpoint.partial"
    options = {"steps": 25, "accumulate": accumulate}
    expected, whole = fit(task, name, **options)
    with pytest.raises(Killed):
        fit(task, name, DyingCheckpoint(path, save_at=13), **options)
    continued, result = fit(task, name, Checkpoint(path, "same"), **options)
    for key, value in expected.state_dict().items():
        assert torch.equal(continued.state_dict()[key], value)
    assert result == whole
    assert whole.history[-1]["unlabeled_loss"] != 0


@pytest.mark.parametrize("name", ["fixmatch", "flexmatch"])
def test_accumulation_does_not_change_the_training(name, strips):
    once, _ = fit(strips[0], name, steps=60)
    in_parts, _ = fit(strips[0], name, steps=60, accumulate=4)
    torch.testing.assert_close(in_parts.head.weight, once.head.weight, rtol=1e-3, atol=1e-4)


@every_trainer
def test_reduced_precision_and_batch_statistics(name, strips):
    options = {"steps": 3, "precision": "bfloat16", "batch_norm": "batch", "accumulate": 2}
    network, result = fit(strips[0], name, **options)
    assert {value.dtype for value in network.parameters()} == {torch.float32}
    assert math.isfinite(result.history[-1]["loss"])


@every_trainer
def test_only_views_that_are_looked_at_are_made(name, strips, monkeypatch):
    made = []
    view = EmbeddingExamples.view

    def recorded(self, kind, *arguments):
        made.append((self is strips[0].unlabeled, kind))
        return view(self, kind, *arguments)

    monkeypatch.setattr(EmbeddingExamples, "view", recorded)
    views = registry.describe("trainers", name).info["unlabeled_views"]
    fit(replace(strips[0], unlabeled_views=views), name, steps=3)
    expected = [(False, "weak"), (True, "weak"), (True, "strong")][: 1 + views]
    assert made == 3 * expected
