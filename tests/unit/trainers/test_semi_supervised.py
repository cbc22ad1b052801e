"""Semi-supervised trainers: what all of them keep to."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from helpers.semi_supervised import a_batch, a_step, build, every_trainer, loss_of
from labelbench_core import registry
from labelbench_core.compute import distributed
from labelbench_core.errors import InputError
from labelbench_core.trainers import Batch, Problem


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


@pytest.mark.parametrize("several", [False, True])
def test_fixmatch_learns_no_class_from_a_tie_that_reaches_its_threshold(several):
    """To a classifier that starts from zeros, all classes are equal: none is the first."""
    labels = torch.eye(4)[torch.arange(6) % 4] if several else None
    batch = replace(a_batch(), weak=torch.zeros(10, 4), **({"labels": labels} if several else {}))
    step = a_step(trainer := build("fixmatch", threshold=0.1))
    assert loss_of(trainer, batch, step).used.sum() == 0
    sure = replace(batch, weak=2 * torch.eye(4)[torch.arange(10) % 4] - 1)
    assert loss_of(trainer, sure, step).used.mean() == 1


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
    monkeypatch.setattr(distributed, "gather", lambda rows: sent.append(rows.detach()) or rows)
    own, other = batch.parts(2)
    for part in (own, other):
        loss_of(trainer, part, a_step(trainer))
    calls = len(sent) // 2
    both = [torch.cat(rows) for rows in zip(sent[:calls], sent[calls:], strict=True)]
    monkeypatch.setattr(distributed, "gather", lambda rows: both.pop(0))
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
        ("fixmatch", {"threshold": 1.5}, r"options.threshold: 1.5; allowed: a number from 0 to 1"),
        ("flexmatch", {"threshold_warmup": 1}, r"threshold_warmup: 1; allowed: true, false"),
        ("freematch", {"decay": 1.0}, r"decay: 1.0; allowed: a number of at least 0 and below 1"),
        (
            "freematch",
            {"fairness_weight": -1},
            r"fairness_weight: -1; allowed: a number of at least 0",
        ),
        ("softmatch", {"n_sigma": 0}, r"n_sigma: 0; allowed: a number above 0"),
        ("softmatch", {"targets": "soft"}, r"targets: 'soft'; allowed: raw, aligned"),
        ("uda", {"temperature": float("nan")}, r"nan; allowed: a number from 0.001 to 1000"),
        ("uda", {"annealing": None}, r"annealing: null; allowed: none, linear, log, exp"),
        ("pseudo-label", {"warmup_end": -1}, r"warmup_end: -1; allowed: a number of at least 0"),
        ("mean-teacher", {"warmup_shape": "step"}, r"allowed: sigmoid, linear, cosine"),
        (
            "adamatch",
            {"threshold": "0.9"},
            r"options.threshold: '0.9'; allowed: a number from 0 to 1",
        ),
    ],
)
def test_wrong_options_are_named_with_what_is_allowed(name, options, message):
    with pytest.raises(InputError, match=message):
        registry.build("trainers", {"implementation": name, "options": options})


@every_trainer
def test_all_wrong_options_are_named_at_once(name):
    entry = {"implementation": name, "options": {"unlabeled_weight": -1, "label_smoothing": 1}}
    with pytest.raises(InputError) as caught:
        registry.build("trainers", entry)
    for option in ("unlabeled_weight: -1; allowed", "label_smoothing: 1; allowed"):
        assert option in str(caught.value)


@every_trainer
def test_info_says_how_many_views_are_looked_at(name):
    trainer = build(name)
    batch, step = a_batch(), a_step(trainer)
    views = registry.describe("trainers", name).info["unlabeled_views"]
    assert views == (1 if name == "pseudo-label" else 2)
    if views == 1:
        expected = loss_of(trainer, batch, step).total
        assert loss_of(trainer, replace(batch, strong=None), step).total == expected
    else:
        changed = replace(batch, strong=batch.strong.flip(0))
        other = loss_of(trainer, changed, a_step(trainer)).total
        assert other != loss_of(trainer, batch, a_step(trainer)).total


@every_trainer
def test_info_has_the_keys_of_all_trainers(name):
    info = registry.describe("trainers", name).info
    keys = {"summary", "paper", "needs_unlabeled", "needs_teacher"}
    assert set(info) - {"unlabeled_views", "steps_at_least", "multilabel", "weighted"} == keys
    assert info["needs_teacher"] is (name == "mean-teacher")
