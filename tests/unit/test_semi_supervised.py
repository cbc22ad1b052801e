"""Semi-supervised trainers: what all of them keep to, cases by hand, and training with the loop."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from fixed_examples import DyingCheckpoint, Killed
from torch.nn.functional import cross_entropy

from labelbench_core import registry
from labelbench_core.errors import InputError
from labelbench_core.seeds import rng_for
from labelbench_core.trainers import Batch, Problem, Step, _distributed
from labelbench_core.trainers._checkpoints import Checkpoint
from labelbench_core.trainers._examples import EmbeddingExamples
from labelbench_core.trainers._loop import train
from labelbench_core.trainers._losses import ramp
from labelbench_core.trainers._network import Network
from labelbench_core.trainers._run import Task
from labelbench_core.trainers.recipe import Recipe

CPU = torch.device("cpu")
SEMI_SUPERVISED = [
    name
    for name in registry.names("trainers")
    if registry.describe("trainers", name).info["needs_unlabeled"]
]
every_trainer = pytest.mark.parametrize("name", SEMI_SUPERVISED)


def build(name, **options):
    return registry.load("trainers", name).build(**options)


def logits_of(*probabilities):
    return torch.tensor(probabilities).log()


def a_batch(num_classes=4, labeled=6, unlabeled=10, pool=30, scale=2.0, seed=0):
    rng = rng_for("batch", seed)
    inputs, weak, strong = (
        torch.from_numpy(scale * rng.standard_normal((count, num_classes), dtype=np.float32))
        for count in (labeled, unlabeled, unlabeled)
    )
    labels = torch.from_numpy(rng.integers(num_classes, size=labeled))
    rows = torch.from_numpy(rng.permutation(pool)[:unlabeled])
    return Batch(inputs, labels, weak, strong, rows)


def a_step(trainer, num_classes=4, pool=30, number=9, steps=10, state=None, teacher=None):
    problem = Problem(np.ones(num_classes, np.int64), pool)
    if state is None:
        state = trainer.state(problem)
    return Step(number, steps, problem, rng_for("step"), state, teacher or torch.nn.Identity())


def loss_of(trainer, batch, step, network=None):
    return trainer.loss(network or torch.nn.Identity(), batch, step)


# What all of them keep to


@every_trainer
def test_without_unlabelled_examples_it_is_a_supervised_step(name):
    whole = a_batch()
    batch = Batch(whole.inputs, whole.labels)
    trainer = build(name, label_smoothing=0.1)
    loss = loss_of(trainer, batch, replace(a_step(trainer), teacher=None))
    expected = cross_entropy(batch.inputs, batch.labels, label_smoothing=0.1)
    assert float(loss.total) == pytest.approx(float(expected))
    assert loss.unlabeled is None
    assert loss.used is None


@every_trainer
def test_the_gradient_reaches_the_unlabelled_branch_and_not_its_targets(name):
    has_threshold = "threshold" in registry.describe("trainers", name).options
    trainer, batch = build(name, **({"threshold": 0.5} if has_threshold else {})), a_batch()
    averaged = a_batch(seed=1).weak.requires_grad_()
    for part in (batch.inputs, batch.weak, batch.strong):
        part.requires_grad_()
    step = a_step(trainer, teacher=lambda _: averaged)
    loss = loss_of(trainer, batch, step, network=torch.nn.LogSoftmax(dim=1))
    loss.unlabeled.backward(retain_graph=True)
    trained, targets = batch.strong, batch.weak
    if name == "pseudo-label":  # one view; its target's gradient is looked at below
        trained, targets = batch.weak, batch.strong
    assert float(trained.grad.abs().sum()) > 0.01
    assert targets.grad is None
    assert averaged.grad is None
    assert batch.inputs.grad is None or float(batch.inputs.grad.abs().sum()) == 0
    loss.total.backward()
    assert float(batch.inputs.grad.abs().sum()) > 0.01


def test_the_pseudo_label_itself_gets_no_gradient():
    trainer, batch = build("pseudo-label", warmup_end=0.0, unlabeled_weight=1.0), a_batch()
    batch.weak.requires_grad_()
    loss_of(trainer, batch, a_step(trainer)).total.backward()
    with torch.no_grad():
        probabilities = batch.weak.softmax(dim=1)
        classes = torch.nn.functional.one_hot(probabilities.argmax(dim=1), 4)
    torch.testing.assert_close(batch.weak.grad, (probabilities - classes) / len(batch.weak))


@every_trainer
def test_sure_and_unsure_predictions_alike_give_finite_losses(name):
    trainer = build(name)
    for scale in (0.0, 1e4):  # all alike; all certain, so that confidences have no variance
        state = None
        for number in range(3):
            batch = a_batch(scale=scale, seed=number)
            for part in (batch.weak, batch.strong, batch.inputs):
                part.requires_grad_()
            step = a_step(trainer, number=number, state=state)
            state = step.state
            loss = loss_of(trainer, batch, step)
            loss.total.backward()
            assert bool(loss.total.isfinite())
            for part in (batch.weak, batch.strong, batch.inputs):
                assert part.grad is None or bool(part.grad.isfinite().all())


@pytest.mark.parametrize("name", ["fixmatch", "pseudo-label", "uda", "freematch", "adamatch"])
def test_where_no_prediction_is_sure_the_unlabelled_loss_is_zero(name):
    options = {} if name == "freematch" else {"threshold": 1.0}
    if name == "uda":
        options["average"] = "selected"
    trainer = build(name, **options)
    batch = replace(a_batch(), weak=torch.zeros(10, 4))
    for part in (batch.inputs, batch.strong):
        part.requires_grad_()
    step = a_step(trainer)
    if name == "freematch":
        step.state.confidence = torch.tensor(1.0)
    loss = loss_of(trainer, batch, step)
    loss.total.backward()
    assert loss.unlabeled.item() == 0
    assert loss.used.item() == 0
    assert batch.strong.grad is None or float(batch.strong.grad.abs().max()) == 0


@every_trainer
@pytest.mark.parametrize("sizes", [(1, 1, 1), (5, 3, 8), (3, 7, 50)])
def test_a_batch_in_parts_leaves_the_same_state(name, sizes):
    labeled, unlabeled, pool = sizes
    trainer = build(name)
    states = [trainer.state(Problem(np.ones(3, np.int64), pool)) for _ in range(2)]
    if states[0] is None:
        return
    for number in range(4):
        batch = a_batch(3, labeled, unlabeled, pool, seed=number)
        for state, parts in zip(states, (1, 3), strict=True):
            for part in batch.parts(parts):
                step = a_step(trainer, 3, pool, number=number, state=state)
                assert math.isfinite(float(loss_of(trainer, part, step).total))
    whole, in_parts = (state.state_dict() for state in states)
    assert whole.keys() == in_parts.keys()
    for key, value in whole.items():
        torch.testing.assert_close(in_parts[key], value, equal_nan=True)


@every_trainer
def test_a_batch_divided_over_processes_leaves_the_same_state(name, monkeypatch):
    trainer, batch = build(name), a_batch(labeled=8)
    whole = a_step(trainer)
    if whole.state is None:
        return
    loss_of(trainer, batch, whole)
    sent = []
    monkeypatch.setattr(_distributed, "gather", lambda rows: sent.append(rows.detach()) or rows)
    own, other = batch.parts(2)
    for part in (own, other):
        loss_of(trainer, part, a_step(trainer))
    calls = len(sent) // 2
    both = [torch.cat(rows) for rows in zip(sent[:calls], sent[calls:], strict=True)]
    monkeypatch.setattr(_distributed, "gather", lambda rows: both.pop(0))
    step = a_step(trainer)
    loss_of(trainer, own, step)
    assert not both
    for key, value in whole.state.state_dict().items():
        torch.testing.assert_close(step.state.state_dict()[key], value, equal_nan=True)


@every_trainer
def test_the_state_is_restored(name):
    trainer = build(name)
    problem = Problem(np.ones(4, np.int64), 30)
    state, restored = trainer.state(problem), trainer.state(problem)
    if state is None:
        return
    for number in range(6):
        batch = a_batch(seed=number, scale=4.0)
        loss = loss_of(trainer, batch, a_step(trainer, number=number, state=state))
        if number < 5:
            loss_of(trainer, batch, a_step(trainer, number=number, state=restored))
    loaded = trainer.state(problem)
    before = {key: value.clone() for key, value in loaded.state_dict().items()}
    loaded.load_state_dict(restored.state_dict())
    again = loss_of(trainer, batch, a_step(trainer, number=5, state=loaded))
    assert torch.equal(again.total, loss.total)
    for key, value in state.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], value)
        assert not torch.equal(before[key], value)


@every_trainer
def test_losses_are_float32_whatever_the_network_computes_in(name):
    trainer, batch = build(name), a_batch()
    step = a_step(trainer, teacher=lambda inputs: inputs.bfloat16())
    loss = loss_of(trainer, batch, step, network=lambda inputs: inputs.bfloat16())
    assert {loss.total.dtype, loss.logits.dtype, loss.unlabeled.dtype, loss.used.dtype} == {
        torch.float32
    }
    if step.state is not None:
        assert torch.bfloat16 not in {value.dtype for value in step.state.buffers()}


@every_trainer
def test_nothing_is_read_back_from_the_device(name):
    """Tensors of the device "meta" have no values, and cannot be mixed with others."""
    options = {"logit_interpolation": True} if name == "adamatch" else {}
    trainer, batch = build(name, **options), a_batch()
    parts = (batch.inputs, batch.labels, batch.weak, batch.strong, batch.rows)
    step = a_step(trainer)
    if step.state is not None:
        step.state.to("meta")
    loss = loss_of(trainer, Batch(*(part.to("meta") for part in parts)), step)
    assert loss.total.device.type == loss.used.device.type == "meta"


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("fixmatch", {"threshold": 1.5}, r"options.threshold: 1.5; allowed: from 0 to 1"),
        ("flexmatch", {"threshold_warmup": 1}, r"threshold_warmup: 1; allowed: true, false"),
        ("freematch", {"decay": 1.0}, r"decay: 1.0; allowed: from 0 to less than 1"),
        ("freematch", {"fairness_weight": -1}, r"fairness_weight: -1; allowed: at least 0"),
        ("softmatch", {"n_sigma": 0}, r"n_sigma: 0; allowed: more than 0"),
        ("softmatch", {"targets": "soft"}, r"targets: 'soft'; allowed: raw, aligned"),
        ("uda", {"temperature": float("nan")}, r"temperature: nan; allowed: more than 0"),
        ("uda", {"annealing": None}, r"annealing: None; allowed: none, linear, log, exp"),
        ("pseudo-label", {"warmup_end": -1}, r"warmup_end: -1; allowed: a number of steps"),
        ("mean-teacher", {"warmup_shape": "step"}, r"allowed: linear, sigmoid, cosine"),
        ("adamatch", {"threshold": "0.9"}, r"options.threshold: '0.9'; allowed: from 0 to 1"),
    ],
)
def test_wrong_options_are_named_with_what_is_allowed(name, options, message):
    with pytest.raises(InputError, match=message):
        build(name, **options)


@every_trainer
def test_all_wrong_options_are_named_at_once(name):
    with pytest.raises(InputError, match=r"unlabeled_weight: -1; .*label_smoothing: 1; allowed"):
        build(name, unlabeled_weight=-1, label_smoothing=1)


@every_trainer
def test_info_has_the_keys_of_all_trainers(name):
    info = registry.describe("trainers", name).info
    keys = {"summary", "paper", "needs_unlabeled", "needs_teacher"}
    assert set(info) - {"unlabeled_views"} == keys
    assert info["needs_teacher"] is (name == "mean-teacher")


# Cases by hand


def test_fixmatch_by_hand():
    batch = Batch(
        inputs=logits_of([0.5, 0.5]),
        labels=torch.tensor([1]),
        weak=logits_of([0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.05, 0.95]),
        strong=logits_of([0.25, 0.75], [0.9, 0.1], [0.9, 0.1], [0.5, 0.5]),
        rows=torch.arange(4),
    )
    trainer = build("fixmatch", threshold=0.85, unlabeled_weight=2.0)
    loss = loss_of(trainer, batch, a_step(trainer, 2))
    # Sure are the first, of class 0, and the last, of class 1.
    assert float(loss.unlabeled) == pytest.approx(2 * (math.log(4) + math.log(2)) / 4)
    assert float(loss.total) == pytest.approx(math.log(2) + float(loss.unlabeled))
    assert float(loss.used) == 0.5


def test_uda_sharpens_and_anneals_by_hand():
    batch = Batch(
        inputs=logits_of([0.9, 0.1], [0.4, 0.6]),
        labels=torch.tensor([0, 0]),
        weak=logits_of([0.8, 0.2], [0.7, 0.3]),
        strong=logits_of([0.5, 0.5], [0.5, 0.5]),
        rows=torch.arange(2),
    )
    trainer = build("uda", threshold=0.75, temperature=0.5, annealing="linear")
    loss = loss_of(trainer, batch, a_step(trainer, 2, number=5))
    # Half-way the threshold is 3/4: the label predicted with 0.9 is left out.
    assert float(loss.total - loss.unlabeled) == pytest.approx(-math.log(0.4))
    # Only the first is sure; its target sums to 1, the prediction is even.
    assert float(loss.unlabeled) == pytest.approx(math.log(2) / 2)
    batch = replace(batch, strong=logits_of([0.25, 0.75], [0.5, 0.5]))
    loss = loss_of(trainer, batch, a_step(trainer, 2, number=5))
    target = 0.8**2 / (0.8**2 + 0.2**2)
    expected = -(target * math.log(0.25) + (1 - target) * math.log(0.75)) / 2
    assert float(loss.unlabeled) == pytest.approx(expected)


@pytest.mark.parametrize("num_classes", [2, 3, 10, 1000])
def test_annealing_begins_with_the_labels_of_a_fresh_classifier(num_classes):
    batch = replace(a_batch(num_classes), inputs=torch.zeros(6, num_classes))
    trainer = build("uda", annealing="linear")
    loss = loss_of(trainer, batch, a_step(trainer, num_classes, number=0))
    assert float(loss.total - loss.unlabeled) == pytest.approx(math.log(num_classes), rel=1e-4)


def test_flexmatch_thresholds_by_hand():
    trainer = build("flexmatch", threshold=0.8)
    status = trainer.state(Problem(np.ones(3, np.int64), 10))
    assert status.effects(0).tolist() == [0, 0, 0]
    sure = torch.tensor([True, True, True, False, True])
    status.learn(torch.tensor([7, 1, 1, 4, 9]), torch.tensor([0, 0, 0, 2, 1]), sure)
    # Three of ten are known, the first two as class 0: seven unused count as a class.
    assert status.counts.tolist() == [2, 1, 0, 7]
    assert status.effects(0).tolist() == [0, 0, 0]  # as at the step's start
    assert status.effects(1).tolist() == pytest.approx([2 / 7, 1 / 7, 0])
    status.learn(torch.tensor([7, 0]), torch.tensor([1, 1]), torch.tensor([True, True]))
    assert status.counts.tolist() == [1, 3, 0, 6]  # the first changed its class
    without = build("flexmatch", threshold_warmup=False).state(Problem(np.ones(3, np.int64), 10))
    without.load_state_dict(status.state_dict())
    assert without.effects(2).tolist() == pytest.approx([1 / 3, 1, 0])
    batch = Batch(
        inputs=torch.zeros(1, 3),
        labels=torch.tensor([0]),
        weak=logits_of([0.5, 0.1, 0.4], [0.3, 0.4, 0.3], [0.2, 0.2, 0.6]),
        strong=torch.zeros(3, 3),
        rows=torch.tensor([2, 3, 5]),
    )
    loss = loss_of(trainer, batch, a_step(trainer, 3, number=2, state=status))
    # Learning effects 1/6, 1/2, 0 make thresholds 0.8/11, 0.8/3, 0: all three are used.
    assert float(loss.used) == 1


def test_freematch_thresholds_by_hand():
    trainer = build("freematch", decay=0.5)
    averages = trainer.state(Problem(np.ones(2, np.int64), 10))
    averages.update(0, torch.tensor([[0.9, 0.1], [0.3, 0.7]]))
    assert float(averages.confidence) == pytest.approx((0.5 + 0.8) / 2)
    assert averages.probabilities.tolist() == pytest.approx([0.55, 0.45])
    assert averages.histogram.tolist() == pytest.approx([0.5, 0.5])
    assert averages.thresholds().tolist() == pytest.approx([0.65, 0.65 * 45 / 55])


def test_softmatch_weights_by_hand():
    trainer = build("softmatch", decay=0.5, alignment="none")
    averages = trainer.state(Problem(np.ones(2, np.int64), 10))
    averages.update(0, torch.tensor([[0.9, 0.1], [0.3, 0.7]]))
    mean, variance = (0.5 + 0.8) / 2, (1 + 2 * 0.1**2) / 2
    assert float(averages.mean) == pytest.approx(mean)
    assert float(averages.variance) == pytest.approx(variance)
    weights = averages.weights(torch.tensor([0.9, mean, 0.55]), 2.0)
    assert weights.tolist() == pytest.approx([1, 1, math.exp(-(0.1**2) * 4 / (2 * variance))])
    averages.variance = torch.tensor(0.0)
    assert averages.weights(torch.tensor([0.9, mean, 0.55]), 2.0).tolist() == [1, 1, 0]


def test_adamatch_aligns_by_hand():
    trainer = build("adamatch", decay=0.0, unlabeled_average="moving")
    averages = trainer.state(Problem(np.ones(2, np.int64), 10))
    labeled, unlabeled = torch.tensor([[0.8, 0.2]]), torch.tensor([[0.6, 0.4], [0.2, 0.8]])
    assert float(averages.update(0, labeled, unlabeled)) == pytest.approx(0.8)
    aligned = averages.aligned(unlabeled)
    # Each class times 0.8/0.4 or 0.2/0.6.
    first = [1.2, 0.4 / 3]
    assert aligned[0].tolist() == pytest.approx([v / sum(first) for v in first], abs=1e-4)


def test_logit_interpolation_is_the_identity_where_both_passes_agree():
    batch = a_batch()
    losses = []
    for interpolate in (False, True):
        trainer = build("adamatch", logit_interpolation=interpolate)
        losses.append(float(loss_of(trainer, batch, a_step(trainer)).total))
    assert losses[0] == pytest.approx(losses[1])

    def statistics_of_the_batch(inputs):
        return inputs - inputs.mean(dim=0)

    differ = []
    for interpolate in (False, True):
        trainer = build("adamatch", logit_interpolation=interpolate)
        loss = loss_of(trainer, batch, a_step(trainer), network=statistics_of_the_batch)
        differ.append(loss.logits)
    alone = statistics_of_the_batch(batch.inputs)
    share = (differ[1] - differ[0]) / (alone - differ[0])
    assert float(share.min()) >= 0
    assert float(share.max()) <= 1
    assert float(share.std()) > 0.1


def test_mean_teacher_needs_a_teacher():
    trainer = build("mean-teacher")
    with pytest.raises(InputError, match=r"training.ema_decay: 0; allowed: more than 0"):
        loss_of(trainer, a_batch(), replace(a_step(trainer), teacher=None))


def test_ramps():
    step = a_step(build("fixmatch"), number=3, steps=12)
    assert ramp(step, "linear", 0.5) == 0.5
    assert ramp(step, "linear", 6) == 0.5
    assert ramp(step, "linear", 5, 2) == pytest.approx(1 / 3)
    assert ramp(step, "linear", 0.75, 0.25) == 0.0
    assert ramp(step, "linear", 0.0) == ramp(step, "sigmoid", 3) == ramp(step, "cosine", 0.25) == 1
    assert ramp(step, "sigmoid", 6) == pytest.approx(math.exp(-5 / 4))
    assert ramp(step, "cosine", 0.5) == pytest.approx(0.5)  # AdaMatch's μ a quarter through
    assert ramp(step, "linear", 2, 5) == 1.0


# Training with the loop


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
