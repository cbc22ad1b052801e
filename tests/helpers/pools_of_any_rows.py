"""Campaigns on pools of images, texts and embeddings, as the workflow prepares and embeds them."""

import csv
from dataclasses import replace

import numpy as np

from helpers import tiny_texts
from helpers.campaigns import campaign_in
from helpers.pictures_by_table import paint
from helpers.prepared import prepare
from labelbench_core import registry
from labelbench_core.campaign.pool import open_pool
from labelbench_core.embeddings.extract import extract_embeddings

COUNT = 60
KINDS = np.arange(COUNT) % 2
NAMES = ("cat", "dog")


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


def campaign_on(kind, folder):
    """(campaign, its pool, the backbone's entry, manifest of the embeddings)."""
    source, options, backbone, given = kind(folder)
    dataset = prepare(folder / "mine", source, folder, {**options, "unlabeled": True})
    entry = {"implementation": backbone, "options": given}
    place = folder / "embedded"
    network = registry.build("backbones", entry)
    extract_embeddings(dataset, network, "given", place / "arrays", place / "manifest.json")
    pool = open_pool(dataset.folder / "manifest.json", place / "manifest.json", "mine", "given")
    campaign = replace(campaign_in(folder), classes=NAMES, audit=10)
    return campaign, pool, {"id": "given", **entry}, place / "manifest.json"
