"""The labelling page as text: what is in it, and what is refused."""

import dataclasses
import json
import re

import pytest

from helpers import labelling_batches as batches
from helpers.web_page import Page
from labelbench_core.campaign.labelling_page.page import page
from labelbench_core.errors import InputError

PICTURES = {one.item: batches.png(place) for place, one in enumerate(batches.images().items)}


def data_of(text):
    return json.loads(re.search(r'id="data">(.*?)</script>', text, re.S)[1])


def test_the_page_holds_the_batch_and_loads_nothing():
    text = page(batches.images(), batches.DIGEST, PICTURES)
    found = data_of(text)
    assert [one["item"] for one in found["items"]] == list(PICTURES)
    assert all(one["image"].startswith("data:image/png;base64,") for one in found["items"])
    assert set(found["items"][0]) == {"item", "image", "suggestion"}, "nothing about the audit"
    seen = Page(text)
    assert seen.addresses == []
    assert len(seen.ids) == len(set(seen.ids)) > 20
    assert "default-src 'none'" in text
    assert text == page(batches.images(), batches.DIGEST, PICTURES)


def test_no_text_of_a_batch_is_markup():
    batch = dataclasses.replace(batches.texts(), campaign=batches.HOSTILE)
    text = page(batch, batches.DIGEST)
    assert 'document.title="broken"</script>' not in text
    assert data_of(text)["items"][1]["text"] == batches.HOSTILE


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"\xff\xd8\xff\xe0", "jpeg"),
        (b"GIF89a", "gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "webp"),
    ],
)
def test_formats_are_told_by_their_first_bytes(start, kind):
    text = page(batches.images(1), batches.DIGEST, {"photos/000.png": start})
    assert data_of(text)["items"][0]["image"].startswith(f"data:image/{kind};base64,")


def test_items_without_a_thumbnail_are_named():
    with pytest.raises(InputError, match=r"none of photos/000\.png.*; allowed: one for each of 5"):
        page(batches.images(), batches.DIGEST, {})
    with pytest.raises(InputError, match=r"photos/000\.png: thumbnail begins .*; allowed: JPEG"):
        page(batches.images(1), batches.DIGEST, {"photos/000.png": b"BM123456"})


def test_several_labels_are_suggested_from_one_half_on():
    batch = batches.texts()
    item = dataclasses.replace(batch.items[0], suggestion={"topic 0": 0.75, "topic 1": 0.125})
    found = data_of(page(dataclasses.replace(batch, items=[item]), batches.DIGEST))
    assert found["items"][0]["suggestion"] == {"labels": ["topic 0"], "probability": 0.75}
