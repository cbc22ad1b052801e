"""The training loop on a network of one layer with dropout: randomness, interruption, records."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.optim.swa_utils import AveragedModel

from helpers.array_images import ArrayImages
from helpers.fixed_examples import DyingCheckpoint, Killed
from labelbench_core.seeds import rng_for
from labelbench_core.trainers import supervised
from labelbench_core.training import loop, run
from labelbench_core.training.batches import DeviceImages
from labelbench_core.training.checkpoints import Checkpoint
from labelbench_core.training.examples import ImageExamples
from labelbench_core.training.loop import train
from labelbench_core.training.network import Network
from labelbench_core.training.recipe import Recipe
from labelbench_core.training.run import Task

CPU = torch.device("cpu")
OPTIONS = {
    "steps": 30,
    "batch_size": 4,
    "warmup_steps": 5,
    "learning_rate": 0.01,
    "batch_norm": "batch",
    "ema_decay": 0.99,
    "translate": 0.1,
}


def preprocess(images):
    return images.permute(0, 3, 1, 2).float() / 255


@pytest.fixture
def task():
    rng = rng_for("task")
    images = ArrayImages(rng.integers(0, 256, (18, 6, 6, 3), dtype=np.uint8))
    labeled = DeviceImages(images, np.arange(18), CPU)
    return Task(
        labeled=ImageExamples(labeled, preprocess, Recipe.from_options(OPTIONS)),
        labels=np.arange(18) % 3,
        num_classes=3,
        names=("task", 0),
        device=CPU,
    )


def fit(task, checkpoint=None, **options):
    """Train from the same start; weights and the fit."""
    with torch.random.fork_rng(devices=[]):
        layers = torch.nn.Flatten(), torch.nn.Linear(108, 8), torch.nn.Dropout(), torch.nn.ReLU()
        network = Network(torch.nn.Sequential(*layers), 8, 3)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.uniform_(-0.1, 0.1, generator=generator)
    recipe = Recipe.from_options({**OPTIONS, **options})
    result = train(
        network, supervised.build(), recipe, task, checkpoint or Checkpoint(None, "same")
    )
    return {name: value.clone() for name, value in network.state_dict().items()}, result


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


def test_global_randomness_is_neither_read_nor_changed(task):
    torch.manual_seed(1)
    once, _ = fit(task)
    torch.manual_seed(2)
    before = torch.random.get_rng_state()
    again, _ = fit(task)
    assert same(once, again)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize("save_at", [1, 7, 13, 29, 30])
def test_an_interrupted_training_continues_to_the_same_weights(task, tmp_path, save_at):
    path = tmp_path / "checkpoint.partial"
    expected, whole = fit(task)
    dying = DyingCheckpoint(path, save_at)
    if save_at < OPTIONS["steps"]:
        with pytest.raises(Killed):
            fit(task, dying)
    else:  # saved after its last step, killed before the results were written
        fit(task, dying)
    weights, continued = fit(task, Checkpoint(path, "same"))
    assert same(weights, expected)
    assert continued == whole


def test_an_interrupted_second_attempt_continues(task, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "RETRY_FACTORS", (1.0, 1e-32))
    path = tmp_path / "checkpoint.partial"
    options = {"learning_rate": 1e30, "gradient_clip": 0.0}
    expected, whole = fit(task, **options)
    failed_at = whole.attempts[0]["steps"]
    assert whole.attempts[1]["outcome"] == "finished"
    with pytest.raises(Killed):
        # The step that shows the divergence asks for no checkpoint.
        fit(task, DyingCheckpoint(path, failed_at), **options)
    weights, continued = fit(task, Checkpoint(path, "same"), **options)
    assert same(weights, expected)
    assert continued.attempts == whole.attempts
    assert continued.history[1:] == whole.history[1:]


def test_average_is_what_is_returned(task):
    last, _ = fit(task, ema_decay=0.0)
    averaged, _ = fit(task)
    assert not same(last, averaged)


def test_weights_stay_float32_and_training_learns(task):
    weights, result = fit(task, steps=300, ema_decay=0.0, batch_norm="folded", translate=0.0)
    floats = {value.dtype for value in weights.values() if value.is_floating_point()}
    assert floats == {torch.float32}
    assert result.history[-1]["loss"] < 0.5 * result.history[0]["loss"]
    assert result.attempts == [{"learning_rate": 0.01, "outcome": "finished", "steps": 300}]


def test_averages_begin_as_the_plain_mean():
    average = AveragedModel(torch.nn.Linear(1, 1), multi_avg_fn=run._moving(0.75))
    seen = []
    for value in (1.0, 2.0, 6.0, 11.0, 100.0):
        network = torch.nn.Linear(1, 1)
        torch.nn.init.constant_(network.weight, value)
        average.update_parameters(network)
        seen.append(float(average.module.weight.detach()))
    # 1, (1 + 2) / 2, (1 + 2 + 6) / 3, then a quarter of the new one.
    assert seen == pytest.approx([1.0, 1.5, 3.0, 5.0, 28.75])


class BrokenExamples:
    """Validation examples whose inputs are not numbers in the first look."""

    def __init__(self, examples):
        self.examples, self.looks = examples, 0

    def __len__(self):
        return len(self.examples)

    def batches(self, plans):
        self.looks += 1
        return self.examples.batches(plans)

    def view(self, *arguments):
        inputs = self.examples.view(*arguments)
        return inputs * np.nan if self.looks == 1 else inputs


def test_a_look_without_a_number_is_never_the_best(task):
    broken = BrokenExamples(task.labeled)
    watched = replace(task, validation=run.Validation(broken, task.labels))
    _, result = fit(watched, validation="held-out", validation_size=0.5, validation_every=10)
    assert broken.looks == 3
    assert [look["step"] for look in result.validation] == [20, 30]
    assert all(np.isfinite(look["loss"]) for look in result.validation)


def say_losses(monkeypatch, losses):
    """Looks at the validation set find these losses, one after the other."""
    left = iter(losses)
    monkeypatch.setattr(run, "summed_loss", lambda logits, truth, weights: next(left) * len(truth))


@pytest.mark.parametrize(
    ("patience", "losses", "stopped_at", "best"),
    [
        (2, [3.0, 2.0, 2.5, 2.0, 1.0], 20, 10),  # a loss as low as the best is no lower one
        (2, [3.0, 2.0, 2.5, 1.0, 1.5, 1.2], 30, 20),
        (1, [3.0, 4.0], 10, 5),
        (3, [np.nan, np.nan, np.nan], 15, None),
        (0, [3.0, 4.0, 4.0, 4.0, 4.0, 4.0], 30, 5),
    ],
)
def test_patience_ends_a_training_and_the_best_weights_stay(
    task, monkeypatch, patience, losses, stopped_at, best
):
    say_losses(monkeypatch, losses)
    weights = {}
    original = run.TrainingRun.train_step

    def watched(run, batch):
        original(run, batch)
        weights[run.step] = run._weights()

    monkeypatch.setattr(run.TrainingRun, "train_step", watched)
    with_looks = replace(task, validation=run.Validation(task.labeled, task.labels))
    options = {"validation": "held-out", "validation_size": 0.5, "validation_every": 5}
    found, result = fit(with_looks, patience=patience, **options)
    assert max(weights) == stopped_at == result.attempts[-1]["steps"]
    assert result.history[-1]["step"] == stopped_at
    assert not result.diverged
    expected = weights[stopped_at if best is None else best]
    for name, value in found.items():
        assert torch.equal(value, expected[name]), name


def test_a_training_that_lost_its_patience_is_not_continued(task, tmp_path, monkeypatch):
    with_looks = replace(task, validation=run.Validation(task.labeled, task.labels))
    options = {"validation": "held-out", "validation_size": 0.5, "validation_every": 5}
    say_losses(monkeypatch, [3.0, 4.0, 4.0])
    whole = fit(with_looks, patience=2, **options)
    for save_at in (7, 12, 15):
        checkpoint = DyingCheckpoint(tmp_path / f"{save_at}.partial", save_at)
        say_losses(monkeypatch, [3.0, 4.0, 4.0])
        if save_at < 15:
            with pytest.raises(Killed):
                fit(with_looks, checkpoint, patience=2, **options)
        else:
            fit(with_looks, checkpoint, patience=2, **options)
        say_losses(monkeypatch, [4.0] * (3 - save_at // 5))
        again = fit(with_looks, Checkpoint(checkpoint.path, "same"), patience=2, **options)
        assert again[1].attempts == whole[1].attempts
        assert all(torch.equal(again[0][name], value) for name, value in whole[0].items())


def test_the_average_stays_in_evaluation_mode(task, monkeypatch):
    modes = []
    original = run.TrainingRun.train_step

    def watched(run, batch):
        modes.append({module.training for module in run.average.modules()})
        original(run, batch)

    monkeypatch.setattr(run.TrainingRun, "train_step", watched)
    with_looks = replace(task, validation=run.Validation(task.labeled, task.labels))
    fit(with_looks, validation="held-out", validation_size=0.5, validation_every=10)
    assert modes == [{False}] * 30


def test_a_damaged_checkpoint_is_not_continued(tmp_path):
    """Nor one that is another file altogether; torch alone would take a damaged tensor."""
    path = tmp_path / "checkpoint.partial"
    content = {"step": 3, "weights": torch.arange(1000.0)}
    Checkpoint(path, "same").save(content)
    whole = path.read_bytes()
    assert torch.equal(Checkpoint(path, "same").load()["weights"], content["weights"])
    assert Checkpoint(path, "another").load() is None
    middle = len(whole) // 2
    torch.save([1, 2], tmp_path / "list")
    for damaged in (
        *(b"", b"{}", whole[:-1], whole[:middle], b"\0" * len(whole)),
        *(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :], whole[32:]),
        (tmp_path / "list").read_bytes(),
    ):
        path.write_bytes(damaged)
        assert Checkpoint(path, "same").load() is None
    path.unlink()
    path.mkdir()
    assert Checkpoint(path, "same").load() is None
