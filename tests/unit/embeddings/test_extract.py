"""Embedding: right numbers, the same bytes however interrupted, clear errors, nothing redone."""

import dataclasses
import errno
import json
import os
import shutil
import signal
import subprocess
import time

import numpy as np
import pytest
import torch

from helpers import forked_jobs, tiny_backbone
from helpers.project import PROJECT
from helpers.written_blocks import count_blocks_written
from labelbench_core.compute import precision
from labelbench_core.datasets import open_dataset
from labelbench_core.embeddings import embed, features
from labelbench_core.embeddings.encoders import ImageEncoder
from labelbench_core.embeddings.journal import Journal
from labelbench_core.embeddings.statistics import column_statistics
from labelbench_core.errors import InputError
from labelbench_core.storage import files, store
from workflow_scripts import extract_embeddings as job

pytestmark = pytest.mark.usefixtures("on_cpu")


@pytest.fixture(scope="module")
def finished(digits, tmp_path_factory):
    """A whole extraction with the tiny network."""
    target = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LABELBENCH_DEVICE", "cpu")
        patch.setattr(embed, "MOST_BLOCK_ROWS", tiny_backbone.BLOCK_ROWS)
        manifest = tiny_backbone.run(digits, target)
    return target, manifest


def test_embeddings_are_the_networks_outputs_in_order(digits, finished):
    target, manifest = finished
    backbone = tiny_backbone.build()
    for split, size in (("pool", 1297), ("test", 500)):
        images = open_dataset(digits).images(split).batch(np.arange(size))
        with torch.inference_mode():
            expected = backbone.model(backbone.preprocess(torch.from_numpy(images))).numpy()
        found = tiny_backbone.load(target, f"{split}-clean")
        assert found.dtype == np.float16
        np.testing.assert_allclose(found, expected, rtol=2e-3, atol=2e-4)
        entry = manifest["splits"][split]
        assert entry["num_rows"] == size
        store.check_array(target / "arrays" / f"{split}-clean", entry["views"]["clean"])
    assert len(manifest["splits"]["pool"]["views"]["clean"]["blocks"]) == 21


def test_manifest_says_where_the_numbers_come_from(digits, finished):
    target, manifest = finished
    assert json.loads((target / "manifest.json").read_text()) == json.loads(json.dumps(manifest))
    assert manifest["dataset_fingerprint"] == open_dataset(digits).manifest["fingerprint"]
    assert manifest["weights_sha256"] == tiny_backbone.build().weights_sha256
    assert (manifest["num_features"], manifest["dtype"]) == (16, "float16")
    assert str(target) not in (target / "manifest.json").read_text()
    assert not (target / "arrays" / "journal.jsonl").exists()
    assert not (target / "arrays.partial").exists()
    pool = tiny_backbone.load(target, "pool-clean").astype(np.float64)
    np.testing.assert_allclose(manifest["statistics"]["mean"], pool.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(manifest["statistics"]["std"], pool.std(axis=0), rtol=1e-6)
    # 16 filters of 3 × 3 × 3 at 14 × 14 places of every image.
    assert manifest["flops"] == 1797 * 2 * 16 * 3**3 * 14**2


def test_manifest_says_what_is_dropped_of_a_weights_file(digits):
    backbone = tiny_backbone.build()
    given = {"preprocessing": backbone.preprocessing()}
    assert ImageEncoder(backbone, open_dataset(digits)).settings == given
    backbone = dataclasses.replace(backbone, dropped=("fc.weight (7, 16)",))
    found = ImageEncoder(backbone, open_dataset(digits)).settings
    assert found == {**given, "dropped": ["fc.weight (7, 16)"]}


def test_statistics_survive_cancellation(tmp_path):
    values = (np.random.default_rng(0).normal(size=(4000, 3)) * 1e-3 + 1e4).astype(np.float32)
    store.write_array(tmp_path / "a", values)
    mean, std = column_statistics(store.open_rows(tmp_path / "a"))
    np.testing.assert_allclose(mean, values.astype(np.float64).mean(axis=0), rtol=1e-7)
    np.testing.assert_allclose(std, values.astype(np.float64).std(axis=0), rtol=1e-6)


def test_killed_and_resumed_gives_the_same_bytes(digits, finished, tmp_path):
    command = [
        forked_jobs.python(),
        "-m",
        "tests.helpers.tiny_backbone",
        str(digits),
        str(tmp_path),
    ]
    process = subprocess.Popen(command, cwd=PROJECT)
    journal = tmp_path / "arrays.partial" / "journal.jsonl"
    deadline = time.monotonic() + 600  # for machines that do much else
    while not (journal.is_file() and journal.read_text().count("\n") >= 4):
        assert process.poll() is None, "finished or failed before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "arrays").exists()
    done = journal.read_text().count("\n") - 1
    with open(journal, "a") as handle:  # torn by the interruption
        handle.write('{"array":"pool-cl')
    (tmp_path / "arrays.partial/pool-clean/c/left-over.partial").write_bytes(b"x")
    written = count_blocks_written(lambda: tiny_backbone.run(digits, tmp_path))
    assert written == 21 + 8 - done
    assert tiny_backbone.contents(tmp_path) == tiny_backbone.contents(finished[0])


def stop_after(blocks):
    """A `write_block` that is interrupted before it writes one block more than `blocks`."""
    real, calls = store.write_block, []

    def write(*arguments):
        if len(calls) == blocks:
            raise KeyboardInterrupt
        calls.append(arguments)
        return real(*arguments)

    return write


def interrupt(digits, target, blocks, monkeypatch):
    """Leave an extraction with `blocks` finished blocks."""
    with monkeypatch.context() as patch:
        patch.setattr(store, "write_block", stop_after(blocks))
        with pytest.raises(KeyboardInterrupt):
            tiny_backbone.run(digits, target)


def test_damaged_finished_block_is_made_again(digits, finished, tmp_path, monkeypatch):
    interrupt(digits, tmp_path, 5, monkeypatch)
    victim = store.block_path(tmp_path / "arrays.partial" / "pool-clean", 2, 2)
    content = bytearray(victim.read_bytes())
    content[0] ^= 1
    victim.write_bytes(content)
    assert count_blocks_written(lambda: tiny_backbone.run(digits, tmp_path)) == 29 - 5 + 1
    assert tiny_backbone.contents(tmp_path) == tiny_backbone.contents(finished[0])


@pytest.mark.parametrize(
    "line",
    [
        *("{}", "[]", "5", "null", "[" * 100_000, '{"array": "pool-clean", "block": 0}'),
        '{"array": "nothing", "block": 0, "sha256": ""}',
        '{"array": "pool-clean", "block": 99, "sha256": ""}',
        '{"array": "pool-clean", "block": "0", "sha256": ""}',
        '{"array": [], "block": 0, "sha256": ""}',
        '{"array": "pool-clean", "block": 1, "sha256": 7}',
    ],
)
def test_lines_of_a_journal_that_make_no_sense_are_passed_over(tmp_path, line):
    """What they should have said is made once more."""
    arrays = {"pool-clean": ((16, 2), "float16", 8)}
    journal = Journal(tmp_path / "arrays.partial", {"a": 1}, arrays)
    rows = np.ones((8, 2), np.float16)
    journal.write("pool-clean", 0, rows)
    with open(tmp_path / "arrays.partial/journal.jsonl", "a") as handle:
        handle.write(line + "\n")
    again = Journal(tmp_path / "arrays.partial", {"a": 1}, arrays)
    assert set(again.finished) == {("pool-clean", 0)}
    again.write("pool-clean", 1, rows)
    assert len(again.blocks("pool-clean")) == 2


@pytest.mark.parametrize("text", ["", "{}", "[]", "5", '{"fingerprint": "any"}'])
def test_a_damaged_manifest_is_made_again(digits, finished, tmp_path, text):
    shutil.copytree(finished[0], tmp_path, dirs_exist_ok=True)
    (tmp_path / "manifest.json").write_text(text)
    assert embed._finished(tmp_path / "arrays", tmp_path / "manifest.json", "any") is None


def test_other_settings_start_over(digits, tmp_path, monkeypatch):
    interrupt(digits, tmp_path, 5, monkeypatch)
    assert count_blocks_written(lambda: tiny_backbone.run(digits, tmp_path, scale=2.0)) == 29


def test_finished_extraction_is_not_repeated_unless_damaged(digits, tmp_path):
    tiny_backbone.run(digits, tmp_path)
    before = tiny_backbone.contents(tmp_path)
    assert count_blocks_written(lambda: tiny_backbone.run(digits, tmp_path)) == 0
    victim = store.block_path(tmp_path / "arrays" / "test-clean", 1, 2)
    victim.write_bytes(victim.read_bytes()[:-1])
    # What is whole is taken over; what is damaged is not, though it is one file with that kept.
    assert count_blocks_written(lambda: tiny_backbone.run(digits, tmp_path)) == 1
    assert tiny_backbone.contents(tmp_path) == before
    assert count_blocks_written(lambda: tiny_backbone.run(digits, tmp_path, scale=3.0)) == 29


def test_full_disk_keeps_what_is_finished(digits, finished, tmp_path, monkeypatch):
    real, calls = os.fsync, []

    def full(descriptor):
        calls.append(descriptor)
        if len(calls) > 12:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(InputError, match="no space left on the device"):
            tiny_backbone.run(digits, tmp_path)
    done = (tmp_path / "arrays.partial/journal.jsonl").read_text().count("\n") - 1
    assert 3 <= done <= 8
    assert count_blocks_written(lambda: tiny_backbone.run(digits, tmp_path)) == 29 - done
    assert tiny_backbone.contents(tmp_path) == tiny_backbone.contents(finished[0])


def test_really_full_disk(digits, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=48k", "tmpfs", str(small)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        with pytest.raises(InputError, match="no space left on the device"):
            tiny_backbone.run(digits, small)
        assert (small / "arrays.partial/journal.jsonl").read_text().count("\n") > 1
    finally:
        subprocess.run(["umount", str(small)], check=True)


@pytest.mark.parametrize(("scale", "words"), [(1e6, "does not fit float16"), (np.nan, "is NaN")])
def test_impossible_features_name_the_row(digits, tmp_path, scale, words):
    with pytest.raises(InputError, match=words) as caught:
        tiny_backbone.run(digits, tmp_path, scale=scale)
    assert "data set digits, backbone tiny, split pool, row 0" in str(caught.value)
    assert not (tmp_path / "arrays").exists()


def test_first_bad_row_is_the_one_named():
    rows = np.ones((24, 4), np.float32)
    rows[[5, 9], 2] = np.inf
    view = embed.View("test", "weak-1", "weak-1", lambda images, first_row: images)
    task = embed.PlannedBatch("test", (view,), 1, range(64, 88), False)
    settings = {"dataset": "d", "backbone": "b", "precision": "float16"}
    words = r"split test, row 69, view weak-1: .* another precision than float16"
    with pytest.raises(InputError, match=words):
        embed._as_half(rows, view, task, settings)


def test_damaged_images_are_not_embedded(digits, tmp_path):
    import shutil

    copy = shutil.copytree(digits, tmp_path / "copy")
    victim = store.block_path(copy / "arrays" / "test-images", 0, 4)
    content = bytearray(victim.read_bytes())
    content[100] ^= 1
    victim.write_bytes(content)
    with pytest.raises(InputError, match="does not match its SHA-256") as caught:
        tiny_backbone.run(copy, tmp_path)
    assert str(victim) in str(caught.value)


def embed_two_views(digits, target, **options):
    """The pool as it is and mirrored, the test split as it is."""
    backbone = tiny_backbone.build()
    seen = []

    def mirrored(images, first_row):
        seen.append((first_row, len(images)))
        return backbone.preprocess(images.flip(2))

    def plain(images, first_row):
        return backbone.preprocess(images)

    views = [
        embed.View("pool", "clean", "pool-clean", plain),
        embed.View("test", "clean", "other", plain),
        embed.View("pool", "mirrored", "mirrored", mirrored),
    ]
    dataset = open_dataset(digits)
    paths = target / "arrays", target / "manifest.json"
    manifest = embed.embed(dataset, backbone, "tiny", views, *paths, batch_size=24, **options)
    return manifest, seen


def test_several_views_of_a_split(digits, finished, tmp_path):
    manifest, seen = embed_two_views(digits, tmp_path)
    assert manifest["flops"] == (2 * 1297 + 500) * 2 * 16 * 3**3 * 14**2
    assert sorted(manifest["splits"]["pool"]["views"]) == ["clean", "mirrored"]
    assert sorted(manifest["splits"]["test"]["views"]) == ["clean"]
    assert seen[:4] == [(0, 24), (24, 24), (48, 16), (64, 24)]
    for array, same in (("pool-clean", "pool-clean"), ("other", "test-clean")):
        expected = tiny_backbone.load(finished[0], same)
        assert np.array_equal(tiny_backbone.load(tmp_path, array), expected)
    clean, mirrored = (tiny_backbone.load(tmp_path, array) for array in ("pool-clean", "mirrored"))
    assert clean.shape == mirrored.shape
    assert np.abs(clean - mirrored).max() > 0.01


def test_views_of_a_split_read_every_image_once(digits, tmp_path, monkeypatch):
    from labelbench_core.datasets import StoredRows

    real, read = StoredRows.batch, []

    def batch(self, indices):
        read.append(len(indices))
        return real(self, indices)

    monkeypatch.setattr(StoredRows, "batch", batch)
    embed_two_views(digits, tmp_path)
    assert sum(read) == 1797


def test_only_the_views_that_a_block_lacks_are_made(digits, tmp_path, monkeypatch):
    expected = tmp_path / "whole"
    embed_two_views(digits, expected)
    with monkeypatch.context() as patch:
        patch.setattr(store, "write_block", stop_after(5))
        with pytest.raises(KeyboardInterrupt):
            embed_two_views(digits, tmp_path / "torn")
    # Of the third block, one view is there.
    made = []
    count = count_blocks_written(lambda: made.extend(embed_two_views(digits, tmp_path / "torn")[1]))
    assert count == 2 * 21 + 8 - 5
    assert made[0] == (128, 24)
    assert tiny_backbone.contents(tmp_path / "torn") == tiny_backbone.contents(expected)


def test_what_other_code_has_begun_is_not_continued(digits, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(store, "write_block", stop_after(5))
        with pytest.raises(KeyboardInterrupt):
            embed_two_views(digits, tmp_path, code="a")
    assert count_blocks_written(lambda: embed_two_views(digits, tmp_path, code="b")) == 50


def test_batch_size_depends_on_the_input_size_only():
    sizes = [features.choose_batch_size(size) for size in (32, 96, 224, 336, 518)]
    assert sizes == [128, 128, 128, 32, 16]
    assert precision.embedding_precision("auto", "cpu") == "float32"
    assert precision.embedding_precision("auto", "cuda:0") == "float16"
    with pytest.raises(InputError, match="precision: 'half'; allowed"):
        features.FeatureExtractor(tiny_backbone.build(), "cpu", "half")


def test_job_script(digits, tmp_path):
    options = {"model": "test_resnet", "pretrained": False, "input_size": 32}
    entry = {"id": "tiny", "implementation": "timm-model", "options": options}
    settings = json.dumps({"dataset": "digits", "backbone": entry})
    arguments = ["--dataset", str(digits / "manifest.json"), "--settings", settings]
    arguments += ["--arrays", str(tmp_path / "arrays"), "--manifest", str(tmp_path / "m.json")]
    log = tmp_path / "log.txt"
    assert job.main([*arguments, "--log", str(log)]) == 0
    assert "1797 of 1797 images" in log.read_text()
    manifest = files.read_json(tmp_path / "m.json")
    rows = store.open_rows(tmp_path / "arrays" / "test-clean")
    assert rows.shape == (500, manifest["num_features"])
    broken = {**entry, "options": {"model": "no_such"}}
    arguments[3] = json.dumps({"dataset": "digits", "backbone": broken})
    assert job.main([*arguments, "--log", str(log)]) == 2
    assert "model: 'no_such'; allowed: a name of timm.list_models()" in log.read_text()
