"""Whether new images of a changed source can be used, checked before a job deletes anything."""

import importlib.util
import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from labelbench_core import registry
from labelbench_core.datasets.source_files.digests import Digests
from labelbench_core.datasets.variants.variant import Variant
from labelbench_core.errors import InputError
from labelbench_core.registry.info import ROWS
from labelbench_core.storage.places import printable

MOST_THREADS = 8
NAMED = 5
"""Broken images that the one line names."""


def check_new_images(
    manifest: Mapping[str, Any],
    data_dir: Path,
    names: Collection[str],
    digests: Digests,
    state: Path,
    announce: Callable[[int], Any],
) -> None:
    """Decode those images of a source that a data set was not prepared from, as preparing would.

    Sources of other rows are checked whole. Where Pillow is not installed, or corrupt images are
    left out anyway, the job will tell.

    Parameters
    ----------
    manifest
        Manifest of the prepared data set.
    data_dir
        Where sources look for files.
    names
        Files of new content.
    digests
        Known hashes of the source's files; new ones are added.
    state
        Folder where it is remembered which contents were decoded.
    announce
        Gets the number of images, before they are decoded.

    Raises
    ------
    InputError
        Naming the first images that cannot be used and why, on one line.
    """
    source = manifest["source"]
    entry = {"implementation": source, "options": manifest["options"]}
    stored = {split["storage"] for split in manifest["splits"].values()}
    if stored & set(ROWS):  # all is read at once
        registry.check("datasets", entry, data_dir)
        return
    if "files" not in stored or importlib.util.find_spec("PIL") is None:
        return
    raw = registry.build("datasets", entry, data_dir)
    if raw.skip_corrupt:
        return
    # Splits may be drawn otherwise when contents are known: then all images count.
    if raw.draw is None:
        raw = Variant.of(manifest).made_of(raw, source)
    used = [name for split in raw.splits.values() for name in split.files or [] if name in names]
    if not used:
        return
    from labelbench_core.datasets.source_files import checking

    announce(len(used))
    record = checking.contents_record(state, manifest["dataset"], raw.image_size or 0)
    checked = checking.check_files(
        digests.root,
        used,
        raw.image_size or 0,
        ground=raw.ground,
        threads=min(MOST_THREADS, os.cpu_count() or 1),
        digests=digests,
        contents=checking.Contents(record),
    )
    broken = [
        f"{printable(name)}: {one.problem}"
        for name, one in zip(used, checked, strict=True)
        if one.problem
    ]
    if broken:
        told = ", ".join(broken[:NAMED]) + (", …" if len(broken) > NAMED else "")
        raise InputError(
            f"{len(broken)} of {len(used)} new or edited images cannot be used ({told}); replace "
            "or remove them, or leave them out with the data set's option `corrupt: skip`"
        )
