"""A campaign's file and its photos, in a folder of their own outside any checkout."""

import csv
import hashlib

import numpy as np
from PIL import Image

CAMPAIGN = """
campaign: pets
pool: my-photos
classes: [cat, dog]
backbone: tiny
strategy: margin
batch_size: 10
audit: 8
audit_share: 20%
catalogue:
  datasets:
    my-photos:
      implementation: image-folder
      options: {folder: FOLDER, unlabeled: true, image_size: 32}
"""


def write(folder, count):
    """Photos of two colours, even and odd numbers, in `folder`/photos; the campaign's file."""
    (folder / "photos").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(count):
        pixels = rng.integers(0, 90, (40, 32, 3), dtype=np.uint8)
        pixels[..., number % 2] += 150
        Image.fromarray(pixels).save(folder / "photos" / f"{number:03d}.png")
    file = folder / "pets.yaml"
    file.write_text(CAMPAIGN.replace("FOLDER", str(folder / "photos")))
    return file


class Own:
    """A folder of a user's own, with photos and a campaign, run from a checkout."""

    def __init__(self, project, folder):
        self.project, self.folder = project, folder
        self.file = write(folder, count=60)

    def call(self, *arguments):
        """One call of the command; what it printed."""
        return self.project.snakemake(*arguments, config=str(self.file))

    def answer(self, number, name=None, only=slice(None), **wrong):
        """Answer a batch, or `only` some rows, as its photos are painted, in a file in the inbox.

        `wrong`: column → what it says in the first of these rows.
        """
        table = self.folder / "pets" / "batches" / f"batch-{number:03d}" / "to_label.csv"
        rows = list(csv.DictReader(table.open()))[only]
        for row in rows:
            row["label"] = "dog" if int(row["item"][:3]) % 2 else "cat"
        rows[0] |= wrong
        (self.folder / "pets" / "labels").mkdir(exist_ok=True)
        file = self.folder / "pets" / "labels" / f"{name or f'batch {number}'}.csv"
        with open(file, "w") as handle:
            lines = csv.DictWriter(handle, rows[0])
            lines.writeheader()
            lines.writerows(rows)

    def facts(self):
        """File → SHA-256 of all that was handed out and received."""
        return {
            str(path.relative_to(self.folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted((self.folder / "pets").rglob("*"))
            if path.is_file() and "labels" not in path.parts
        }
