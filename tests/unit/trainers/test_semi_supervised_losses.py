"""Semi-supervised trainers: losses, thresholds and weights of each, worked out by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers.semi_supervised import a_batch, a_step, build, logits_of, loss_of
from labelbench_core.errors import InputError
from labelbench_core.trainers import Batch, Problem
from labelbench_core.trainers.shared.losses import ramp


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
