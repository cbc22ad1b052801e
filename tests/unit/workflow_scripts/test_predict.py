"""A campaign's model on images and embeddings from elsewhere, and what cannot be read."""

import csv
import os

import numpy as np
import pytest
from PIL import Image

from helpers.small_finetuning import BACKBONE
from labelbench_core import registry
from labelbench_core.campaign.finishing.model_folder import KIND, NETWORK, PROXY, RECORD, WEIGHTS
from labelbench_core.storage import files
from labelbench_core.storage.records import write_record
from workflow_scripts.predict import main

IMAGES = {"id": "tiny", "implementation": "timm-model", "options": BACKBONE}
GIVEN = {"id": "given", "implementation": "precomputed"}


def folder_of(folder, arrays, **changes):
    """A model's folder with these weights."""
    from safetensors.numpy import save_file

    folder.mkdir()
    save_file(arrays, folder / WEIGHTS)
    content = {
        "campaign": "birds",
        "classes": ["robin", "wren, or tit"],
        "multilabel": False,
        "reading": {"image_size": None, "ground": "white"},
        "preprocessing": None,
        "backbone_weights_sha256": "",
        "temperature": 1.0,
        "exponent": 1.0,
        "weights_sha256": files.sha256_file(folder / WEIGHTS),
        **changes,
    }
    write_record(folder / RECORD, KIND, content)
    return str(folder)


@pytest.fixture
def of_embeddings(tmp_path):
    """Class 1 where the first feature is positive."""
    arrays = {
        "proxy.weights": np.array([[-2.0, 2.0], [0.0, 0.0]], np.float32),
        "proxy.bias": np.zeros(2, np.float32),
        "statistics.mean": np.zeros(2),
        "statistics.std": np.ones(2),
    }
    proxy = {"id": "linear", "implementation": "linear"}
    return folder_of(
        tmp_path / "m", arrays, model=PROXY, proxy=proxy, backbone=GIVEN, rows="embeddings"
    )


@pytest.fixture
def of_images(tmp_path):
    from labelbench_core.training.network import Network, portable_state

    backbone = registry.build("backbones", IMAGES)
    network = Network(backbone.model, backbone.num_features, 2)
    arrays = {name: value.numpy() for name, value in portable_state(network, []).items()}
    return folder_of(tmp_path / "m", arrays, model=NETWORK, backbone=IMAGES, rows="images")


def table(path):
    return list(csv.DictReader(path.open()))


def test_embeddings_are_named_by_file_and_row(of_embeddings, tmp_path):
    np.save(tmp_path / "new.npy", np.array([[3, 0], [-3, 1], [0, 0]], np.float32))
    assert (
        main([of_embeddings, str(tmp_path / "new.npy"), "--output", str(tmp_path / "o.csv")]) == 0
    )
    rows = table(tmp_path / "o.csv")
    assert [row["label"] for row in rows] == ["wren, or tit", "robin", "robin"]
    assert rows[0]["item"] == f"{tmp_path / 'new.npy'}:1"
    assert [row["probability"] for row in rows] == ["1.0000", "1.0000", "0.5000"]


def test_images_that_cannot_be_read_are_named_and_left_out(of_images, tmp_path, capsys):
    photos = tmp_path / "photos"
    (photos / "inner").mkdir(parents=True)
    for name in ("b.png", "inner/a.JPG"):
        Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(photos / name)
    (photos / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    (photos / "notes.txt").write_text("no image")
    odd = os.fsencode(photos) + b"/caf\xe9.png"
    with open(odd, "wb") as file:
        file.write((photos / "b.png").read_bytes())
    assert main([of_images, str(photos), "--output", str(tmp_path / "o.csv")]) == 1
    names = [os.path.relpath(row["item"], photos) for row in table(tmp_path / "o.csv")]
    assert names == ["b.png", "caf\\xe9.png", "inner/a.JPG"]
    assert "left out: " in (told := capsys.readouterr().err)
    assert "broken.png: not an image that Pillow can read" in told


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("missing", "missing: not found; allowed: images, or folders of images"),
        ("empty", "empty: no image in it; allowed: files that end in "),
    ],
)
def test_what_is_not_there_is_told_and_the_last_table_stays(
    of_images, tmp_path, capsys, rows, told
):
    (tmp_path / "empty").mkdir()
    (tmp_path / "o.csv").write_text("of last week")
    assert main([of_images, str(tmp_path / rows), "--output", str(tmp_path / "o.csv")]) == 2
    assert told in capsys.readouterr().err
    assert (tmp_path / "o.csv").read_text() == "of last week"


def test_what_is_no_embeddings_is_told(of_embeddings, tmp_path, capsys):
    np.save(tmp_path / "flat.npy", np.zeros(3))
    (tmp_path / "text.npy").write_text("no array")
    np.save(tmp_path / "wide.npy", np.zeros((2, 5)))
    for name, told in (
        ("flat.npy", "flat.npy: allowed: an .npy file of (n, D) floating-point numbers"),
        ("text.npy", "text.npy: cannot be read"),
        ("wide.npy", "embeddings of shape (2, 5); allowed by"),
    ):
        assert main([of_embeddings, str(tmp_path / name)]) == 2
        assert told in capsys.readouterr().err
    assert main([str(tmp_path / "nowhere"), str(tmp_path / "flat.npy")]) == 2
    assert "nowhere: not found; allowed: the folder of a" in capsys.readouterr().err
