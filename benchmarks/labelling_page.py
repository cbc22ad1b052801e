"""How soon a labelling page of 500 images is open, against one of as many bytes that does nothing.

    python -m benchmarks.labelling_page

In Chromium without a window, freshly started each time, in turns; medians. Needs chromium.

The goal: open in less than 3 seconds on an idle machine.
"""

import argparse
import io
import os
import statistics
import sys
import tempfile
from pathlib import Path

from PIL import Image

from benchmarks._browser import fresh_browsers
from labelbench_core.campaign.answers.formats.handed import IMAGES, HandedBatch, HandedItem
from labelbench_core.campaign.labelling_page.page import page

CLASSES = ("cat", "dog", "horse")
OPENINGS = 5
OF_A_THUMBNAIL = 20_000  # bytes beyond those of a picture of one colour


def write_pages(folder: Path, images: int) -> dict[str, Path]:
    """The page of a batch, and one of as many bytes."""
    names = [f"photos/{number:05}.png" for number in range(images)]
    items = [HandedItem(name, suggestion={"dog": 0.875}) for name in names]
    pictures = {}
    for name in names:
        made = io.BytesIO()
        Image.new("RGB", (96, 72), (40, 90, 120)).save(made, "PNG")
        pictures[name] = made.getvalue() + os.urandom(OF_A_THUMBNAIL)
    batch = HandedBatch("animals", "0-00000000", items, CLASSES, rows=IMAGES)
    text = page(batch, "0" * 64, pictures)
    paths = {"page": folder / "page.html", "bare": folder / "bare.html"}
    paths["page"].write_text(text, encoding="utf-8")
    start, end = '<!doctype html><body data-ready="">bytes<script type="text/plain">', "</script>"
    filled = start + "A" * (len(text.encode()) - len(start) - len(end)) + end
    paths["bare"].write_text(filled, encoding="utf-8")
    return paths


def open_pages(paths: dict[str, Path]) -> dict[str, float]:
    """Name of a page → median milliseconds until it is open."""
    found: dict[str, list[float]] = {name: [] for name in paths}
    with fresh_browsers() as fresh:
        for _ in range(OPENINGS):
            for name, path in paths.items():
                browser = fresh()
                opened = browser.new_page()
                opened.goto(path.as_uri())
                opened.wait_for_selector("body[data-ready]")
                found[name].append(opened.evaluate("performance.now()"))
                browser.close()
    return {name: statistics.median(values) for name, values in found.items()}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=500, help="how many; default 500")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        paths = write_pages(Path(folder), arguments.images)
        size = paths["page"].stat().st_size / 1e6
        took = open_pages(paths)
    print(f"{arguments.images} images, {size:.1f} MB, median of {OPENINGS}: open after", end=" ")
    print(f"{took['page']:.0f} ms; as many bytes alone {took['bare']:.0f} ms", end="")
    print(f" ({took['page'] / took['bare']:.2f} times)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
