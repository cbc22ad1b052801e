"""Embedded views: right numbers, the same bytes however interrupted, checked when opened."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from helpers import forked_jobs, tiny_backbone
from helpers.project import PROJECT
from labelbench_core.augmentation.settings import Augmentation, StrongAugmentation
from labelbench_core.augmentation.views import num_draws, view
from labelbench_core.configuration.catalogue import load_catalogue
from labelbench_core.datasets import open_dataset
from labelbench_core.embeddings import embed
from labelbench_core.embeddings.views import open_views
from labelbench_core.errors import InputError
from labelbench_core.provenance import import_closure
from labelbench_core.seeds import rng_for
from labelbench_core.storage import store
from workflow_scripts import extract_views as job

MOVED = {"id": "moved", "weak": {"translate": 0.1, "flip": True}, "strong": {}, "draws": 2}
STILL = {"id": "still", "strong": {"operations": 1, "cutout": 0.0}, "draws": 1}


pytestmark = pytest.mark.usefixtures("on_cpu")


@pytest.fixture(scope="module")
def finished(digits, tmp_path_factory):
    """All views with the tiny network."""
    target = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LABELBENCH_DEVICE", "cpu")
        patch.setattr(embed, "MOST_BLOCK_ROWS", tiny_backbone.BLOCK_ROWS)
        manifest = tiny_backbone.run_views(digits, target, MOVED)
    return target, manifest


@pytest.fixture(scope="module")
def clean(digits, tmp_path_factory):
    """The pool's clean embeddings."""
    target = tmp_path_factory.mktemp("clean")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LABELBENCH_DEVICE", "cpu")
        patch.setattr(embed, "MOST_BLOCK_ROWS", tiny_backbone.BLOCK_ROWS)
        tiny_backbone.run(digits, target)
    return store.open_rows(target / "arrays" / "pool-clean")


@pytest.mark.parametrize("kind", ["weak", "strong"])
def test_a_row_is_the_networks_output_for_its_own_draws(digits, finished, kind):
    target, _ = finished
    backbone = tiny_backbone.build()
    changes = StrongAugmentation(Augmentation(translate=0.1, flip=True))
    rows = np.array([0, 23, 24, 63, 64, 700, 1296])
    images = torch.from_numpy(open_dataset(digits).images("pool").batch(rows))
    for draw in range(2):
        expected = []
        for row, image in zip(rows, images, strict=True):
            rng = rng_for("view", "digits", "moved", f"{kind}-{draw}")
            rng.bit_generator.advance(int(row) * num_draws(kind, changes))
            inputs = view(kind, image[None], backbone.preprocess, changes, rng)
            with torch.inference_mode():
                expected.append(backbone.model(inputs)[0].numpy())
        found = tiny_backbone.load(target, f"{kind}-{draw}")[rows]
        assert found.dtype == np.float16
        np.testing.assert_allclose(found, np.stack(expected), rtol=2e-3, atol=2e-4)


def test_draws_and_kinds_differ(finished):
    arrays = {name: tiny_backbone.load(finished[0], name) for name in array_names(finished[0])}
    assert sorted(arrays) == ["strong-0", "strong-1", "weak-0", "weak-1"]
    for one in arrays:
        for other in arrays:
            same = (arrays[one] == arrays[other]).all(axis=1).mean()
            assert one == other or same < 0.05


def array_names(target):
    return [folder.name for folder in (target / "arrays").iterdir()]


def test_numbers_do_not_depend_on_the_batches(digits, finished, tmp_path):
    tiny_backbone.run_views(digits, tmp_path, MOVED, batch_size=64)
    for name in ("weak-1", "strong-0"):
        expected = tiny_backbone.load(finished[0], name)
        np.testing.assert_allclose(tiny_backbone.load(tmp_path, name), expected, atol=2e-3)


def test_manifest_says_where_the_numbers_come_from(digits, finished):
    target, manifest = finished
    assert json.loads((target / "manifest.json").read_text()) == json.loads(json.dumps(manifest))
    assert manifest["augmentation"] == {
        "id": "moved",
        "draws": 2,
        "weak": {"translate": 0.1, "rotate": 0.0, "scale": 0.0, "flip": True},
        "operations": 2,
        "cutout": 0.5,
    }
    assert manifest["weak"] == ["weak-0", "weak-1"]
    assert len(set(manifest["seeds"].values())) == 4
    assert list(manifest["splits"]) == ["pool"]
    assert manifest["dataset_fingerprint"] == open_dataset(digits).manifest["fingerprint"]
    for name, entry in manifest["splits"]["pool"]["views"].items():
        assert entry["shape"] == [1297, 16]
        store.check_array(target / "arrays" / name, entry)
    assert str(target) not in (target / "manifest.json").read_text()


def test_what_is_not_random_is_not_stored(digits, finished, clean, tmp_path):
    manifest = tiny_backbone.run_views(digits, tmp_path, STILL)
    assert (manifest["weak"], manifest["strong"]) == ("clean", ["strong-0"])
    assert array_names(tmp_path) == ["strong-0"]
    views = open_views(tmp_path / "manifest.json", clean, {})
    assert views["weak"] == [clean]
    assert [rows.shape for rows in views["strong"]] == [(1297, 16)]
    assert manifest["fingerprint"] != finished[1]["fingerprint"]


@pytest.mark.parametrize(
    "change", [{"id": "other"}, {"weak": {"translate": 0.2, "flip": True}}, {"draws": 1}]
)
def test_every_option_counts(digits, finished, tmp_path, change):
    shutil.copytree(finished[0], tmp_path, dirs_exist_ok=True)
    before = tiny_backbone.contents(tmp_path)
    tiny_backbone.run_views(digits, tmp_path, MOVED)
    assert tiny_backbone.contents(tmp_path) == before
    manifest = tiny_backbone.run_views(digits, tmp_path, {**MOVED, **change})
    assert manifest["fingerprint"] != finished[1]["fingerprint"]
    after = tiny_backbone.contents(tmp_path)
    same = {name for name in after if "/c/" in name and after[name] == before[name]}
    # One draw less leaves the others as they are.
    assert bool(same) == ("draws" in change)


def test_killed_and_resumed_gives_the_same_bytes(digits, finished, tmp_path):
    command = [forked_jobs.python(), "-m", "tests.helpers.tiny_backbone", str(digits)]
    command += [str(tmp_path), json.dumps(MOVED)]
    process = subprocess.Popen(command, cwd=PROJECT)
    journal = tmp_path / "arrays.partial" / "journal.jsonl"
    deadline = time.monotonic() + 600  # for machines that do much else
    while not (journal.is_file() and journal.read_text().count("\n") >= 6):
        assert process.poll() is None, "finished or failed before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = journal.read_text().count("\n") - 1
    assert 5 <= done < 4 * 21
    kept = {path: path.stat().st_mtime_ns for path in finished_blocks(journal)}
    tiny_backbone.run_views(digits, tmp_path, MOVED)
    assert tiny_backbone.contents(tmp_path) == tiny_backbone.contents(finished[0])
    for path, changed in kept.items():
        final = Path(str(path).replace("arrays.partial", "arrays"))
        assert final.stat().st_mtime_ns == changed


def finished_blocks(journal):
    """The files that a journal says are finished."""
    entries = [json.loads(line) for line in journal.read_text().splitlines()[1:]]
    return [store.block_path(journal.parent / e["array"], e["block"], 2) for e in entries]


def test_opened_views_are_checked(digits, finished, clean, tmp_path):
    shutil.copytree(finished[0], tmp_path, dirs_exist_ok=True)
    manifest = tmp_path / "manifest.json"
    fingerprint = open_dataset(digits).manifest["fingerprint"]
    expected = {
        "dataset_fingerprint": fingerprint,
        "backbone": "tiny",
        "weights_sha256": tiny_backbone.build().weights_sha256,
        "augmentation": MOVED["id"],
    }
    views = open_views(manifest, clean, expected)
    assert {kind: len(arrays) for kind, arrays in views.items()} == {"weak": 2, "strong": 2}
    rows = tiny_backbone.load(tmp_path, "strong-1")[[5, 1000]]
    assert np.array_equal(views["strong"][1].take(np.array([5, 1000])), rows)
    with pytest.raises(InputError, match="the same data set and backbone"):
        open_views(manifest, store.open_rows(clean.path.with_name("test-clean")), expected)
    for key in expected:
        with pytest.raises(InputError, match=f"{key} is .*, expected 'another'"):
            open_views(manifest, clean, {**expected, key: "another"})
    victim = store.block_path(tmp_path / "arrays" / "weak-1", 3, 2)
    content = bytearray(victim.read_bytes())
    content[10] ^= 1
    victim.write_bytes(content)
    with pytest.raises(InputError, match="does not match its SHA-256") as caught:
        open_views(manifest, clean, expected)
    assert str(victim) in str(caught.value)


def test_reading_views_imports_nothing_heavy():
    command = "import sys, labelbench_core.embeddings.views; print(' '.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", command], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert not {"torch", "zarr"} & set(done.stdout.split())


def test_clean_embeddings_do_not_depend_on_the_code_of_views():
    clean, views = (
        import_closure({f"workflow_scripts.{name}"})
        for name in ("extract_embeddings", "extract_views")
    )
    changes = {"labelbench_core.augmentation.views", "labelbench_core.augmentation.randaugment"}
    assert changes <= views
    assert clean.isdisjoint(changes)


def test_job_script(digits, tmp_path):
    options = {"model": "test_resnet", "pretrained": False, "input_size": 32}
    entry = {"id": "tiny", "implementation": "timm-model", "options": options}
    settings = json.dumps({"dataset": "digits", "backbone": entry, "augmentation": STILL})
    arguments = ["--dataset", str(digits / "manifest.json"), "--settings", settings]
    arguments += ["--arrays", str(tmp_path / "arrays"), "--manifest", str(tmp_path / "m.json")]
    log = tmp_path / "log.txt"
    assert job.main([*arguments, "--log", str(log)]) == 0
    assert "1297 of 1297 images" in log.read_text()
    assert store.open_rows(tmp_path / "arrays" / "strong-0").shape[0] == 1297


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: {weak: {translate: 1.0}, draws: 1}", "a.weak.translate: 1.0"),
        ("a: {weak: {flips: true}, draws: 1}", "did you mean 'flip'"),
        ("a: {strong: {operations: 1.5}, draws: 1}", "a.strong.operations: 1.5"),
        ("a: {strong: {cutout: -1}, draws: 1}", "a.strong.cutout: -1"),
        ("a: {strong: {operations: 2}}", "a: missing key: draws"),
        ("a: {draws: 0}", "a.draws: 0"),
        ("A: {draws: 1}", "'A'; allowed as a key: an id"),
        ("a: {strong: {operations: 0, cutout: 0}, draws: 1}", "a: it changes nothing"),
        ("a: {strong: {word_dropout: 0}, draws: 1}", "a: it changes nothing"),
        ("a: {weak: {encoder_dropout: 1}, draws: 1}", "a.weak.encoder_dropout: 1"),
        (
            "a: {weak: {flip: true}, strong: {word_dropout: 0.1}, draws: 1}",
            "a: strong.word_dropout changes texts, weak.flip images; allowed: keys of texts, or",
        ),
    ],
)
def test_errors_in_the_catalogue_are_named(tmp_path, text, told):
    assert told in catalogue_errors(tmp_path, text)


def test_all_errors_in_the_catalogue_are_told_at_once(tmp_path):
    told = catalogue_errors(tmp_path, "a: {draws: 0}\nb: {weak: {rotate: 200}, draws: 1}")
    assert len(told.splitlines()) == 2
    assert "b.weak.rotate: 200; allowed: a number from 0 to 180" in told


def catalogue_errors(folder, text):
    config = shutil.copytree(PROJECT / "config", folder / "config")
    (config / "catalogue" / "augmentations.yaml").write_text(text)
    with pytest.raises(InputError) as caught:
        load_catalogue(config / "catalogue")
    assert all("augmentations.yaml: " in line for line in str(caught.value).splitlines())
    return str(caught.value)


def test_an_augmentation_may_leave_out_what_has_a_default(tmp_path):
    config = shutil.copytree(PROJECT / "config", tmp_path / "config")
    text = "a: {draws: 1}\nb: {weak: {flip: true}, strong: {operations: 0, cutout: 0}, draws: 1}"
    (config / "catalogue" / "augmentations.yaml").write_text(text)
    assert sorted(load_catalogue(config / "catalogue")["augmentations"]) == ["a", "b"]
