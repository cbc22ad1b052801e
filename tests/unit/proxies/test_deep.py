"""Proxies that train a backbone: fine-tuning and adapters, on a small random network."""

import json

import numpy as np
import pytest
import torch

from helpers.killed_jobs import run_and_kill
from labelbench_core import registry
from labelbench_core.datasets import open_dataset
from labelbench_core.datasets.preparing.prepare import prepare_dataset
from labelbench_core.datasets.rows.image_rows import ImageRows
from labelbench_core.errors import InputError
from labelbench_core.proxies import Statistics, TrainingSet, finetune, lora
from labelbench_core.seeds import rng_for
from labelbench_core.selection import rounds
from labelbench_core.selection.data import open_image_data
from labelbench_core.storage.round_files import write_round
from workflow_scripts import select_round

NOTHING = Statistics(np.zeros(0), np.zeros(0))
TRAINER = {
    "id": "short",
    "implementation": "supervised",
    "training": {
        "steps": 40,
        "batch_size": 16,
        "warmup_steps": 2,
        "learning_rate": 3e-3,
        "head": "fresh",
    },
}
CONVNET = {"model": "test_efficientnet", "pretrained": False, "input_size": 16}
TRANSFORMER = {"model": "test_vit", "pretrained": False, "input_size": 16}


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    folder = tmp_path_factory.mktemp("digits")
    prepare_dataset("digits", "digits", {}, folder, folder / "arrays", folder / "manifest.json")
    return ImageRows(open_dataset(folder), "pool")


def training_set(pool, backbone, **more):
    labels = pool.dataset.labels("pool")
    indices = rng_for("deep").permutation(len(labels))[:60]
    entry = {"implementation": "timm-model", "options": backbone}
    return TrainingSet(pool, indices, labels[indices], 10, NOTHING, backbone=entry, **more)


@pytest.mark.parametrize(
    ("component", "backbone", "rate"),
    [(finetune, CONVNET, 3e-3), (lora, CONVNET, 3e-2), (lora, TRANSFORMER, 3e-3)],
)
def test_what_is_restored_is_what_was_trained(pool, component, backbone, rate):
    training = training_set(pool, backbone)
    trainer = {**TRAINER, "training": {**TRAINER["training"], "learning_rate": rate}}
    proxy = component.build(trainer=trainer)
    record = proxy.fit(training, rng_for("fit"))
    assert record["converged"]
    assert record["flops"] > 0
    again = component.build(trainer=trainer)
    assert again.fit(training, rng_for("fit")) == record
    restored = component.build(trainer=TRAINER).restore(proxy.arrays(), NOTHING)
    rows = restored.pool_rows(pool)
    assert rows.shape[0] == len(pool)
    some = np.array([7, 1, 30])
    # The pool's embeddings are kept in half precision.
    np.testing.assert_allclose(
        restored.predict_proba(rows.take(some)), proxy.predict_proba(pool.take(some)), atol=5e-3
    )
    assert proxy.predict_proba(pool.take(some[:0])).shape == (0, 10)
    labels = pool.dataset.labels("pool")
    accuracy = (restored.predict_proba(rows.load()).argmax(axis=1) == labels).mean()
    assert accuracy > 0.25  # a random network, forty steps; chance is 0.1


def test_adapters_are_all_that_changes(pool):
    training = training_set(pool, TRANSFORMER)
    backbone = registry.load("backbones", "timm-model").build(**TRANSFORMER)
    proxy = lora.build(trainer=TRAINER, rank=2)
    pixels = torch.zeros(1, 3, 16, 16)
    before = backbone.model(pixels)
    original = {name: value.clone() for name, value in backbone.model.state_dict().items()}
    start = proxy.start(backbone, training, rng_for("start"))
    torch.testing.assert_close(start.backbone.model(pixels), before)
    trainable = {name for name, p in start.backbone.model.named_parameters() if p.requires_grad}
    assert trainable
    assert all("lora_" in name for name in trainable)
    unchanged = start.backbone.model.state_dict()
    for name, value in original.items():
        module, _, leaf = name.rpartition(".")
        assert torch.equal(unchanged.get(name, unchanged.get(f"{module}.base_layer.{leaf}")), value)


def test_rows_count_as_their_weights_say(pool):
    """Where one class weighs a thousand times as much, most rows are taken for it."""
    training = training_set(pool, CONVNET)
    heavy = np.where(training.labels == 3, 1000.0, 1.0).astype(np.float32)
    shares = []
    for weights in (None, heavy):
        proxy = finetune.build(trainer=TRAINER)
        proxy.fit(training_set(pool, CONVNET, weights=weights), rng_for("fit"))
        rows = proxy.pool_rows(pool).load()
        shares.append((proxy.predict_proba(rows).argmax(axis=1) == 3).mean())
    assert shares[0] < 0.3  # one in ten is of this class
    assert shares[1] > 0.6


def test_a_warm_start_continues_from_the_round_before(pool):
    proxy = finetune.build(trainer=TRAINER, start="warm")
    proxy.fit(training_set(pool, CONVNET), rng_for("fit"))
    short = {
        **TRAINER,
        "training": {**TRAINER["training"], "steps": 1, "warmup_steps": 0, "learning_rate": 1e-12},
    }
    warm = finetune.build(trainer=short, start="warm")
    warm.fit(training_set(pool, CONVNET, previous=proxy.arrays()), rng_for("more"))
    np.testing.assert_allclose(warm.pool_features, proxy.pool_features, rtol=0.02, atol=0.02)
    cold = finetune.build(trainer=short)
    cold.fit(training_set(pool, CONVNET, previous=proxy.arrays()), rng_for("more"))
    assert not np.allclose(cold.pool_features, proxy.pool_features, rtol=0.02, atol=0.02)
    assert set(cold.arrays()) == {"pool_features", "head_weights", "head_bias"}


def test_a_start_from_class_names_classifies_by_angle(pool):
    """By a step too small to change anything; the classifier is linear in what strategies see."""
    still = {**TRAINER["training"], "steps": 1, "warmup_steps": 0, "learning_rate": 1e-12}
    trainer = {**TRAINER, "training": still}
    proxy = finetune.build(trainer=trainer, start="zero-shot")
    with pytest.raises(InputError, match="the head of the class names is not given"):
        proxy.fit(training_set(pool, CONVNET), rng_for("fit"))
    head = {"weights": np.eye(256, 10, dtype=np.float32), "scale": np.float32(20)}
    assert proxy.fit(training_set(pool, CONVNET, zero_shot=head), rng_for("fit"))["converged"]
    rows = proxy.embed(pool.take(np.arange(9)))
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-5)
    plain = finetune.build(trainer=trainer)
    plain.fit(training_set(pool, CONVNET), rng_for("fit"))
    expected = plain.embed(pool.take(np.arange(9)))
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(rows, expected, atol=1e-5)
    weights, bias = proxy.head()
    np.testing.assert_allclose(weights, 20 * head["weights"], atol=1e-4)
    logits = rows @ weights + bias
    found = proxy.predict_proba(pool.take(np.arange(9)))
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(found, exponents / exponents.sum(axis=1, keepdims=True), atol=1e-6)


@pytest.mark.thorough
def test_a_killed_round_continues_to_the_same_bytes(pool, tmp_path):
    training = {**TRAINER["training"], "steps": 200, "batch_size": 4, "ema_decay": 0.99}
    trainer = {**TRAINER, "training": training}
    settings = {
        **{"dataset": "digits", "seed": 0, "round": 1},
        "backbone": {"id": "tiny", "implementation": "timm-model", "options": CONVNET},
        "proxy": {
            **{"id": "deep", "implementation": "finetune"},
            "options": {"trainer": trainer, "start": "warm"},
        },
        "schedule": {"id": "small", "initial": 20, "batch": 20},
        "strategy": {"id": "margin", "implementation": "margin"},
    }
    manifest = pool.dataset.folder / "manifest.json"
    data = open_image_data(settings, manifest)
    first = rounds.initial_round(data, settings, rng_for("initial").permutation(len(pool))[:20])
    write_round(tmp_path / "round-0.json", tmp_path / "round-0.npz", first)

    def arguments(folder):
        options = {
            "dataset": manifest,
            "previous-record": tmp_path / "round-0.json",
            "previous-arrays": tmp_path / "round-0.npz",
            "settings": json.dumps(settings),
            "record": folder / "round-1.json",
            "arrays": folder / "round-1.npz",
        }
        return [text for name, value in options.items() for text in (f"--{name}", str(value))]

    whole, killed = tmp_path / "whole", tmp_path / "killed"
    checkpoint = killed / "round-1.partial"
    run_and_kill("select_round", arguments(killed), checkpoint)
    assert not (killed / "round-1.json").exists()

    log = tmp_path / "log"
    assert select_round.main([*arguments(killed), "--log", str(log)]) == 0
    assert "resumed after step" in log.read_text()
    assert select_round.main([*arguments(whole), "--log", str(log)]) == 0
    assert "resumed after step" not in log.read_text()
    for name in ("round-1.json", "round-1.npz"):
        assert (killed / name).read_bytes() == (whole / name).read_bytes()
    assert not checkpoint.exists()


def test_wrong_options_are_named():
    def build(name, **options):
        entry = {"implementation": name, "options": {"trainer": TRAINER, **options}}
        return registry.build("proxies", entry)

    with pytest.raises(InputError, match="start: 'hot'; allowed: pretrained, zero-shot, warm"):
        build("finetune", start="hot")
    with pytest.raises(InputError, match="rank: 0"):
        build("lora", rank=0)
