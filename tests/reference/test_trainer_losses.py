"""Semi-supervised losses against the papers' formulas written out, over several steps."""

import inspect

import numpy as np
import pytest
import torch

from helpers import plain_trainers
from labelbench_core import registry
from labelbench_core.seeds import rng_for
from labelbench_core.trainers import Batch, Problem, Step, adamatch

STEPS = 12
RECENT_STEPS = 5  # AdaMatch's, fewer than steps
PLAIN = {
    "fixmatch": plain_trainers.FixMatch,
    "pseudo-label": plain_trainers.PseudoLabel,
    "uda": plain_trainers.UDA,
    "flexmatch": plain_trainers.FlexMatch,
    "freematch": plain_trainers.FreeMatch,
    "softmatch": plain_trainers.SoftMatch,
    "mean-teacher": plain_trainers.MeanTeacher,
    "adamatch": plain_trainers.AdaMatch,
}
CASES = [
    ("fixmatch", {"threshold": 0.7, "unlabeled_weight": 0.5, "label_smoothing": 0.1}),
    ("pseudo-label", {}),
    ("pseudo-label", {"threshold": 0.8, "warmup_start": 0.25, "warmup_end": 0.75}),
    ("pseudo-label", {"threshold": 0.8, "warmup_end": 0.0, "average": "selected"}),
    ("uda", {"warmup": 0.5}),
    ("uda", {"annealing": "linear", "label_smoothing": 0.1, "average": "selected"}),
    ("uda", {"annealing": "log", "threshold": 0.5, "temperature": 1.0}),
    ("uda", {"annealing": "exp"}),
    ("flexmatch", {"threshold": 0.8}),
    ("flexmatch", {"threshold": 0.8, "threshold_warmup": False, "label_smoothing": 0.2}),
    ("flexmatch", {"threshold": 0.8, "warmup": 0.5}),
    ("freematch", {"decay": 0.7, "fairness_weight": 0.3, "unlabeled_weight": 2.0}),
    ("freematch", {}),
    ("softmatch", {"decay": 0.7}),
    ("softmatch", {"decay": 0.9, "n_sigma": 1.0, "alignment": "none"}),
    ("softmatch", {"decay": 0.5, "targets": "aligned", "unlabeled_weight": 2.0}),
    ("mean-teacher", {}),
    ("mean-teacher", {"warmup": 0.5, "warmup_shape": "linear", "unlabeled_weight": 50.0}),
    ("adamatch", {"decay": 0.7}),
    ("adamatch", {"unlabeled_average": "moving", "decay": 0.6, "warmup": 0.0}),
]


def batches(num_classes, num_labeled, num_unlabeled, pool):
    """Logits and rows of some steps; rows twice in a batch, as at the border of two epochs."""
    rng = rng_for("losses", num_classes, num_labeled, num_unlabeled)
    lean = rng.standard_normal(num_classes)  # some classes are predicted more often
    for _ in range(STEPS):
        rows = rng.choice(pool, num_unlabeled, replace=num_unlabeled > pool)
        if num_unlabeled > 2:
            rows[1] = rows[0]
        draws = [
            2.5 * rng.standard_normal((count, num_classes)) + lean
            for count in (num_labeled, num_unlabeled, num_unlabeled, num_unlabeled)
        ]
        draws[1][1:2] = draws[1][:1]
        yield draws, rng.integers(num_classes, size=num_labeled), rows


@pytest.mark.parametrize("sizes", [(3, 5, 20, 40), (2, 1, 1, 7), (10, 16, 64, 100), (4, 3, 2, 2)])
@pytest.mark.parametrize(("name", "options"), CASES)
def test_losses_are_those_of_the_paper(name, options, sizes, monkeypatch):
    monkeypatch.setattr(adamatch, "RECENT_STEPS", RECENT_STEPS)
    num_classes, num_labeled, num_unlabeled, pool = sizes
    trainer = registry.load("trainers", name).build(**options)
    options = {**registry.describe("trainers", name).options, **options}
    plain = PLAIN[name](num_classes, pool, STEPS, **options)
    plain.recent = [np.full(num_classes, 1 / num_classes)] * RECENT_STEPS
    problem = Problem(np.ones(num_classes, np.int64), pool)
    state = trainer.state(problem)
    drawn = batches(num_classes, num_labeled, num_unlabeled, pool)
    for number, ((labeled, weak, strong, averaged), labels, rows) in enumerate(drawn):
        inputs = [torch.from_numpy(part).float() for part in (labeled, weak, strong)]
        teacher = torch.from_numpy(averaged).float()
        step = Step(number, STEPS, problem, rng_for("unused"), state, lambda _, t=teacher: t)
        batch = Batch(
            inputs[0], torch.from_numpy(labels), inputs[1], inputs[2], torch.from_numpy(rows)
        )
        loss = trainer.loss(torch.nn.Identity(), batch, step)
        expected = plain.loss(number, labeled, labels, weak, strong, rows, averaged)
        found = [float(value) for value in (loss.total, loss.unlabeled, loss.used)]
        assert found == pytest.approx(expected, rel=2e-5, abs=1e-6)
        assert torch.equal(loss.logits, inputs[0])
        compare_state(name, state, plain, num_classes)


def compare_state(name, state, plain, num_classes):
    """What a trainer remembers after a step."""
    if name == "flexmatch":
        counts = [int(np.sum(plain.u_hat == c)) for c in (*range(num_classes), -1)]
        assert state.counts.tolist() == counts
        remembered = np.where(plain.u_hat < 0, num_classes, plain.u_hat)
        assert state.predicted[:-1].tolist() == remembered.tolist()
    elif name == "freematch":
        np.testing.assert_allclose(state.thresholds().numpy(), plain.thresholds, rtol=1e-5)
        np.testing.assert_allclose(state.histogram.numpy(), plain.h_tilde, rtol=1e-5)
    elif name == "softmatch":
        np.testing.assert_allclose(state.mean.item(), plain.mean, rtol=1e-4)
        np.testing.assert_allclose(state.variance.item(), plain.variance, rtol=1e-3)
    elif name == "adamatch":
        np.testing.assert_allclose(state.labeled.numpy(), plain.p_labeled, rtol=1e-5)
    else:
        assert state is None


@pytest.mark.parametrize("name", sorted(set(PLAIN) - {"mean-teacher"}))
def test_nothing_is_learnt_from_an_argmax_among_equals(name):
    """As a classifier that starts from zeros gives it: the first class, for every example."""
    trainer = registry.load("trainers", name).build()
    problem = Problem(np.ones(3, np.int64), 8)
    state = trainer.state(problem)
    weak = torch.zeros(4, 3)
    weak[3] = torch.tensor([0.0, 9.0, 0.0])  # the only one that is decided, and surely
    strong = torch.randn(4, 3, generator=torch.Generator().manual_seed(0), requires_grad=True)
    labeled = torch.zeros(2, 3)
    together = {"pseudo-label": weak.requires_grad_()}.get(name, strong)
    batch = Batch(labeled, torch.tensor([0, 2]), weak, strong, torch.arange(4))
    # Late enough for all warm-ups.
    step = Step(9, 10, problem, rng_for("unused"), state)
    loss = trainer.loss(torch.nn.Identity(), batch, step)
    assert float(loss.used.detach()) <= 0.25
    loss.unlabeled.backward()
    assert not together.grad[:3].any() or name == "freematch"
    assert together.grad[3].any()


def test_every_semi_supervised_trainer_is_compared():
    semi = {
        name
        for name in registry.names("trainers")
        if registry.describe("trainers", name).info["needs_unlabeled"]
    }
    assert semi <= set(PLAIN) == {name for name, _ in CASES}
    for name in semi:
        assert inspect.getdoc(registry.load("trainers", name).build)
