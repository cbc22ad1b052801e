"""A small labelling campaign in memory: rows in clusters, and people who answer by CSV."""

import base64
import csv
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from labelbench_core.campaign.calls import INBOX, advance, waiting_files
from labelbench_core.campaign.pool import CampaignPool
from labelbench_core.campaign.settings import Campaign
from labelbench_core.embeddings.statistics import column_statistics
from labelbench_core.proxies import Statistics
from labelbench_core.storage.rows import ArrayRows

CLASSES = ("robin", "wren", "tit")
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)


def entry(name, **options):
    return {"id": name, "implementation": name, "options": options}


def campaign_in(folder, **changes):
    """A campaign whose folder is in `folder`."""
    asked = Campaign(
        campaign="birds",
        folder=Path(folder) / "birds",
        pool="birds",
        backbone="given",
        proxy=entry("linear", penalty=0.1),
        strategy=entry("margin"),
        first=entry("typiclust"),
        classes=CLASSES,
        batch_size=20,
        audit=30,
        audit_share=0.2,
    )
    return replace(asked, **changes)


def pool_of(count, seed=0, num_classes=3, width=8):
    """(pool, (N,) true classes): clusters that overlap a little; items are `IMAGE.jpg`."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(num_classes, size=count)
    centres = 3 * np.eye(width)[:num_classes]
    rows = (centres[truth] + rng.normal(size=(count, width))).astype(np.float16)
    return pool_from(rows), truth


def pool_from(rows, items=None, kind="images"):
    """A pool of embeddings in memory."""
    items = tuple(f"{number:05d}.jpg" for number in range(len(rows))) if items is None else items
    mean, std = column_statistics(ArrayRows(rows))
    digests = tuple(hashlib.sha256(row.tobytes()).hexdigest() for row in rows)
    return PaintedPool(
        items=tuple(items),
        digests=digests,
        embeddings=ArrayRows(rows),
        statistics=Statistics(np.array(mean), np.array(std)),
        source=hashlib.sha256(rows.tobytes()).hexdigest(),
        dataset=SimpleNamespace(
            rows=kind, manifest={"fingerprint": "birds", "splits": {"pool": {}}}
        ),
    )


@dataclass(frozen=True)
class PaintedPool(CampaignPool):
    """A pool whose rows all look alike."""

    def pictures(self, rows, threads=1):
        """One PNG of a pixel for each row."""
        return [PIXEL] * len(rows)

    def readable_pictures(self, rows, threads=1):
        """The same."""
        return self.pictures(rows, threads)


def answer(campaign, batch, labels, name="answers", annotator="ann", only=None):
    """Write a file of answers to a batch into the campaign's inbox.

    `labels`: item → label, or an outcome in brackets such as "(unsure)".
    """
    inbox = campaign.folder / INBOX
    inbox.mkdir(exist_ok=True)
    with open(inbox / f"{name}.csv", "w", newline="") as handle:
        lines = csv.writer(handle)
        lines.writerow(["item", "label", "outcome", "annotator", "batch"])
        for one in batch.record["items"][slice(*only) if only else slice(None)]:
            label = labels[one["item"]]
            outcome = label[1:-1] if label.startswith("(") else "labelled"
            lines.writerow(
                [
                    one["item"],
                    "" if outcome != "labelled" else label,
                    outcome,
                    annotator,
                    batch.name,
                ]
            )


def call(campaign, pool):
    """One call, with all files of the inbox."""
    return advance(campaign, pool, waiting_files(campaign.folder))


def labels_of(pool, truth, classes=CLASSES):
    """Item → the name of its class."""
    return {item: classes[label] for item, label in zip(pool.items, truth, strict=True)}


def run(campaign, pool, labels, batches):
    """Answer whatever is proposed until there are so many batches; the last call."""
    done = call(campaign, pool)
    while done.batch.number < batches:
        answer(campaign, done.batch, labels, f"answers-{done.batch.number}")
        done = call(campaign, pool)
    return done
