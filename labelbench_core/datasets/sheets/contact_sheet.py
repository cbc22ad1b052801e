"""A contact sheet: some images of each class as small squares on one PNG."""

from pathlib import Path

from PIL import Image, ImageDraw

from labelbench_core.datasets import RawDataset
from labelbench_core.datasets.images.decoding import decode_square, read_regular
from labelbench_core.datasets.sheets.drawn_rows import PER_CLASS, drawn_rows
from labelbench_core.datasets.sheets.sheet_font import drawable, sheet_font
from labelbench_core.storage import files
from labelbench_core.storage.places import printable

SIDE = 96
"""Side of an image, in pixels."""
NAMES = 160
"""Width of the column of names, in pixels."""
MOST_LETTERS = 24


def write_contact_sheet(raw: RawDataset, data_dir: Path, path: Path) -> None:
    """Write a PNG with a row for each class: its name and images of the pool, drawn at random.

    Parameters
    ----------
    raw
        Images in memory, or in files below `data_dir`.
    path
        The file, which is written over.
    """
    shown = list(drawn_rows(raw))
    sheet = Image.new("RGB", (NAMES + PER_CLASS * SIDE, len(shown) * SIDE), "white")
    canvas, font = ImageDraw.Draw(sheet), sheet_font()
    for label, (name, pool, rows) in enumerate(shown):
        text = drawable(printable(name), font)[:MOST_LETTERS]
        canvas.text((6, label * SIDE + SIDE // 2 - 6), text, fill="black", font=font)
        for place, row in enumerate(rows):
            if pool.images is not None:
                image = Image.fromarray(pool.images[row]).resize((SIDE, SIDE))
            else:
                content = read_regular(data_dir / (raw.root or "") / (pool.files or [])[row])
                image = Image.fromarray(decode_square(content, SIDE, ground=raw.ground))
            sheet.paste(image, (NAMES + place * SIDE, label * SIDE))
    path.parent.mkdir(parents=True, exist_ok=True)
    with files.atomic_path(path) as aside:
        sheet.save(aside, format="PNG")
