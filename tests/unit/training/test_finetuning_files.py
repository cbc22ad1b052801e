"""A fine-tuning reads what is whole and of its place, and says what its files belong to."""

import json
import shutil
import subprocess

import numpy as np
import pytest

from helpers.small_finetuning import BACKBONE, IDS, draw, prepare, settings, stored
from labelbench_core import registry
from labelbench_core.datasets import PreparedDataset, open_dataset
from labelbench_core.embeddings.refreshed import with_weights
from labelbench_core.errors import InputError
from labelbench_core.storage import files
from labelbench_core.storage.records import read_record
from labelbench_core.storage.round_files import Round
from labelbench_core.storage.zero_shot_file import write_head
from labelbench_core.training import on_images
from labelbench_core.training.finetuning import finetune_round, read_bought, write_finetuned
from workflow_scripts import finetune_model


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return prepare(tmp_path_factory.mktemp("digits"))


@pytest.fixture
def bought():
    return draw()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labeled": np.array([1, 1])}, "repeated"),
        ({"labeled": np.array([1297])}, "row 1297, but the pool has 1297 rows"),
        ({"labeled": np.array([], np.int64)}, "0 rows"),
    ],
)
def test_damaged_rounds_are_refused(dataset, bought, tmp_path, change, message):
    paths = stored(tmp_path, dataset, {**bought, **change})
    with pytest.raises(InputError, match=message) as caught:
        read_bought(dataset, *paths, settings())
    assert str(caught.value).startswith(f"{paths[1]}: ")


@pytest.mark.parametrize(
    "change", [{"round": 2}, {"strategy": "margin"}, {"seed": 3}, {"dataset_fingerprint": "0"}]
)
def test_another_round_is_refused(dataset, bought, tmp_path, change):
    paths = stored(tmp_path, dataset, bought)
    ((key, value),) = change.items()
    if key == "dataset_fingerprint":
        dataset = PreparedDataset(dataset.folder, {**dataset.manifest, "fingerprint": value})
    with pytest.raises(InputError, match=f"{key} is .*, expected {value!r}"):
        read_bought(dataset, *paths, {**settings(), **change})


def test_damaged_arrays_are_not_trained_on(dataset, bought, tmp_path, monkeypatch):
    """Half of the images' bytes inverted; some labels changed: told by name, before training."""
    monkeypatch.setattr(on_images, "train_network", None)
    for array in ("pool-images", "test-images", "pool-labels", "test-labels"):
        folder = tmp_path / array
        shutil.copytree(dataset.folder, folder)
        block = next(
            path for path in (folder / "arrays" / array / "c").rglob("*") if path.is_file()
        )
        content = np.frombuffer(block.read_bytes(), np.uint8).copy()
        content[: len(content) // 2] ^= 255
        block.write_bytes(content.tobytes())
        with pytest.raises(InputError, match="does not match its SHA-256") as caught:
            finetune_round(open_dataset(folder), Round(IDS, bought), settings())
        assert str(block) in str(caught.value)


def test_a_record_names_the_files_it_belongs_to(dataset, bought, tmp_path):
    """Weights, history, and the round; whoever loads the weights sees to it."""
    done = finetune_round(
        dataset,
        read_bought(dataset, *stored(tmp_path, dataset, bought), settings()),
        settings(steps=2, warmup_steps=0),
    )
    metrics, history, weights = (
        tmp_path / name for name in ("metrics.json", "history.csv", "model.safetensors")
    )
    write_finetuned(done, metrics, history, weights)
    ids = {**IDS, "trainer": "short", "dataset_fingerprint": dataset.manifest["fingerprint"]}
    record = read_record(metrics, "fine-tuning", ids)
    assert record["weights_sha256"] == files.sha256_file(weights)
    assert record["history_sha256"] == files.sha256_file(history)
    assert record["previous"] == {
        "record_sha256": files.sha256_file(tmp_path / "round-1.json"),
        "arrays_sha256": files.sha256_file(tmp_path / "round-1.npz"),
    }
    backbone = registry.load("backbones", "timm-model").build(**BACKBONE)
    assert with_weights(backbone, weights, metrics, ids).weights_sha256 == record["weights_sha256"]
    with pytest.raises(InputError, match="seed is 0, expected 1"):
        with_weights(backbone, weights, metrics, {**ids, "seed": 1})
    whole = weights.read_bytes()
    for content in (b"", b"{}", whole[:-1], whole[:-9] + b"\0" + whole[-8:]):
        weights.write_bytes(content)
        with pytest.raises(InputError, match="weights_sha256 in metrics") as caught:
            with_weights(backbone, weights, metrics, ids)
        assert str(weights) in str(caught.value)
    weights.unlink()
    with pytest.raises(InputError, match=r"again to create it \(rule finetune_model\)"):
        with_weights(backbone, weights, metrics, ids)


@pytest.mark.parametrize("processes", [1, 2])
def test_the_job_tells_what_is_damaged_in_one_line(
    dataset, bought, tmp_path, monkeypatch, capsys, processes
):
    """Also where several processes would be started: none is."""
    monkeypatch.setattr(subprocess, "run", None)
    monkeypatch.setattr(on_images, "train_network", None)
    record, arrays = stored(tmp_path, dataset, bought)
    shutil.copytree(dataset.folder, tmp_path / "dataset")
    head = tmp_path / "head.npz"
    made_for = {"dataset": "digits", "backbone": "tiny"}
    made_for["dataset_fingerprint"] = dataset.manifest["fingerprint"]
    weights = np.zeros((256, 10), np.float32)
    write_head(head, {"weights": weights, "scale": np.float32(1)}, made_for)
    outputs = {name: tmp_path / "out" / name for name in ("metrics", "history", "weights")}
    options = {
        "dataset": tmp_path / "dataset/manifest.json",
        **{"round-json": record, "round-npz": arrays, "zero-shot": head, **outputs},
        "settings": json.dumps(settings()),
        "processes": processes,
    }
    arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    blocks = sorted((tmp_path / "dataset/arrays/test-images/c").rglob("0"))
    for path in (options["dataset"], record, arrays, head, blocks[-1]):
        whole = path.read_bytes()
        for content in (whole[: len(whole) // 2], b"{}", None):
            path.unlink() if content is None else path.write_bytes(content)
            assert finetune_model.main(arguments) == 2
            lines = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
            assert len(lines) == 1
            assert lines[0].startswith(f"error: {path}: ")
        path.write_bytes(whole)
    assert not any(path.exists() for path in outputs.values())
