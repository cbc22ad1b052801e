"""Blocks whose images did not change are taken over, bit for bit; all others are embedded again."""

import errno
import functools
import importlib.metadata
import os
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from helpers import tiny_backbone
from helpers.written_blocks import count_blocks_written
from labelbench_core.datasets import StoredRows
from labelbench_core.datasets.preparing.prepare import prepare_dataset
from labelbench_core.embeddings import embed
from labelbench_core.storage import store

ROWS = tiny_backbone.BLOCK_ROWS
CHANGES = {"weak": {"flip": True}, "strong": {"operations": 1}}


@pytest.fixture(autouse=True)
def small_blocks_on_cpu(monkeypatch, tmp_path):
    monkeypatch.setenv("LABELBENCH_DEVICE", "cpu")
    monkeypatch.setenv("LABELBENCH_DATA", str(tmp_path))
    monkeypatch.setattr(embed, "MOST_BLOCK_ROWS", ROWS)


@pytest.fixture
def pictures(tmp_path):
    """200 images of pool, in four blocks, and 70 of test, in two; classes a and b."""
    rng = np.random.default_rng(0)
    for split, count in (("pool", 100), ("test", 35)):
        for name in ("a", "b"):
            folder = tmp_path / "mine" / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                pixels = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{number:03}.png")
    return tmp_path / "mine"


def prepare(pictures):
    """The data set as its pictures are now."""
    target = pictures.parent / "prepared"
    shutil.rmtree(target, ignore_errors=True)
    options = {"folder": "mine", "image_size": 16}
    arrays, manifest = target / "arrays", target / "manifest.json"
    prepare_dataset("mine", "image-folder", options, pictures.parent, arrays, manifest)
    return target


def delete_outputs(target):
    """What Snakemake does before a job runs again."""
    shutil.rmtree(target / "arrays")
    (target / "manifest.json").unlink()


def embed_again(pictures, target, **options):
    """Embed after a change; the number of blocks written. The bytes are those of a fresh run."""
    dataset = prepare(pictures)
    delete_outputs(target)
    written = count_blocks_written(lambda: tiny_backbone.run(dataset, target, **options))
    fresh = target.with_name("fresh")
    shutil.rmtree(fresh, ignore_errors=True)
    tiny_backbone.run(dataset, fresh, **options)
    assert tiny_backbone.contents(target) == tiny_backbone.contents(fresh)
    return written


@pytest.fixture
def finished(pictures, tmp_path):
    """Embeddings of all pictures."""
    tiny_backbone.run(prepare(pictures), tmp_path / "out")
    return tmp_path / "out"


def edit(path):
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(path)


def test_only_the_block_of_an_edited_image_is_embedded_again(pictures, finished):
    edit(pictures / "pool" / "b" / "030.png")  # row 130: the third block
    assert embed_again(pictures, finished) == 1


def test_an_added_image_leaves_the_blocks_before_it_and_other_splits(pictures, finished):
    shutil.copy(pictures / "test" / "a" / "000.png", pictures / "pool" / "b" / "029-more.png")
    assert embed_again(pictures, finished) == 2
    # Back again: blocks of the embeddings before those are gone.
    (pictures / "pool" / "b" / "029-more.png").unlink()
    assert embed_again(pictures, finished) == 2


@pytest.mark.thorough
def test_a_renamed_image_costs_nothing_where_the_order_stays(pictures, finished):
    path = pictures / "pool" / "a" / "050.png"
    path.rename(path.with_name("050-renamed.png"))
    assert embed_again(pictures, finished) == 0


@pytest.mark.thorough
def test_other_weights_take_nothing_over(pictures, finished):
    assert embed_again(pictures, finished, scale=2.0) == 6


@pytest.mark.parametrize("change", ["library", "processor"])
def test_other_libraries_and_processors_take_nothing_over(pictures, tmp_path, monkeypatch, change):
    dataset = prepare(pictures)
    tiny_backbone.run(dataset, tmp_path / "out")
    delete_outputs(tmp_path / "out")
    if change == "library":
        real = importlib.metadata.version
        monkeypatch.setattr(
            importlib.metadata, "version", lambda name: "0" if name == "pillow" else real(name)
        )
    else:
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "other")
    assert count_blocks_written(lambda: tiny_backbone.run(dataset, tmp_path / "out")) == 6


@pytest.mark.thorough
def test_what_a_killed_extraction_made_is_taken_over_by_one_of_changed_images(
    pictures, tmp_path, monkeypatch
):
    real, calls = store.write_block, []

    def interrupted(*arguments):
        if len(calls) == 3:
            raise KeyboardInterrupt
        calls.append(arguments)
        return real(*arguments)

    dataset = prepare(pictures)
    with monkeypatch.context() as patch:
        patch.setattr(store, "write_block", interrupted)
        with pytest.raises(KeyboardInterrupt):
            tiny_backbone.run(dataset, tmp_path / "out")
    edit(pictures / "pool" / "a" / "000.png")
    dataset = prepare(pictures)
    assert count_blocks_written(lambda: tiny_backbone.run(dataset, tmp_path / "out")) == 6 - 2


def test_damaged_blocks_are_not_taken_over(pictures, finished):
    before = tiny_backbone.contents(finished / "arrays")
    victim = store.block_path(finished / "arrays" / "pool-clean", 1, 2)
    content = bytearray(victim.read_bytes())
    content[5] ^= 1
    victim.write_bytes(content)  # in place: the kept block is the same file
    assert embed_again(pictures, finished) == 1
    assert tiny_backbone.contents(finished / "arrays") == before


@pytest.mark.thorough
def test_kept_blocks_cost_no_space_and_none_is_stale(pictures, finished):
    edit(pictures / "pool" / "b" / "030.png")
    embed_again(pictures, finished)
    kept = {path.stat().st_ino for path in (finished / ".arrays.kept").iterdir()}
    blocks = {path.stat().st_ino for path in (finished / "arrays").rglob("c/*/0")}
    assert kept == blocks
    assert len(kept) == 6


@pytest.mark.thorough
def test_where_links_are_impossible_all_is_embedded_again(pictures, tmp_path, monkeypatch):
    def refuse(*arguments):
        raise OSError(errno.EPERM, "Operation not permitted")

    with monkeypatch.context() as patch:
        patch.setattr(os, "link", refuse)
        tiny_backbone.run(prepare(pictures), tmp_path / "out")
        delete_outputs(tmp_path / "out")
        dataset = prepare(pictures)
        assert count_blocks_written(lambda: tiny_backbone.run(dataset, tmp_path / "out")) == 6


def test_random_views_take_over_by_number_of_row(pictures, tmp_path):
    augmentation = {"id": "some", "draws": 1, **CHANGES}
    target = tmp_path / "views"
    tiny_backbone.run_views(prepare(pictures), target, augmentation)
    # The first two images of the second class change places: contents equal, rows not.
    first, second = (pictures / "pool" / "b" / f"{number:03}.png" for number in (40, 41))
    contents = first.read_bytes(), second.read_bytes()
    second.write_bytes(contents[0])
    first.write_bytes(contents[1])
    delete_outputs(target)
    dataset = prepare(pictures)
    run = functools.partial(tiny_backbone.run_views, dataset, augmentation=augmentation)
    assert count_blocks_written(lambda: run(target)) == 2  # the third block of weak and strong
    run(tmp_path / "fresh")
    assert tiny_backbone.contents(target) == tiny_backbone.contents(tmp_path / "fresh")


def test_blocks_of_arrays_of_images_are_told_apart_by_their_pixels(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (20, 2, 2, 3), dtype=np.uint8)
    store.write_array(tmp_path / "a", pixels)
    pixels[12, 0, 0, 0] ^= 1
    store.write_array(tmp_path / "b", pixels)
    before, after = (StoredRows(store.open_rows(tmp_path / name)) for name in "ab")
    assert before.contents(range(12)) == after.contents(range(12))
    assert before.contents(range(8, 16)) != after.contents(range(8, 16))


def embedded_rows(dataset, target, monkeypatch):
    """(split, row, row, …) of each batch that an extraction embeds."""
    real, embedded = embed._as_half, []

    def noted(features, view, task, settings):
        embedded.append((view.split, *task.rows))
        return real(features, view, task, settings)

    with monkeypatch.context() as patch:
        patch.setattr(embed, "_as_half", noted)
        tiny_backbone.run(dataset, target)
    return embedded


@pytest.mark.parametrize("block_rows", [ROWS, 4096])
def test_rows_added_at_the_end_are_embedded_with_the_batch_that_was_not_full(
    pictures, tmp_path, monkeypatch, block_rows
):
    monkeypatch.setattr(tiny_backbone, "BLOCK_ROWS", block_rows)  # 4,096: one block, which grows
    finished = tmp_path / "out"
    tiny_backbone.run(prepare(pictures), finished)
    for number in (100, 101, 102):
        shutil.copy(pictures / "test" / "a" / "000.png", pictures / "pool" / "b" / f"{number}.png")
    dataset = prepare(pictures)
    delete_outputs(finished)
    assert embedded_rows(dataset, finished, monkeypatch) == [("pool", *range(192, 203))]
    tiny_backbone.run(dataset, tmp_path / "fresh")
    assert tiny_backbone.contents(finished) == tiny_backbone.contents(tmp_path / "fresh")


def test_of_a_block_only_the_batch_of_an_edited_image_is_embedded_again(
    pictures, finished, monkeypatch
):
    edit(pictures / "pool" / "b" / "030.png")  # row 130
    dataset = prepare(pictures)
    delete_outputs(finished)
    assert embedded_rows(dataset, finished, monkeypatch) == [("pool", *range(128, 152))]


@pytest.mark.parametrize("content", ['{"blocks": [], "batches": {"a": 3}}', "["])
def test_a_damaged_note_of_batches_costs_time_alone(pictures, finished, content):
    (finished / ".arrays.batches.json").write_text(content)
    shutil.copy(pictures / "test" / "a" / "000.png", pictures / "pool" / "b" / "100.png")
    embed_again(pictures, finished)
