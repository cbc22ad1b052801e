"""A campaign's file and its photos, in a folder of their own outside any checkout."""

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
