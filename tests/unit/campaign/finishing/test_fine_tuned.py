"""Fine-tuning on a campaign's labels: what it predicts for the pool, and what it starts from."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers.campaigns import CLASSES, campaign_in, labels_of, pool_from, run
from helpers.prepared import prepare
from helpers.small_finetuning import BACKBONE
from labelbench_core import registry
from labelbench_core.campaign.finishing.applying import open_model
from labelbench_core.campaign.finishing.collected import read_collected, write_collected
from labelbench_core.campaign.finishing.final_proxy import final_proxy
from labelbench_core.campaign.finishing.fine_tuned import (
    FineTunedFiles,
    FineTunedRows,
    finetune_campaign,
)
from labelbench_core.campaign.finishing.finish import FinishedFiles, finish
from labelbench_core.campaign.state import read_state
from labelbench_core.errors import InputError
from labelbench_core.training.network import load_network

ENTRY = {"id": "tiny", "implementation": "timm-model", "options": BACKBONE}
TRAINER = {
    "id": "short",
    "implementation": "flexmatch",
    "options": {"threshold_warmup": False},
    "training": {
        "steps": 8,
        "batch_size": 8,
        "unlabeled_ratio": 1,
        "warmup_steps": 1,
        "learning_rate": 3e-3,
        "head": "fresh",
    },
}


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """Digits, as a pool of three classes by the remainder of the digit."""
    dataset = prepare(tmp_path_factory.mktemp("digits"), "digits", tmp_path_factory.mktemp("none"))
    truth = dataset.labels("pool") % 3
    pixels = dataset.images("pool", threads=1).batch(np.arange(len(truth)))
    rows = pixels.reshape(len(truth), -1)[:, ::7].astype(np.float16) / 255
    return replace(pool_from(rows), dataset=dataset), truth


@pytest.fixture
def campaign(tmp_path):
    finish = {"trainer": TRAINER, "onnx": False, "look_below": 0.9}
    return campaign_in(tmp_path, audit=60, audit_share=0.4, finish=finish)


def tuned(campaign, pool, truth, folder, proxy=None):
    """(labels, files of the fine-tuning)."""
    run(campaign, pool, labels_of(pool, truth), 4)
    state, _ = read_state(campaign, pool)
    paths = folder / "labels.json", folder / "labels.npz"
    write_collected(state, pool, *paths, folder / "labels.csv")
    collected = read_collected(*paths, campaign.campaign)
    names = ("training.json", "history.csv", "model.safetensors", "pool.npy")
    written = FineTunedFiles(*(folder / name for name in names))
    finetune_campaign(
        campaign,
        ENTRY,
        pool.dataset,
        collected,
        written,
        proxy or (lambda: final_proxy(campaign, pool, collected)),
    )
    return collected, written


def test_the_pool_s_probabilities_are_those_of_the_weights(campaign, digits, tmp_path):
    pool, truth = digits
    collected, written = tuned(campaign, pool, truth, tmp_path)
    rows = FineTunedRows(written, collected)
    assert rows.shape == (len(pool), 3)
    backbone = registry.build("backbones", ENTRY)
    network = load_network(written.weights, backbone.model)
    images = pool.dataset.images("pool", threads=1).batch(np.arange(200))
    with torch.inference_mode():
        expected = network(backbone.preprocess(torch.from_numpy(images))).softmax(dim=1).numpy()
    assert rows.take(np.arange(200)) == pytest.approx(expected, abs=5e-3)
    blocks = np.concatenate([block for _, block in rows.blocks()])
    assert blocks[:200] == pytest.approx(rows.take(np.arange(200)), abs=1e-6)
    assert blocks.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert rows.record["num_labeled"] == len(collected.training.rows)
    assert not list(tmp_path.glob("*.partial"))


def test_it_is_the_model_that_is_handed_over_beside_the_proxy(campaign, digits, tmp_path):
    pool, truth = digits
    collected, written = tuned(campaign, pool, truth, tmp_path)
    names = ("dataset.csv", "predictions.csv", "to_check.csv", "p.npy", "model", "end.json")
    made = FinishedFiles(*(tmp_path / name for name in names))
    embedded = {"weights_sha256": registry.build("backbones", ENTRY).weights_sha256}
    summary = finish(
        campaign, ENTRY, pool, collected, written, made, made_with={}, embedded=embedded
    )
    assert summary["model"] == "network"
    other = summary["compared"]
    decided = len(collected.audit.rows)
    assert 0 <= other["only_network"] + other["only_proxy"] <= decided
    assert 0 <= other["p_value"] <= 1
    card = (made.model / "README.md").read_text()
    assert "fine-tuned end to end by `short`" in card
    assert "The proxy on frozen embeddings has" in card
    model = open_model(made.model)
    images = pool.dataset.images("pool", threads=1).batch(np.arange(50))
    assert model.probabilities(images) == pytest.approx(
        FineTunedRows(written, collected).take(np.arange(50)), abs=5e-3
    )
    assert model.record["classes"] == list(CLASSES)


def test_without_an_audit_label_it_is_handed_over_as_it_is(campaign, digits, tmp_path):
    pool, truth = digits
    campaign = replace(campaign, audit_share=0.0)
    collected, written = tuned(campaign, pool, truth, tmp_path)
    assert not len(collected.audit.rows)
    names = ("dataset.csv", "predictions.csv", "to_check.csv", "p.npy", "model", "end.json")
    made = FinishedFiles(*(tmp_path / name for name in names))
    embedded = {"weights_sha256": ""}
    summary = finish(
        campaign, ENTRY, pool, collected, written, made, made_with={}, embedded=embedded
    )
    assert summary["wrong"] is None
    assert summary["compared"]["proxy"] is None
    assert "Not known: no image of the campaign's audit" in (made.model / "README.md").read_text()


def test_it_can_start_from_the_proxy(campaign, digits, tmp_path):
    pool, truth = digits
    training = {**TRAINER["training"], "head": "proxy", "steps": 1, "learning_rate": 1e-12}
    finish_by = {**campaign.finish, "trainer": {**TRAINER, "training": training}}
    campaign = replace(campaign, finish=finish_by)
    features = registry.build("backbones", ENTRY).num_features
    rng = np.random.default_rng(0)
    head = {
        "weights": rng.normal(size=(features, 3)).astype(np.float32),
        "bias": rng.normal(size=3).astype(np.float32),
    }

    class Given:
        """A trained proxy with that head."""

        proxy = type("Head", (), {"arrays": lambda self: head})()

    _, written = tuned(campaign, pool, truth, tmp_path, Given)
    network = load_network(written.weights, registry.build("backbones", ENTRY).model)
    assert pytest.approx(head["weights"], abs=2e-3) == network.head.weight.detach().numpy().T
    head.pop("bias")
    with pytest.raises(InputError, match="the campaign's proxy has no linear head; allowed with"):
        tuned(campaign, pool, truth, tmp_path, Given)


def test_files_of_other_labels_and_damaged_ones_are_refused(campaign, digits, tmp_path):
    pool, truth = digits
    collected, written = tuned(campaign, pool, truth, tmp_path)
    other = replace(collected, record={**collected.record, "arrays_sha256": "0" * 64})
    with pytest.raises(InputError, match=r"labels_sha256 is .*, expected"):
        FineTunedRows(written, other)
    content = bytearray(written.pool.read_bytes())
    content[-1] ^= 1
    written.pool.write_bytes(content)
    with pytest.raises(InputError, match=r"pool\.npy: not the file that training.json names"):
        FineTunedRows(written, collected)
