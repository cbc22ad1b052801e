"""Tiny images and the tables that describe them."""

import csv
from typing import ClassVar

import numpy as np
from PIL import Image


def paint(path, number):
    """An image whose content is that of no other number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def write_table(path, header, rows, delimiter=","):
    """A CSV file with these cells."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, delimiter=delimiter, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


class Pets:
    """Pictures of cats and dogs by several painters, with a table of them.

    Two of each kind, by each painter, in each split: `photo` is the pool, `film` the test, `art` a
    shifted split and `none` in no split.
    """

    HEADER = ("file", "animal", "medium", "painter")
    OPTIONS: ClassVar = {
        "table": "pets/all.csv",
        "path_column": "file",
        "label_column": "animal",
        "split_column": "medium",
        "splits": {"photo": "pool", "film": "test", "art": "art"},
        "group_column": "painter",
        "image_size": 8,
    }

    def __init__(self, base):
        self.data = base / "data"
        self.folder = self.data / "pets"
        self.table = self.folder / "all.csv"
        self.rows = []
        for medium in ("photo", "film", "art", "none"):
            for animal in ("cat", "dog"):
                for painter in ("10", "9"):
                    for copy in range(2):
                        name = f"{medium}/{animal}-{painter}-{copy}.png"
                        paint(self.folder / name, len(self.rows))
                        self.rows.append([name, animal, medium, painter])
        self.write()

    def write(self):
        """Write the table anew, as `rows` are now."""
        write_table(self.table, self.HEADER, self.rows)
