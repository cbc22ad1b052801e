"""Walk through a campaign on 600 images as docs/campaign.md tells it, and take its pictures.

    python -m docs.campaign_walk

Images of three handwritten digits (scikit-learn's) stand for the photos; whoever labels them makes
no mistake. Every step is the command of the page, in a folder outside the checkout. It needs
Chromium, and two minutes. Pictures go to docs/images/, what the last command says to the page.
"""

import argparse
import io
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks._answering import answer
from benchmarks._browser import fresh_browsers
from labelbench_core.storage.files import atomic_path

IMAGES = Path(__file__).parent / "images"
PAGE = Path(__file__).parent / "campaign.md"
PRINTED = re.compile(r"(<!-- walk: printed -->\n).*?(<!-- end -->)", re.DOTALL)
PROJECT = Path(__file__).parents[1]
NAMES = {3: "three", 5: "five", 8: "eight"}
PICTURES = {"labelling": "campaign-labelling.png", "page": "campaign-page.png"}
WIDTH, HEIGHT = 1000, 640
COLORS = 64  # of a picture, so that it is small
CAMPAIGN = """campaign: digits
pool: our-photos
classes: [three, five, eight]
backbone: {backbone}
batch_size: 40
audit_share: 30%
target: 98%
prices: {{label: 0.08, currency: EUR}}
finish: {{trainer: none}}
catalogue:
  datasets:
    our-photos:
      implementation: image-folder
      options: {{folder: {folder}, unlabeled: true}}
"""


def main(argv: list[str] | None = None) -> None:
    """Walk, and put the pictures into the docs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.parse_args(argv)
    said: list[str] = []
    with tempfile.TemporaryDirectory() as place:
        taken = walk(Path(place), PROJECT, "efficientnet-lite0-96", tell=said.append)
    lines = "\n".join(f"    {line}" for line in said[-1].splitlines())
    text = PRINTED.sub(lambda match: f"{match[1]}\n{lines}\n{match[2]}", PAGE.read_text("utf-8"))
    with atomic_path(PAGE) as aside:
        aside.write_text(text, encoding="utf-8")
    for name, picture in taken.items():
        with atomic_path(IMAGES / PICTURES[name]) as aside:
            aside.write_bytes(picture)


def walk(
    folder: Path,
    project: Path,
    backbone: str,
    *,
    count: int = 600,
    batches: int = 5,
    tell: Callable[[str], Any] = lambda text: None,
) -> dict[str, bytes]:
    """The pictures of `PICTURES`, as PNG, of a campaign in `folder` by the checkout `project`."""
    truth = write_photos(folder / "photos", count)
    file = folder / "digits.yaml"
    file.write_text(CAMPAIGN.format(backbone=backbone, folder=folder / "photos"))
    taken = {}

    def call(*arguments: str) -> None:
        where = ("--configfile", str(file), "--directory", str(folder))
        tell(_printed(project, *arguments, *where).replace(f"{folder}/", ""))

    with fresh_browsers() as start:
        browser = start()
        call()
        handed = folder / "digits" / "batches"
        taken["labelling"] = _of_labelling(browser, handed / "batch-001" / "label.html")
        for batch in range(1, batches):
            answer(handed / f"batch-{batch:03d}" / "to_label.csv", truth)
            call()
        page = folder / "results" / "campaigns" / "digits" / f"campaign-{batches:03d}.html"
        taken["page"] = _picture(browser, page)
        call("finish")
        browser.close()
    return taken


def write_photos(folder: Path, count: int) -> dict[str, str]:
    """Write images of `NAMES`, all or `count`; what is on each, by name of file."""
    from sklearn.datasets import load_digits

    folder.mkdir(parents=True)
    pixels, digits = load_digits(return_X_y=True)
    chosen = np.random.default_rng(0).permutation(np.flatnonzero(np.isin(digits, [*NAMES])))
    truth = {}
    for number, row in enumerate(chosen[:count].tolist()):
        image = Image.fromarray((255 - pixels[row].reshape(8, 8) * 15.9375).astype(np.uint8))
        name = f"photo-{number:04d}.png"
        image.resize((96, 96), Image.Resampling.BICUBIC).save(folder / name)
        truth[name] = NAMES[int(digits[row])]
    return truth


def _printed(project: Path, *arguments: str) -> str:
    """The last lines of what Snakemake prints: what a campaign says."""
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
    # Targets stand first: the option for files takes several.
    if arguments[0] == "finish":
        command = [*command[:3], "finish", *command[3:5], *arguments[1:]]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    said = done.stderr.splitlines()
    first = next(n for n, line in enumerate(said) if line.startswith("Elapsed time"))
    return "\n".join(said[first + 1 :]).strip()


def _of_labelling(browser: Any, page: Path) -> bytes:
    """The labelling page after two answers."""
    shown = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    shown.goto(page.as_uri())
    shown.fill("#annotator", "Ada")
    shown.keyboard.press("Enter")
    shown.wait_for_function("() => !asking.open")
    for answered in ("1", "2"):
        shown.keyboard.press(answered)
        shown.wait_for_selector(f"body[data-answered='{answered}']")
    return _small(shown.screenshot())


def _picture(browser: Any, page: Path) -> bytes:
    shown = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    shown.goto(page.as_uri())
    return _small(shown.screenshot())


def _small(picture: bytes) -> bytes:
    found = io.BytesIO()
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image.quantize(COLORS, dither=Image.Dither.NONE).save(found, "PNG", optimize=True)
    return found.getvalue()


if __name__ == "__main__":
    main()
