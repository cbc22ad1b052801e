"""Images that were embedded before are reused wherever they stand now, bit for bit."""

import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from helpers import tiny_backbone
from labelbench_core.datasets.preparing.prepare import prepare_dataset
from labelbench_core.embeddings import embed, kept_rows
from labelbench_core.embeddings.encoders import ImageEncoder
from labelbench_core.storage import store

COUNT, BATCH = 200, 24


@pytest.fixture(autouse=True)
def on_the_cpu(monkeypatch, tmp_path):
    monkeypatch.setenv("LABELBENCH_DEVICE", "cpu")
    monkeypatch.setenv("LABELBENCH_DATA", str(tmp_path))
    monkeypatch.setattr(embed, "MOST_BLOCK_ROWS", 64)


def paint(path, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def photos(tmp_path):
    """200 images without labels."""
    for number in range(COUNT):
        paint(tmp_path / "photos" / f"{number:03}.png", number)
    return tmp_path / "photos"


def prepare(photos):
    target = photos.parent / "prepared"
    shutil.rmtree(target, ignore_errors=True)
    options = {"folder": "photos", "image_size": 16, "unlabeled": True}
    arrays, manifest = target / "arrays", target / "manifest.json"
    prepare_dataset("photos", "image-folder", options, photos.parent, arrays, manifest)
    return target


@pytest.fixture
def encoded(monkeypatch):
    """How many images each batch had that was embedded."""
    counts, real = [], ImageEncoder.encode

    def noted(self, batch, prepare):
        counts.append(len(batch))
        return real(self, batch, prepare)

    monkeypatch.setattr(ImageEncoder, "encode", noted)
    return counts


def again(photos, encoded):
    """Embed after a change; how many images were embedded. The bytes are those of a fresh run."""
    dataset, target = prepare(photos), photos.parent / "out"
    shutil.rmtree(target / "arrays", ignore_errors=True)
    (target / "manifest.json").unlink(missing_ok=True)
    encoded.clear()
    tiny_backbone.run(dataset, target)
    count = sum(encoded)
    fresh = photos.parent / "fresh"
    shutil.rmtree(fresh, ignore_errors=True)
    tiny_backbone.run(dataset, fresh)
    assert tiny_backbone.contents(target) == tiny_backbone.contents(fresh)
    return count


def tails(rows, block_rows):
    """Rows in batches that are not full: these are embedded as they stand."""
    full, last = divmod(rows, block_rows)
    return full * (block_rows % BATCH) + last % BATCH


@pytest.mark.parametrize("block_rows", [64, 4096])
@pytest.mark.parametrize("names", [["000-more", "101-more", "150-more"], ["a new folder/1"]])
def test_only_new_images_are_embedded_wherever_they_sort(
    photos, encoded, monkeypatch, block_rows, names
):
    monkeypatch.setattr(tiny_backbone, "BLOCK_ROWS", block_rows)
    assert again(photos, encoded) == COUNT
    for seed, name in enumerate(names, 1000):
        paint(photos / f"{name}.png", seed)
    # A batch of known rows as a test, and one that holds all new ones.
    count = again(photos, encoded)
    assert count <= 2 * BATCH + tails(COUNT + len(names), block_rows) + len(names) % BATCH


def test_rows_that_are_gone_or_moved_are_not_embedded_again(photos, encoded):
    again(photos, encoded)
    for number in (3, 70, 71):
        (photos / f"{number:03}.png").unlink()
    (photos / "010.png").rename(photos / "zzz.png")
    # A test, and a batch of rows that stood in batches that were not full.
    assert again(photos, encoded) == 2 * BATCH + tails(COUNT - 3, 64)


def test_changed_rows_are_embedded_and_reused_ones_are_reused_again(photos, encoded):
    again(photos, encoded)
    paint(photos / "000-more.png", 1000)
    again(photos, encoded)
    paint(photos / "000-again.png", 1001)
    paint(photos / "100.png", 1002)
    assert again(photos, encoded) <= 2 * BATCH + tails(COUNT + 2, 64)


def test_where_nothing_is_shared_nothing_is_tried(photos, encoded):
    again(photos, encoded)
    for number in range(COUNT):
        paint(photos / f"{number:03}.png", 5000 + number)
    assert again(photos, encoded) == COUNT


def test_rows_at_the_end_need_no_test(photos, encoded, monkeypatch):
    monkeypatch.setattr(tiny_backbone, "BLOCK_ROWS", 4096)
    again(photos, encoded)
    paint(photos / "zzz.png", 1000)
    assert again(photos, encoded) == tails(COUNT + 1, 4096)


def test_where_bits_depend_on_the_place_in_a_batch_nothing_is_reused(photos, encoded, monkeypatch):
    real = tiny_backbone.TinyNetwork.forward

    def by_place(self, pixels):
        places = torch.arange(len(pixels), dtype=torch.float32)[:, None]
        return real(self, pixels) + places / 8

    monkeypatch.setattr(tiny_backbone.TinyNetwork, "forward", by_place)
    again(photos, encoded)
    paint(photos / "000-more.png", 1000)
    assert again(photos, encoded) == BATCH + COUNT + 1


def test_other_weights_reuse_nothing(photos, encoded):
    again(photos, encoded)
    paint(photos / "000-more.png", 1000)
    dataset, target = prepare(photos), photos.parent / "out"
    encoded.clear()
    tiny_backbone.run(dataset, target, scale=2.0)
    assert sum(encoded) == COUNT + 1


@pytest.mark.parametrize("damage", ["note", "short", "block"])
def test_what_is_damaged_costs_time_alone(photos, encoded, damage):
    again(photos, encoded)
    out = photos.parent / "out"
    note = out / ".arrays.rows.npz"
    if damage == "note":
        note.write_bytes(note.read_bytes()[:100])
    elif damage == "short":
        with np.load(note) as noted:
            arrays = {name: noted[name] for name in noted.files}
        np.savez(note, **{**arrays, "full": arrays["full"][:-1]})
    else:
        for one in sorted((out / ".arrays.kept").iterdir())[:2]:
            content = bytearray(one.read_bytes())
            content[5] ^= 1
            one.write_bytes(content)
    paint(photos / "000-more.png", 1000)
    count = again(photos, encoded)
    assert count == COUNT + 1 if damage != "block" else count < COUNT + BATCH


@pytest.mark.parametrize("finished", [0, 1, 3])
def test_an_extraction_that_was_killed_goes_on_with_the_same_bytes(
    photos, encoded, monkeypatch, finished
):
    again(photos, encoded)
    paint(photos / "000-more.png", 1000)
    dataset, target = prepare(photos), photos.parent / "out"
    shutil.rmtree(target / "arrays")
    (target / "manifest.json").unlink()
    real, written = store.write_block, []

    def interrupted(*arguments):
        if len(written) == finished:
            raise KeyboardInterrupt
        written.append(arguments)
        return real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(store, "write_block", interrupted)
        with pytest.raises(KeyboardInterrupt):
            tiny_backbone.run(dataset, target)
    encoded.clear()
    tiny_backbone.run(dataset, target)
    assert sum(encoded) <= 2 * BATCH + tails(COUNT + 1, 64)
    fresh = photos.parent / "afresh"
    tiny_backbone.run(dataset, fresh)
    assert tiny_backbone.contents(target) == tiny_backbone.contents(fresh)


def test_a_feature_that_does_not_fit_names_its_row(photos, encoded, monkeypatch):
    again(photos, encoded)
    paint(photos / "000-more.png", 1000)
    real = tiny_backbone.TinyNetwork.forward
    monkeypatch.setattr(kept_rows, "WORTH", 1)

    def too_large(self, pixels):
        features = real(self, pixels)
        # Rows that are not in the first extraction stand in the batch that holds one row again.
        same = (pixels == pixels[:1]).flatten(1).all(dim=1)
        return torch.where((same & (same.sum() > 1))[:, None], features * 1e9, features)

    monkeypatch.setattr(tiny_backbone.TinyNetwork, "forward", too_large)
    dataset, target = prepare(photos), photos.parent / "out"
    tiny_backbone.run(dataset, target)
    fresh = photos.parent / "afresh"
    tiny_backbone.run(dataset, fresh)
    assert tiny_backbone.contents(target) == tiny_backbone.contents(fresh)
