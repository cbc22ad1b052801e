"""Parts of fine-tuning: schedule, sampler, options, checkpoints, the watch on divergence."""

import math

import numpy as np
import pytest
import torch

from helpers.array_images import ArrayImages
from labelbench_core.errors import InputError
from labelbench_core.seeds import rng_for
from labelbench_core.trainers import Loss
from labelbench_core.training.batches import DeviceImages, Sampler
from labelbench_core.training.checkpoints import Checkpoint
from labelbench_core.training.recipe import Recipe
from labelbench_core.training.schedule import learning_rate_factor
from labelbench_core.training.window import Window

CPU = torch.device("cpu")


def test_learning_rate_warms_up_linearly_and_falls_as_a_cosine():
    recipe = Recipe(steps=10, warmup_steps=4)
    factors = [learning_rate_factor(step, recipe) for step in range(10)]
    assert factors[:4] == [0.25, 0.5, 0.75, 1.0]
    assert factors[4] == 1.0
    assert factors[7] == pytest.approx(0.5)
    assert factors[9] == pytest.approx(0.5 * (1 + math.cos(math.pi * 5 / 6)))
    assert learning_rate_factor(0, Recipe(steps=3, warmup_steps=0)) == 1.0
    assert learning_rate_factor(2, Recipe(steps=3, warmup_steps=3)) == 1.0
    fixmatch = Recipe(steps=16, warmup_steps=0, schedule="seven-sixteenths")
    assert learning_rate_factor(8, fixmatch) == pytest.approx(math.cos(7 * math.pi / 32))
    assert learning_rate_factor(9, Recipe(steps=10, warmup_steps=0, schedule="constant")) == 1.0


def test_restarts_are_those_of_torch():
    recipe = Recipe.from_options({"schedule": "restarts", "restart_steps": 7, "warmup_steps": 0})
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=7, T_mult=2)
    for step in range(120):
        theirs.step(step)
        expected = optimizer.param_groups[0]["lr"]
        assert learning_rate_factor(step, recipe) == pytest.approx(expected, abs=1e-12)
    warmed = Recipe.from_options({"schedule": "restarts", "restart_steps": 7, "warmup_steps": 3})
    factors = [learning_rate_factor(step, warmed) for step in range(13)]
    assert factors[:4] == [1 / 3, 2 / 3, 1.0, 1.0]
    assert factors[9] < 0.06
    assert factors[10] == 1.0


def test_epochs_become_steps_of_whole_batches():
    recipe = Recipe.from_options(
        {"epochs": 20, "batch_size": 64, "validation_every": "epoch", "validation": "extra",
         "validation_size": 5, "warmup_steps": 500}
    )  # fmt: skip
    # As the original: 15 steps an epoch with 1,000 labels, 3 with 200.
    for labels, epoch in ((1000, 15), (200, 3), (64, 1), (63, 1), (2, 1)):
        found = recipe.for_labels(labels)
        assert (found.steps, found.epochs, found.validation_steps) == (20 * epoch, None, epoch)
    with pytest.raises(TypeError, match="see for_labels"):
        _ = recipe.validation_steps
    # A warm-up that is longer than the training is left where it ends.
    rates = [learning_rate_factor(step, recipe.for_labels(1000)) for step in range(300)]
    assert rates[-1] == pytest.approx(300 / 500)
    assert Recipe(steps=7, warmup_steps=0).for_labels(9) == Recipe(steps=7, warmup_steps=0)


@pytest.mark.parametrize(
    ("training", "told"),
    [
        ({"epochs": 2, "steps": 100}, "training.steps: 100; allowed: leave it out with epochs"),
        ({"epochs": 0}, "training.epochs: 0; allowed: a whole number of at least 1"),
        ({"restart_steps": 5}, "training.restart_steps: 5; allowed: leave it out but with"),
        ({"patience": 2}, "training.patience: 2; allowed: 0 where validation is none"),
        ({"validation_every": "step"}, "training.validation_every: 'step'; allowed: "),
        ({"count_validation": False}, "training.count_validation: False; allowed: true where"),
    ],
)
def test_what_does_not_go_together_is_told(training, told):
    (line,) = Recipe.errors_in(training)
    assert line.startswith(told)


@pytest.mark.parametrize(("rows", "batch"), [(10, 4), (7, 7), (12, 5), (3, 8)])
def test_sampler_draws_every_row_once_per_epoch(rows, batch):
    sampler = Sampler(rows, batch, ("a", 1))
    drawn = np.concatenate([sampler.rows(step) for step in range(3 * rows)])
    epochs = drawn.reshape(-1, rows)
    assert (np.sort(epochs, axis=1) == np.arange(rows)).all()
    assert not (epochs == epochs[0]).all()
    assert {len(sampler.rows(step)) for step in range(5)} == {min(rows, batch)}


def test_sampler_has_no_state():
    forwards = Sampler(11, 4, ("a", 1))
    expected = [forwards.rows(step) for step in range(20)]
    backwards = Sampler(11, 4, ("a", 1))
    for step in reversed(range(20)):
        assert np.array_equal(backwards.rows(step), expected[step])
    other = Sampler(11, 4, ("a", 2))
    assert any(not np.array_equal(other.rows(step), expected[step]) for step in range(3))


def test_images_read_ahead_equal_images_kept_on_the_device():
    images = rng_for("test").integers(0, 256, (20, 4, 5, 3), dtype=np.uint8)
    indices = np.array([3, 19, 4, 0, 7])
    plans = [np.array([4, 0]), np.array([1]), np.array([2, 3])]
    kept = list(DeviceImages(ArrayImages(images), indices, CPU).batches(plans))
    read = list(DeviceImages(ArrayImages(images), indices, CPU, resident_bytes=0).batches(plans))
    assert len(kept) == len(read) == 3
    for plan, (rows, batch), (rows_read, batch_read) in zip(plans, kept, read, strict=True):
        assert rows is plan
        assert rows_read is plan
        assert torch.equal(batch, batch_read)
        assert np.array_equal(batch.numpy(), images[indices[plan]])


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"steps": 0}, "steps"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"steps": 10, "warmup_steps": 11}, "warmup_steps"),
        ({"head": "probe"}, "proxy, zero-shot, fresh"),
        ({"batch_norm": "off"}, "folded, frozen, batch"),
        ({"precision": "int8"}, "float32"),
        ({"ema_decay": 1.0}, "ema_decay"),
        ({"translate": 1.5}, "translate"),
        ({"learning_rates": 1.0}, "did you mean 'learning_rate'"),
        ({"steps": "many"}, "a whole number of at least 1"),
        ({"validation": "held-out"}, "validation_size"),
        ({"validation": "extra", "validation_size": 0.5}, "whole number of labels"),
        ({"validation": "test"}, "none, held-out, extra"),
    ],
)
def test_wrong_options_are_named(options, named):
    with pytest.raises(InputError, match=named):
        Recipe.from_options(options)


def test_all_wrong_options_are_named_at_once():
    with pytest.raises(InputError, match=r"(?s)batch_size.*gradient_clip"):
        Recipe.from_options({"batch_size": 0, "gradient_clip": -1.0})


def window_of(logits, labels, loss=1.0):
    window = Window(3, CPU)
    window.add(Loss(torch.tensor(loss), torch.tensor(logits)), torch.tensor(labels))
    return window


def test_window_tells_divergence_from_training():
    logits = [[0.0, 1.0, 0.0], [0.0, 2.0, 1.0]]
    assert window_of(logits, [0, 1], float("nan")).failure(is_last=False) == "loss is not finite"
    assert window_of(logits, [0, 1]).failure(is_last=True) == "a single class is predicted"
    assert window_of(logits, [0, 1]).failure(is_last=False) is None
    # All labels are of one class: to predict it is no collapse.
    assert window_of(logits, [1, 1]).failure(is_last=True) is None
    assert window_of([[1.0, 0.0, 0.0], logits[1]], [0, 1]).failure(is_last=True) is None


def test_window_averages():
    window = window_of([[0.0, 1.0, 0.0], [0.0, 2.0, 1.0]], [0, 1], loss=2.0)
    logits = torch.tensor([[3.0, 0.0, 0.0]] * 2)
    window.add(Loss(torch.tensor(4.0), logits), torch.tensor([0, 0]))
    nothing = {"unlabeled_loss": None, "used": None}
    assert window.summary() == {"loss": 3.0, "accuracy": 0.75, **nothing}


def test_window_averages_the_unlabelled_part_by_the_shares_of_a_step():
    window = Window(2, CPU)
    for share, value in ((0.25, 4.0), (0.75, 8.0)):
        parts = (
            torch.tensor(value),
            torch.tensor([[1.0, 0.0]]),
            torch.tensor(1.0),
            torch.tensor(share),
        )
        window.add(Loss(*parts), torch.tensor([0]), share, share)
    assert window.summary() == {"loss": 7.0, "accuracy": 1.0, "unlabeled_loss": 1.0, "used": 0.625}


def test_checkpoint_of_other_settings_or_damaged_is_not_continued(tmp_path):
    path = tmp_path / "checkpoint.partial"
    Checkpoint(path, "one").save({"step": 3})
    assert Checkpoint(path, "one").load() == {"step": 3}
    assert Checkpoint(path, "two").load() is None
    path.write_bytes(path.read_bytes()[:-100])
    assert Checkpoint(path, "one").load() is None
    path.write_bytes(b"")
    assert Checkpoint(path, "one").load() is None
