"""A folder of one's own images: prepared, changed in several ways, looked at again."""

import errno
import os
import shutil

import numpy as np
from PIL import Image

from labelbench_core.configuration.sources import since_prepared
from labelbench_core.datasets.preparing.prepare import prepare_dataset

OPTIONS = {"folder": "mine", "image_size": 16}
ENTRY = {"implementation": "image-folder", "options": OPTIONS}


def prepare(base, source="image-folder", options=OPTIONS, **arguments):
    target = base / "datasets" / "mine"
    paths = target / "arrays", target / "manifest.json"
    return prepare_dataset(
        "mine", source, options, base / "data", *paths, state=base / "state", **arguments
    )


def changed(base, entry=ENTRY, **options):
    """What the main process finds changed, by a new look."""
    manifests = {"mine": base / "datasets" / "mine" / "manifest.json"}
    found = since_prepared.changed_sources(
        {"mine": entry}, manifests, base / "data", state=base / "state", **options
    )
    return found.get("mine")


def new_image(path):
    Image.fromarray(np.full((8, 8, 3), 7, np.uint8)).save(path)


def add(mine):
    new_image(mine / "pool" / "cat" / "new.png")


def edit(mine):
    new_image(mine / "pool" / "cat" / "1.png")


def move(mine):
    (mine / "pool" / "cat" / "1.png").rename(mine / "pool" / "dog" / "was-a-cat.png")


def several(mine):
    add(mine)
    move(mine)
    for name in ("0", "2"):
        new_image(mine / "test" / "dog" / f"{name}.png")


def touch(mine):
    for path in mine.rglob("*"):
        os.utime(path)


def gone(mine):
    shutil.rmtree(mine)


def refuse(monkeypatch, *names, error=errno.EACCES):
    """Have files not be read, or in a folder (ending in /) not be asked for, by this user."""
    real_open, real_stat = os.open, os.stat

    def is_refused(path):
        return str(path).endswith(tuple(name for name in names if not name.endswith("/")))

    def is_closed(path):
        return any(name.endswith("/") and name in str(path) for name in names)

    def opening(path, *arguments, **options):
        if is_refused(path) or is_closed(path):
            raise OSError(error, os.strerror(error), path)
        return real_open(path, *arguments, **options)

    def asking(path, *arguments, **options):
        if is_closed(path):
            raise OSError(error, os.strerror(error), path)
        return real_stat(path, *arguments, **options)

    monkeypatch.setattr(os, "open", opening)
    monkeypatch.setattr(os, "stat", asking)
