"""The labelling page of a batch: one HTML file that needs no network, no server and no account.

What is answered is kept in the browser, under the batch's hash, and given back as the CSV file that
`answers.formats.csv_table` reads. The page knows what the batch says and nothing else: which items
are of the audit is not in it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labelbench_core.campaign.answers.formats.handed import HandedBatch, HandedItem, suggested
from labelbench_core.errors import InputError, listed
from labelbench_core.registry.info import IMAGES, TEXTS
from labelbench_core.report.page_data import as_script
from labelbench_core.report.templates import data_uri, template

IDLE_SECONDS = 60
"""After so long without a key, a click or a movement, the time of a label stops running."""
SCRIPTS = ("store.js", "answer_table.js", "views.js", "labelling.js")


def page(
    batch: HandedBatch,
    digest: str,
    thumbnails: Mapping[str, bytes] | None = None,
    suggestions: bool = False,
) -> str:
    """The page as text, the same for the same arguments.

    Its size is that of the thumbnails and a third more: 500 of 20 kB make 13 MB.

    Parameters
    ----------
    batch
        What is labelled, in the order in which it is shown.
    digest
        Hash of the batch's proposal; under it the browser keeps the answers.
    thumbnails
        Item → encoded image (JPEG, PNG, GIF or WebP), for a pool of images.
    suggestions
        Whether the model's suggestions are shown before anybody has switched them on or off. They
        are not, by default: people tend to agree with what they are shown, and the audit's accuracy
        would be too high. With each answer the page stores whether its suggestion was shown.

    Raises
    ------
    InputError
        Where an item has no thumbnail, or one of an unknown format; in one line.
    """
    import markupsafe

    folder = Path(__file__).parent
    return template(folder, "labelling.html").render(
        batch=batch,
        idle=IDLE_SECONDS,
        suggestions=suggestions,
        style=markupsafe.Markup((folder / "labelling.css").read_text(encoding="utf-8")),
        scripts=[
            markupsafe.Markup((folder / name).read_text(encoding="utf-8")) for name in SCRIPTS
        ],
        data=markupsafe.Markup(as_script(_data(batch, digest, thumbnails or {}, suggestions))),
    )


def _data(
    batch: HandedBatch, digest: str, thumbnails: Mapping[str, bytes], suggestions: bool
) -> dict[str, Any]:
    if batch.rows == IMAGES and (
        missing := [one.item for one in batch.items if one.item not in thumbnails]
    ):
        told = f"batch {batch.name}: thumbnails: none of {listed(missing[:4])}"
        raise InputError(f"{told}; allowed: one for each of {len(batch.items)} items")
    return {
        "campaign": batch.campaign,
        "batch": batch.name,
        "digest": digest,
        "classes": list(batch.classes),
        "multilabel": batch.multilabel,
        "rows": batch.rows,
        "idle": IDLE_SECONDS,
        "suggestions": suggestions,
        "items": [_item(one, batch, thumbnails) for one in batch.items],
    }


def _item(item: HandedItem, batch: HandedBatch, thumbnails: Mapping[str, bytes]) -> dict[str, Any]:
    described: dict[str, Any] = {"item": item.item}
    if batch.rows == IMAGES:
        described["image"] = data_uri(thumbnails[item.item], f"batch {batch.name}: {item.item}")
    if batch.rows == TEXTS:
        described["text"] = item.text
    if (found := suggested(item, batch.multilabel)) is not None:
        labels, probability = found
        described["suggestion"] = {"labels": labels, "probability": round(probability, 4)}
    return described
