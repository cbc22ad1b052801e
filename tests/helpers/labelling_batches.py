"""Batches for the tests of the labelling page."""

import io
from pathlib import Path

from labelbench_core.campaign.answers.formats.handed import HandedBatch, HandedItem
from labelbench_core.campaign.labelling_page.page import page
from labelbench_core.registry.info import IMAGES, TEXTS

NAME, DIGEST = "3-0f6b2c1a", "0f6b2c1a" * 8
CLASSES = ("cat", "dog", "=1+1", 'żółw, "big"', *(f"class {i}" for i in range(8)))
HOSTILE = '</script><script>document.title="broken"</script><!--<b>&'


def png(shade: int, width: int = 96) -> bytes:
    from PIL import Image

    made = io.BytesIO()
    Image.new("RGB", (width, width * 3 // 4), (shade * 40 % 256, shade * 90 % 256, 120)).save(
        made, "PNG"
    )
    return made.getvalue()


def images(number: int = 5) -> HandedBatch:
    items = [
        HandedItem(f"photos/{place:03}.png", suggestion={"dog": 0.875}) for place in range(number)
    ]
    return HandedBatch("animals", NAME, items, CLASSES, rows=IMAGES)


def texts(classes: int = 3, multilabel: bool = True) -> HandedBatch:
    said = ["שלום עולם " * 200, HOSTILE, "a\nb", "日本語"]
    items = [HandedItem(f"text-{place}", text) for place, text in enumerate(said)]
    names = [f"topic {place}" for place in range(classes)]
    return HandedBatch("topics", NAME, items, names, multilabel, TEXTS)


def write(path: Path, batch: HandedBatch, **options: bool) -> Path:
    pictures = {one.item: png(place) for place, one in enumerate(batch.items)}
    path.write_text(page(batch, DIGEST, pictures, **options), encoding="utf-8")
    return path
