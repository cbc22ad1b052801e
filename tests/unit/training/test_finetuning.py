"""Fine-tuning as a whole, on a small random network: what it starts from, promises and records."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from helpers.killed_jobs import run_and_kill
from helpers.small_finetuning import BACKBONE, IDS, draw, prepare, settings, stored
from labelbench_core import registry
from labelbench_core.errors import InputError
from labelbench_core.storage import files
from labelbench_core.storage.round_files import Round
from labelbench_core.training import loop
from labelbench_core.training.finetuning import finetune_round, history_csv, write_weights
from labelbench_core.training.network import load_network
from labelbench_core.training.on_images import predict_proba
from labelbench_core.training.setup import hold_out
from workflow_scripts import finetune_model


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return prepare(tmp_path_factory.mktemp("digits"))


@pytest.fixture
def bought():
    return draw()


def finetune(dataset, bought, **options):
    return finetune_round(dataset, Round(IDS, bought), settings(**options))


def test_head_of_another_size_is_refused(dataset, bought):
    bought["weights"] = bought["weights"][:, :9]
    with pytest.raises(InputError, match="head: fresh"):
        finetune(dataset, bought)
    del bought["weights"]
    with pytest.raises(InputError, match="no linear head"):
        finetune(dataset, bought)


def test_same_inputs_same_bytes_and_another_seed_others(dataset, bought):
    options = {"translate": 0.1, "rotate": 10, "batch_norm": "batch", "ema_decay": 0.5}
    once, again = (finetune(dataset, bought, **options) for _ in range(2))
    assert once.record == again.record
    assert once.history == again.history
    assert all(torch.equal(once.weights[name], again.weights[name]) for name in once.weights)
    another = Round({**IDS, "seed": 1}, bought)
    other = finetune_round(dataset, another, {**settings(**options), "seed": 1})
    assert other.history != once.history


def test_a_labelled_set_smaller_than_a_batch_trains(dataset, bought):
    bought["labeled"] = bought["labeled"][:3]
    result = finetune(dataset, bought, learning_rate=3e-3, steps=25, head="fresh", batch_size=64)
    assert result.record["num_labeled"] == 3
    assert [row["step"] for row in result.history] == list(range(1, 26))
    assert result.history[-1]["loss"] < 0.5 * result.history[0]["loss"]
    assert result.record["training"]["attempts"][0]["outcome"] == "finished"


def test_history_has_a_row_for_every_epoch_and_ends_at_the_last_step(dataset, bought):
    result = finetune(dataset, bought, steps=10)
    assert [row["step"] for row in result.history] == [1, 4, 7, 10]
    lines = history_csv(result.history).splitlines()
    assert lines[0] == "attempt,step,learning_rate,loss,accuracy,unlabeled_loss,used"
    assert len(lines) == 5


def test_divergence_is_retried_and_recorded(dataset, bought):
    result = finetune(dataset, bought, learning_rate=1e6, gradient_clip=0.0, steps=12)
    training = result.record["training"]
    assert training["diverged"] is True
    assert [attempt["learning_rate"] for attempt in training["attempts"]] == [1e6, 1e5]
    assert all("at step" in attempt["outcome"] for attempt in training["attempts"])
    assert {row["attempt"] for row in result.history} == {1, 2}
    # Chance or so, and valid JSON all the same.
    assert result.record["metrics"]["test"]["accuracy"] < 0.5
    files.canonical_json(result.record)


def test_the_retry_starts_afresh_and_can_succeed(dataset, bought, monkeypatch):
    monkeypatch.setattr(loop, "RETRY_FACTORS", (1.0, 1e-9))
    result = finetune(dataset, bought, learning_rate=1e6, gradient_clip=0.0, steps=12)
    assert result.record["training"]["diverged"] is False
    assert result.record["training"]["attempts"][1]["outcome"] == "finished"
    # 1e6 * 1e-9 = 1e-3, up to rounding.
    calm = finetune(dataset, bought, learning_rate=1e6 * 1e-9, gradient_clip=0.0, steps=12)
    retried = [row["loss"] for row in result.history if row["attempt"] == 2]
    assert retried == [row["loss"] for row in calm.history]


def test_labels_that_were_not_bought_are_not_used(dataset, bought, monkeypatch):
    honest = finetune(dataset, bought)
    true_labels = type(dataset).labels

    def only_bought(self, split):
        labels = true_labels(self, split)
        if split == "pool":
            hidden = np.setdiff1d(np.arange(len(labels)), bought["labeled"])
            labels[hidden] = (labels[hidden] + 1) % 10
        return labels

    monkeypatch.setattr(type(dataset), "labels", only_bought)
    blind = finetune(dataset, bought)
    assert blind.history == honest.history
    assert blind.record == honest.record


@pytest.mark.parametrize("batch_norm", ["folded", "frozen", "batch"])
def test_saved_weights_give_the_recorded_predictions(dataset, bought, tmp_path, batch_norm):
    tuned = finetune(dataset, bought, batch_norm=batch_norm)
    path = tmp_path / "model.safetensors"
    write_weights(path, tuned.weights)
    backbone = registry.load("backbones", "timm-model").build(**BACKBONE)
    assert {name for name in load_file(path) if name.startswith("backbone.")} == {
        f"backbone.{name}" for name in backbone.model.state_dict()
    }
    network = load_network(path, backbone.model)
    images = dataset.images("test")
    probabilities = predict_proba(network, backbone, images, torch.device("cpu"), torch.float32)
    labels = dataset.labels("test")
    recorded = tuned.record["metrics"]["test"]
    assert -np.log(probabilities[np.arange(500), labels]).mean() == pytest.approx(
        recorded["nll"], rel=2e-3
    )


def test_a_split_that_is_not_there_is_refused(dataset, bought):
    with pytest.raises(InputError, match="no such split with labels; allowed: pool, test"):
        finetune(dataset, bought, evaluate=["val"])


def test_a_killed_job_continues_to_the_same_bytes(dataset, bought, tmp_path):
    round_json, round_npz = stored(tmp_path, dataset, bought)
    options = {"steps": 120, "translate": 0.1, "ema_decay": 0.999, "batch_norm": "batch"}

    def arguments(folder):
        texts = [
            *(
                "--dataset",
                dataset.folder / "manifest.json",
                "--round-npz",
                round_npz,
                "--round-json",
                round_json,
            ),
            *("--settings", json.dumps(settings(**options)), "--metrics", folder / "metrics.json"),
            *("--history", folder / "history.csv", "--weights", folder / "model.safetensors"),
        ]
        return [str(text) for text in texts]

    whole, killed = tmp_path / "whole", tmp_path / "killed"
    checkpoint = killed / "checkpoint.partial"
    run_and_kill("finetune_model", arguments(killed), checkpoint)
    assert not (killed / "metrics.json").exists()

    log = tmp_path / "log"
    assert finetune_model.main([*arguments(killed), "--log", str(log)]) == 0
    assert "resumed after step" in log.read_text()
    assert finetune_model.main([*arguments(whole), "--log", str(log)]) == 0
    assert "resumed after step" not in log.read_text()
    for name in ("metrics.json", "history.csv", "model.safetensors"):
        assert (killed / name).read_bytes() == (whole / name).read_bytes()
    assert sorted(path.name for path in killed.iterdir() if "lock" not in path.name) == [
        *("history.csv", "metrics.json", "model.safetensors"),
    ]


def test_validation_is_a_stated_choice_and_its_labels_are_reported(dataset, bought):
    held = finetune(
        dataset, bought, validation="held-out", validation_size=0.2, validation_every=2
    ).record["training"]["validation"]
    assert held["kind"] == "held-out"
    assert held["size"] == round(0.2 * len(bought["labeled"]))
    assert [look["step"] for look in held["looks"]] == [2, 4, 6]
    none = finetune(dataset, bought).record["training"]["validation"]
    assert none == {"kind": "none", "size": 0, "looks": []}
    with pytest.raises(InputError, match="validation_size: 9; allowed: at most 0"):
        finetune(dataset, bought, validation="extra", validation_size=9.0)


def test_held_out_labels_are_spread_over_the_classes():
    labels = np.repeat([0, 1, 2], [50, 30, 20])
    held = hold_out(labels, 0.2, ("a", 1))
    assert np.bincount(labels[held]).tolist() == [10, 6, 4]
    assert not np.array_equal(held, hold_out(labels, 0.2, ("a", 2)))
    assert len(hold_out(np.zeros(2, np.int64), 0.01, ("a",))) == 1


@pytest.mark.thorough
def test_two_processes_train_as_one_does(tmp_path, dataset, bought):
    """Through the script and `torchrun`, on the CPU; sums are formed in another order."""
    round_json, round_npz = stored(tmp_path, dataset, bought)
    records = {}
    for processes in (1, 2):
        paths = {
            name: tmp_path / str(processes) / name
            for name in ("metrics.json", "history.csv", "model.safetensors")
        }
        command = [sys.executable, "-m", "workflow_scripts.finetune_model"]
        command += ["--dataset", dataset.folder / "manifest.json", "--processes", str(processes)]
        command += ["--round-npz", round_npz, "--round-json", round_json]
        command += ["--settings", json.dumps(settings(batch_norm="frozen"))]
        for option, name in (("metrics", "metrics.json"), ("history", "history.csv")):
            command += [f"--{option}", paths[name]]
        command += ["--weights", paths["model.safetensors"]]
        environment = {**os.environ, "LABELBENCH_DEVICE": "cpu", "OMP_NUM_THREADS": "1"}
        subprocess.run(list(map(str, command)), check=True, env=environment, timeout=600)
        records[processes] = files.read_json(paths["metrics.json"])
        rows = paths["history.csv"].read_text(encoding="utf-8").splitlines()[1:]
        records[processes]["history"] = [[float(x) for x in row.split(",")[:5]] for row in rows]
    one, two = records[1], records[2]
    difference = two["metrics"]["test"]["accuracy"] - one["metrics"]["test"]["accuracy"]
    assert abs(difference) < 0.02
    np.testing.assert_allclose(two["history"], one["history"], rtol=1e-3, atol=1e-5)


def test_a_zero_shot_head_classifies_by_angle(dataset, bought, tmp_path):
    head = {"weights": np.eye(256, 10, dtype=np.float32), "scale": np.float32(20)}
    short = settings(head="zero-shot", learning_rate=1e-12, steps=2, batch_norm="frozen")
    with pytest.raises(InputError, match="no zero-shot head was given"):
        finetune_round(dataset, Round(IDS, bought), short)
    result = finetune_round(dataset, Round(IDS, bought), short, zero_shot=head)
    write_weights(tmp_path / "model.safetensors", result.weights)
    backbone = registry.load("backbones", "timm-model").build(**BACKBONE)
    network = load_network(tmp_path / "model.safetensors", backbone.model)
    with torch.inference_mode():
        pixels = backbone.preprocess(torch.from_numpy(dataset.images("test").batch(np.arange(9))))
        features = network.backbone(pixels)
        expected = 20 * (features / features.norm(dim=1, keepdim=True))[:, :10]
        torch.testing.assert_close(network(pixels), expected, rtol=1e-3, atol=1e-3)
