"""Trainings on examples with weights: labelled losses by plain formulas, and repeated examples."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers.fixed_examples import FixedExamples
from helpers.semi_supervised import SEMI_SUPERVISED, a_batch, a_step, build, loss_of
from labelbench_core import registry
from labelbench_core.compute.values import normalized
from labelbench_core.seeds import rng_for
from labelbench_core.trainers import Batch, Problem, Step
from labelbench_core.training.network import Network
from labelbench_core.training.recipe import Recipe
from labelbench_core.training.run import Task, TrainingRun, Validation
from labelbench_core.training.setup import set_up

WEIGHTS = [0.25, 3.0, 0.5, 1.0, 0.75, 0.5]


def log_softmax(row):
    return [value - math.log(sum(map(math.exp, row))) for value in row]


def smoothed_loss(logits, label, smoothing):
    """Cross-entropy with a target that is spread over all classes."""
    logs = log_softmax(logits)
    return -(1 - smoothing) * logs[label] - smoothing * sum(logs) / len(logs)


def weighed(batch, weights=WEIGHTS):
    return replace(batch, weights=torch.tensor(weights))


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("name", [*SEMI_SUPERVISED, "supervised"])
def test_labelled_losses_are_weighted_and_unlabelled_ones_are_not(name, smoothing):
    trainer = build(name, label_smoothing=smoothing)
    batch = a_batch()
    plain = loss_of(trainer, batch, a_step(trainer))
    found = loss_of(trainer, weighed(batch), a_step(trainer))
    pairs = zip(batch.inputs.tolist(), batch.labels.tolist(), WEIGHTS, strict=True)
    losses = [w * smoothed_loss(logits, label, smoothing) for logits, label, w in pairs]
    expected = sum(losses) / len(losses)
    share = 0.0
    if name != "supervised":
        assert float(found.unlabeled) == pytest.approx(float(plain.unlabeled), rel=1e-5)
        assert float(found.used) == float(plain.used)
        share = float(found.unlabeled)
    assert float(found.total) - share == pytest.approx(expected, rel=1e-5)
    # Everything is labelled.
    alone = Batch(batch.inputs, batch.labels, weights=torch.tensor(WEIGHTS))
    found = loss_of(trainer, alone, a_step(trainer))
    assert float(found.total) == pytest.approx(expected, rel=1e-5)
    ones = loss_of(trainer, weighed(batch, [1.0] * 6), a_step(trainer))
    assert float(ones.total) == pytest.approx(float(plain.total), rel=1e-6)


@pytest.mark.parametrize("name", ["supervised", "fixmatch"])
def test_with_several_labels_a_rows_mean_loss_is_weighted(name):
    trainer = build(name)
    batch = replace(a_batch(), labels=torch.randint(0, 2, (6, 4)))
    found = loss_of(trainer, weighed(batch), a_step(trainer))
    logits = batch.inputs.double()
    losses = torch.nn.functional.binary_cross_entropy_with_logits(
        logits, batch.labels.double(), reduction="none"
    )
    expected = float((losses.mean(dim=1) * torch.tensor(WEIGHTS)).mean())
    share = 0.0 if found.unlabeled is None else float(found.unlabeled)
    assert float(found.total) - share == pytest.approx(expected, rel=1e-5)


def test_annealing_leaves_out_examples_and_weighs_the_others():
    trainer = build("uda", annealing="linear")
    batch = a_batch(scale=1.0)
    step = a_step(trainer, number=1)
    found = loss_of(trainer, weighed(batch), step)
    bound = 0.1 * (1 - 1 / 4) + 1 / 4
    kept = []
    for logits, label, weight in zip(
        batch.inputs.tolist(), batch.labels.tolist(), WEIGHTS, strict=True
    ):
        log = log_softmax(logits)[label]
        if math.exp(log) <= bound:
            kept.append((weight, -log))
    assert 0 < len(kept) < 6
    # The mean of the kept, as if each stood there as many times as its weight says, in a batch of
    # this weight.
    mean = sum(weight * loss for weight, loss in kept) / sum(weight for weight, _ in kept)
    expected = mean * sum(WEIGHTS) / len(WEIGHTS)
    assert float(found.total - found.unlabeled) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("several", [False, True])
def test_mixed_examples_bring_their_weights(several):
    """The loss of a mixture is that of both targets, each with the weight of its example."""
    trainer = build("supervised", mixup=0.7, label_smoothing=0.1)
    labels = torch.randint(0, 2, (6, 4)) if several else a_batch().labels
    batch = replace(a_batch(), labels=labels)
    found = loss_of(trainer, weighed(batch), a_step(trainer))
    rng = rng_for("step")
    share = float(rng.beta(0.7, 0.7))
    other = torch.from_numpy(rng.permutation(6))
    inputs = share * batch.inputs + (1 - share) * batch.inputs[other]
    weights = torch.tensor(WEIGHTS)

    def losses(of):
        if several:
            smooth = 0.9 * of.double() + 0.05
            return torch.nn.functional.binary_cross_entropy_with_logits(
                inputs.double(), smooth, reduction="none"
            ).mean(dim=1)
        pairs = zip(inputs.tolist(), of.tolist(), strict=True)
        return torch.tensor([smoothed_loss(row, one, 0.1) for row, one in pairs])

    mixed = share * weights * losses(labels)
    mixed = mixed + (1 - share) * weights[other] * losses(labels[other])
    assert float(found.total) == pytest.approx(float(mixed.mean()), rel=1e-5)


def test_balanced_classes_count_weights():
    trainer = build("supervised", class_weights="balanced")
    labels = torch.tensor([0, 0, 0, 1, 1, 0])
    logits = a_batch(num_classes=2).inputs
    repeats = torch.tensor([1, 4, 2, 3, 1, 1])
    weights = repeats / repeats.float().mean()

    def loss(counts, batch):
        problem = Problem(counts, 0)
        step = Step(0, 1, problem, rng_for("loss"), trainer.state(problem))
        return float(trainer.loss(torch.nn.Identity(), batch, step).total)

    sums = np.bincount(labels.numpy(), weights.numpy())
    found = loss(sums, Batch(logits, labels, weights=weights))
    again = Batch(logits.repeat_interleave(repeats, 0), labels.repeat_interleave(repeats))
    assert found == pytest.approx(loss(np.bincount(again.labels), again), rel=1e-5)
    # One example at a time, a heavy one counts more than a light one.
    alone = [
        loss(sums, Batch(logits[:1], labels[:1], weights=torch.tensor([w]))) for w in (1.0, 3.0)
    ]
    assert alone[1] == pytest.approx(3 * alone[0], rel=1e-5)


def trained(rows, labels, weights, validation=None, *, steps=25, **options):
    """A linear classifier, trained on all examples in every step."""
    task = Task(
        labeled=FixedExamples(rows),
        labels=labels,
        num_classes=3,
        names=("weights",),
        device=torch.device("cpu"),
        weights=weights,
        validation=validation,
    )
    recipe = {"steps": steps, "batch_size": 500, "warmup_steps": 0, "learning_rate": 0.1}
    recipe["optimizer"] = "sgd"  # Adam would make steps of the noise in gradients that are 0
    network = Network(torch.nn.Identity(), 4, 3)
    method = registry.load("trainers", "supervised").build(**options)
    run = TrainingRun(network, method, Recipe.from_options({**recipe, "head": "fresh"}), task, 0.1)
    for batch in run.batches():
        run.train_step(batch)
    return run, network.head.weight.detach().numpy()


@pytest.mark.parametrize(
    ("several", "class_weights"), [(False, "none"), (False, "balanced"), (True, "none")]
)
def test_whole_weights_train_as_repeated_examples_do(several, class_weights):
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((20, 4)).astype(np.float32)
    repeats = rng.integers(1, 5, 20)
    labels = rng.integers(0, 2, (20, 3)) if several else np.arange(20) % 7 % 3
    again = np.repeat(np.arange(20), repeats)
    weights = (repeats / repeats.mean()).astype(np.float32)
    run, found = trained(rows, labels, weights, class_weights=class_weights)
    other, expected = trained(rows[again], labels[again], None, class_weights=class_weights)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    share = other.problem.class_counts / len(again)
    np.testing.assert_allclose(run.problem.class_counts / 20, share, rtol=1e-6)
    _, plain = trained(rows, labels, None, class_weights=class_weights)
    assert np.abs(plain - found).max() > 0.01


def test_weights_are_chosen_by_the_weighted_loss_of_the_validation_set():
    rng = np.random.default_rng(1)
    rows, labels = rng.standard_normal((12, 4)).astype(np.float32), np.arange(12) % 3
    of_rows = rng.integers(1, 5, 12)
    held = Validation(FixedExamples(rows), labels, of_rows.astype(np.float32))
    run, head = trained(rows, labels, None, held, steps=3)
    run.validate()
    logits = torch.from_numpy(rows @ head.T) + run.network.head.bias.detach()
    losses = torch.nn.functional.cross_entropy(logits, torch.from_numpy(labels), reduction="none")
    expected = np.average(losses.numpy(), weights=of_rows)
    assert run.looks[-1]["loss"] == pytest.approx(expected, rel=1e-5)


def test_labels_held_out_take_their_weights_along():
    weights = np.arange(1, 21, dtype=np.float32)
    seen = {}

    def labeled(places):
        seen[len(places)] = places
        return FixedExamples(np.zeros((len(places), 4), np.float32))

    entry = {"implementation": "supervised", "training": {"validation": "held-out"}}
    entry["training"]["validation_size"] = 0.2
    prepared = set_up(
        entry,
        np.arange(20) % 2,
        2,
        ("held",),
        torch.device("cpu"),
        labeled=labeled,
        unlabeled=lambda: None,
        extra=lambda size: None,
        weights=weights,
    )
    task = prepared.task
    held, kept = seen[len(task.validation.labels)], seen[len(task.labels)]
    assert task.validation.weights.tolist() == normalized(weights[held]).tolist()
    np.testing.assert_allclose(task.weights, weights[kept] / weights[kept].mean(), rtol=1e-6)


def test_parts_of_a_batch_have_their_weights():
    batch = weighed(a_batch())
    parts = batch.parts(3)
    assert torch.cat([part.weights for part in parts]).tolist() == WEIGHTS
    assert [len(part.rows) for part in parts] == [4, 3, 3]
