"""Trainings on rows that belong to any number of classes: losses by hand, and a fine-tuning."""

import math

import numpy as np
import pytest
import torch

from helpers.semi_supervised import a_step, build, loss_of
from helpers.small_finetuning import IDS, settings
from labelbench_core.datasets import open_dataset
from labelbench_core.datasets.preparing.prepare import prepare_dataset
from labelbench_core.storage.round_files import Round
from labelbench_core.trainers import Batch, Loss
from labelbench_core.training.finetuning import finetune_round
from labelbench_core.training.setup import hold_out
from labelbench_core.training.window import Window


def logits_of(*probabilities):
    return torch.tensor(probabilities).logit()


def entropy(*likelihoods):
    """Mean binary cross-entropy, from the probabilities of what is true."""
    return -sum(map(math.log, likelihoods)) / len(likelihoods)


def test_supervised_by_hand():
    batch = Batch(logits_of([0.9, 0.2, 0.5], [0.6, 0.7, 0.1]), torch.tensor([[1, 0, 1], [0, 0, 0]]))
    trainer = build("supervised")
    loss = loss_of(trainer, batch, a_step(trainer, 3))
    expected = entropy(0.9, 0.8, 0.5, 0.4, 0.3, 0.9)
    assert float(loss.total) == pytest.approx(expected)
    smooth = build("supervised", label_smoothing=0.2)
    opposite = entropy(0.1, 0.2, 0.5, 0.6, 0.7, 0.1)
    found = float(loss_of(smooth, batch, a_step(smooth, 3)).total)
    assert found == pytest.approx(0.9 * expected + 0.1 * opposite)


def test_mixed_examples_have_mixed_labels():
    trainer = build("supervised", mixup=1.0)
    same = Batch(torch.zeros(4, 2), torch.tensor([[1, 0], [0, 1], [1, 1], [0, 0]]))
    assert float(loss_of(trainer, same, a_step(trainer, 2)).total) == pytest.approx(math.log(2))


def test_fixmatch_labels_each_class_by_itself():
    batch = Batch(
        inputs=logits_of([0.5, 0.5]),
        labels=torch.tensor([[1, 0]]),
        weak=logits_of([0.9, 0.3], [0.05, 0.97], [0.4, 0.6]),
        strong=logits_of([0.25, 0.5], [0.5, 0.2], [0.1, 0.1]),
        rows=torch.arange(3),
    )
    trainer = build("fixmatch", threshold=0.9, unlabeled_weight=2.0)
    loss = loss_of(trainer, batch, a_step(trainer, 2))
    # Sure are: the first has class 0; the second lacks class 0 and has class 1.
    expected = 2 * -(math.log(0.25) + math.log(0.5) + math.log(0.2)) / 6
    assert float(loss.unlabeled) == pytest.approx(expected)
    assert float(loss.total) == pytest.approx(math.log(2) + expected)
    assert float(loss.used) == 0.5
    alone = loss_of(trainer, Batch(batch.inputs, batch.labels), a_step(trainer, 2))
    assert float(alone.total) == pytest.approx(math.log(2))


def test_accuracy_is_that_of_all_decisions():
    window = Window(2, torch.device("cpu"))
    logits = torch.tensor([[1.0, -1.0], [0.5, 2.0]])
    window.add(Loss(torch.tensor(0.5), logits), torch.tensor([[1, 0], [0, 1]]))
    assert window.summary()["accuracy"] == 0.75
    assert window.failure(is_last=True) is None
    window.add(Loss(torch.tensor(math.nan), logits), torch.tensor([[1, 0], [0, 1]]))
    assert window.failure(is_last=False) == "loss is not finite"


def test_what_is_held_out_is_spread_over_sets_of_classes():
    labels = np.repeat([[1, 0], [0, 1], [1, 1]], [60, 20, 20], axis=0)
    held = labels[hold_out(labels, 0.1, ("a",))]
    assert sorted(map(tuple, held.tolist())) == [(0, 1)] * 2 + [(1, 0)] * 6 + [(1, 1)] * 2


@pytest.fixture(scope="module")
def mosaics(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mosaics")
    options = {"source": "digits"}
    arrays, manifest = folder / "arrays", folder / "manifest.json"
    prepare_dataset("digits-mosaics", "mosaics", options, folder, arrays, manifest)
    return open_dataset(folder)


@pytest.mark.parametrize("trainer", ["supervised", "fixmatch"])
def test_a_fine_tuning_records_the_metrics_of_such_labels(mosaics, trainer):
    rows = mosaics.labels("pool")
    bought = Round({**IDS, "dataset": "digits-mosaics"}, {"labeled": np.arange(60)})
    options = {"head": "fresh", "steps": 20, "validation": "held-out", "validation_size": 0.2}
    chosen = {**settings(**options), "dataset": "digits-mosaics"}
    chosen["trainer"]["implementation"] = trainer
    done = finetune_round(mosaics, bought, chosen)
    found = done.record["metrics"]["test"]
    assert {"mean-average-precision", "label-accuracy", "micro-f1", "ranking-loss"} <= set(found)
    assert "accuracy" not in found
    assert 0.2 < found["mean-average-precision"] <= 1
    assert done.history[-1]["loss"] < done.history[0]["loss"]
    assert 0.5 < done.history[-1]["accuracy"] < 1
    looks = done.record["training"]["validation"]["looks"]
    assert all(0 < look["accuracy"] < 1 for look in looks)
    assert rows.ndim == 2
