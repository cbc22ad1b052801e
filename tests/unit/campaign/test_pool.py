"""The pool of a campaign as the workflow prepares and embeds it, whatever its rows are."""

import csv
import re
from dataclasses import replace

import numpy as np
import pytest

from helpers.campaigns import answer, call
from helpers.pools_of_any_rows import (
    COUNT,
    KINDS,
    NAMES,
    campaign_on,
    embeddings,
    images,
    texts,
)
from labelbench_core.campaign.finishing.collected import read_collected, write_collected
from labelbench_core.campaign.finishing.finish import FinishedFiles, finish
from labelbench_core.campaign.pool import SomeRows
from labelbench_core.campaign.state import read_state
from labelbench_core.storage.records import read_record
from labelbench_core.storage.rows import ArrayRows
from workflow_scripts import predict


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.setenv("LABELBENCH_DATA", str(tmp_path))
    monkeypatch.setenv("LABELBENCH_DEVICE", "cpu")


ITEMS = {images: r"\d\d\.png", texts: r"text-[0-9a-f]{16}(-\d+)?", embeddings: r"row-\d+"}


@pytest.mark.parametrize("kind", ITEMS, ids=lambda kind: kind.__name__)
def test_batches_of_any_rows_are_handed_out_and_learned_from(kind, tmp_path):
    campaign, pool, entry, embedded = campaign_on(kind, tmp_path)
    assert len(set(pool.items)) == len(pool) == COUNT
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
    predicts_what_was_predicted(kind, campaign, pool, entry, embedded, tmp_path)


def predicts_what_was_predicted(kind, campaign, pool, entry, embedded, folder):
    """The model that is handed over says of the pool's own files what it said of the pool."""
    campaign = replace(campaign, finish={"trainer": None, "onnx": False, "look_below": 0.9})
    state, _ = read_state(campaign, pool)
    record, arrays = folder / "labels.json", folder / "labels.npz"
    write_collected(state, pool, record, arrays, folder / "labels.csv")
    collected = read_collected(record, arrays, campaign.campaign)
    names = ("dataset.csv", "predictions.csv", "to_check.csv", "p.npy", "handed", "finished.json")
    written = FinishedFiles(*(folder / name for name in names))
    manifest = read_record(embedded, "embeddings")
    made_with = {"commit": None, "code": ""}
    finish(campaign, entry, pool, collected, None, written, made_with=made_with, embedded=manifest)
    rows = folder / {images: "pets", texts: "lines.txt", embeddings: "pool.npy"}[kind]
    if kind is texts:
        rows.write_text("".join(f"{text}\n" for text in pool.texts()))
    output = folder / "new.csv"
    assert predict.main([str(written.model), str(rows), "--output", str(output)]) == 0
    with open(output) as new, open(written.predictions) as before:
        found, expected = list(csv.DictReader(new)), list(csv.DictReader(before))
    assert [one["label"] for one in found] == [one["label"] for one in expected]
    told = [[float(one["probability"]) for one in lines] for lines in (found, expected)]
    np.testing.assert_allclose(*told, atol=0.01)


def test_images_are_named_by_their_place_in_the_pool_s_folder(tmp_path):
    _, pool, _, _ = campaign_on(images, tmp_path)
    assert pool.image_folder == tmp_path / "pets"
    assert all((pool.image_folder / item).is_file() for item in pool.items)
    assert pool.texts() is None


def test_some_rows_are_those_of_the_whole():
    rows = np.random.default_rng(0).standard_normal((50, 3)).astype(np.float16)
    chosen = np.array([0, 3, 7, 8, 9, 31, 49])
    some = SomeRows(ArrayRows(rows, block_rows=8), chosen)
    assert some.shape == (7, 3)
    parts = list(some.blocks())
    assert [first for first, _ in parts] == [0, 3, 5, 6]
    np.testing.assert_array_equal(np.concatenate([part for _, part in parts]), rows[chosen])
    np.testing.assert_array_equal(some.take(np.array([6, 0])), rows[[49, 0]])
