"""The pool of a campaign as the workflow prepares and embeds it, whatever its rows are."""

import csv
import re
from dataclasses import replace

import numpy as np
import pytest

from helpers import tiny_texts
from helpers.campaigns import answer, call, campaign_in
from helpers.pictures_by_table import paint
from helpers.prepared import prepare
from labelbench_core import registry
from labelbench_core.campaign.pool import SomeRows, open_pool
from labelbench_core.embeddings.extract import extract_embeddings
from labelbench_core.storage.rows import ArrayRows

COUNT = 60
KINDS = np.arange(COUNT) % 2
NAMES = ("cat", "dog")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.setenv("LABELBENCH_DATA", str(tmp_path))
    monkeypatch.setenv("LABELBENCH_DEVICE", "cpu")


def images(folder):
    for row in range(COUNT):
        paint(folder / "pets" / f"{row:02}.png", KINDS[row])
    return "image-folder", {"folder": "pets"}, "efficientnet-lite", {"input_size": 32}


def texts(folder):
    words = (("good", "fine"), ("bad", "lost"))
    rows = [[f"a {words[kind][row % 4 // 2]} film"] for row, kind in enumerate(KINDS)]
    with open(folder / "pool.csv", "w", newline="") as handle:
        csv.writer(handle).writerows([["text"], *rows])
    model = tiny_texts.write_model(folder / "model")
    splits = {"splits": {"pool": "pool.csv"}}
    return "text-table", splits, "sentence-transformer", {"model": model}


def embeddings(folder):
    rows = np.random.default_rng(0).standard_normal((COUNT, 8)) + 4 * KINDS[:, None]
    np.save(folder / "pool.npy", rows.astype(np.float32))
    return "own-embeddings", {"splits": {"pool": "pool.npy"}}, "precomputed", {}


ITEMS = {images: r"\d\d\.png", texts: r"text-[0-9a-f]{16}(-\d+)?", embeddings: r"row-\d+"}


@pytest.mark.parametrize("kind", ITEMS, ids=lambda kind: kind.__name__)
def test_batches_of_any_rows_are_handed_out_and_learned_from(kind, tmp_path):
    source, options, backbone, given = kind(tmp_path)
    dataset = prepare(tmp_path / "mine", source, tmp_path, {**options, "unlabeled": True})
    entry = {"implementation": backbone, "options": given}
    place = tmp_path / "embedded"
    network = registry.build("backbones", entry)
    extract_embeddings(dataset, network, "given", place / "arrays", place / "manifest.json")
    pool = open_pool(dataset.folder / "manifest.json", place / "manifest.json", "mine", "given")
    assert len(set(pool.items)) == len(pool) == COUNT
    campaign = replace(campaign_in(tmp_path), classes=NAMES, audit=10)
    done = call(campaign, pool)
    names = [one["item"] for one in done.batch.record["items"]]
    assert all(re.fullmatch(ITEMS[kind], name) for name in names)
    page = done.batch.folder / "label.html"
    assert page.is_file() == (kind is not embeddings)
    if kind is texts:
        table = (done.batch.folder / "to_label.csv").read_text()
        assert "film" in table
        assert "film" in page.read_text()
    kind_of = dict(zip(pool.items, KINDS, strict=True))
    answer(campaign, done.batch, {item: NAMES[kind_of[item]] for item in pool.items})
    later = call(campaign, pool)
    assert later.batch.trained["num_labeled"] == 16
    if kind is not images:  # whose network has random weights
        suggested = [
            one["suggestion"]["label"] == NAMES[kind_of[one["item"]]]
            for one in later.batch.record["items"]
        ]
        assert np.mean(suggested) > 0.9


def test_some_rows_are_those_of_the_whole():
    rows = np.random.default_rng(0).standard_normal((50, 3)).astype(np.float16)
    chosen = np.array([0, 3, 7, 8, 9, 31, 49])
    some = SomeRows(ArrayRows(rows, block_rows=8), chosen)
    assert some.shape == (7, 3)
    parts = list(some.blocks())
    assert [first for first, _ in parts] == [0, 3, 5, 6]
    np.testing.assert_array_equal(np.concatenate([part for _, part in parts]), rows[chosen])
    np.testing.assert_array_equal(some.take(np.array([6, 0])), rows[[49, 0]])
