"""Finished blocks of embeddings, kept so that what did not change is not embedded again.

Before a job runs again, Snakemake deletes what it made. Each finished block therefore has a second
name, a hard link in a hidden folder beside the arrays: that costs no space, and outlives the first.
The second name is a hash over everything that the block's bytes depend on, including the contents
of its rows, the device, the kind of CPU and the versions of the libraries. Batches start afresh in
every block, so that a block depends on no other. A block of the same name is bit for bit what would
be computed again. Where only some rows of a block are unchanged, `kept_batches` reuses batches.
"""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labelbench_core.datasets import SplitRows
from labelbench_core.embeddings.journal import Journal
from labelbench_core.storage import files

log = logging.getLogger(__name__)


class KeptBlocks:
    """Blocks of this and earlier extractions, keyed by what their bytes depend on.

    Parameters
    ----------
    folder
        Hidden, on the file system of the arrays. A file in it is called KEY-SHA256.
    keys
        (array, block) → key, of all blocks of this extraction, from `keys_of`.
    """

    def __init__(self, folder: Path, keys: Mapping[tuple[str, int], str]) -> None:
        self.folder, self._keys = folder, keys
        self._digests: dict[str, str] = {}
        self._can_link = True
        if folder.is_dir():
            for name in os.listdir(folder):
                key, _, digest = name.partition("-")
                self._digests[key] = digest

    def fill(self, journal: Journal) -> None:
        """Fill the gaps of `journal` with kept blocks, and keep the blocks that it has."""
        taken = 0
        for (array, block), key in self._keys.items():
            if (array, block) in journal.finished:
                self.keep(journal, array, block)
                continue
            digest = self._link(key, journal.block_path(array, block))
            if digest is not None:
                journal.take_over(array, block, digest)
                taken += 1
        if taken:
            log.info("%d of %d blocks reused from an earlier extraction", taken, len(self._keys))

    def keep(self, journal: Journal, array: str, block: int) -> None:
        """Give a finished block its second name; does nothing where links are impossible."""
        key, digest = self._keys[array, block], journal.finished[array, block]
        if not self._can_link or self._digests.get(key) == digest:
            return
        try:
            self._remove(key)
            self.folder.mkdir(parents=True, exist_ok=True)
            os.link(journal.block_path(array, block), self.folder / f"{key}-{digest}")
        except OSError as error:
            log.info(
                "%s: hard links are not possible (%s): blocks are not kept", self.folder, error
            )
            self._can_link = False
        else:
            self._digests[key] = digest

    def drop_others(self) -> None:
        """Delete the blocks of earlier extractions, which would fill the disk."""
        for key in self._digests.keys() - set(self._keys.values()):
            self._remove(key)

    def name_of(self, array: str, block: int) -> str | None:
        """The name of the file that keeps a block of this extraction; None if none does."""
        key = self._keys[array, block]
        digest = self._digests.get(key)
        return None if digest is None else f"{key}-{digest}"

    def _link(self, key: str, target: Path) -> str | None:
        """Put the block `key` at `target`; its SHA-256, or None if there is none or it is damaged.

        Nothing may write into `target` in place: it is the same file as the one kept.
        """
        digest = self._digests.get(key)
        if digest is None:
            return None
        kept = self.folder / f"{key}-{digest}"
        try:
            if files.sha256_file(kept) != digest:
                log.warning("%s: damaged; its rows are embedded again", kept)
                self._remove(key)
                return None
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(kept, target)
        except OSError as error:
            log.info("%s: cannot be reused (%s); its rows are embedded again", kept, error)
            return None
        return digest

    def _remove(self, key: str) -> None:
        digest = self._digests.pop(key, None)
        if digest is not None:
            (self.folder / f"{key}-{digest}").unlink(missing_ok=True)


@dataclass(frozen=True)
class Keys:
    """Hashes over all that embeddings depend on.

    Attributes
    ----------
    blocks
        (array, block) → hash over all that the block's bytes depend on.
    batches
        (array, first row) → hash over all that the features of a batch depend on.
    """

    blocks: dict[tuple[str, int], str]
    batches: dict[tuple[str, int], str]


def keys_of(
    settings: Mapping[str, Any],
    arrays: Mapping[str, tuple[tuple[int, ...], str, int]],
    splits: Mapping[str, str],
    rows: Mapping[str, SplitRows],
) -> Keys:
    """What the bytes of every block, and the features of every batch, depend on.

    That is: settings, the name and the numbers of the rows (a random view draws by them), the
    contents of the rows themselves, and, for a block, what a shard's layout depends on.

    Parameters
    ----------
    settings
        Everything that the numbers depend on, including the machine, and `batch_size`. Its
        `dataset_fingerprint` is left out: a change of any other image would change it.
    arrays
        Name → (shape, dtype, rows of a block).
    splits
        Array → split.
    rows
        Split → its rows.
    """
    settings = {key: settings[key] for key in settings.keys() - {"dataset_fingerprint"}}
    contents: dict[tuple[str, range], str] = {}
    keys = Keys({}, {})
    for array, ((num_rows, *rest), dtype, block_rows) in arrays.items():
        split = splits[array]
        for block, first in enumerate(range(0, num_rows, block_rows)):
            within = range(first, min(first + block_rows, num_rows))
            parts = batches_of(within, settings["batch_size"])
            for part in parts:
                if (split, part) not in contents:  # views of a split share its rows
                    contents[split, part] = rows[split].contents(part)
                depends = [settings, array, part.start, len(part), dtype, contents[split, part]]
                keys.batches[array, part.start] = _hash(depends)
            layout = [len(within), *rest, dtype, block_rows]
            of_rows = [contents[split, part] for part in parts]
            keys.blocks[array, block] = _hash([settings, array, block, layout, of_rows])
    return keys


def batches_of(rows: range, batch_size: int) -> list[range]:
    """The batches in which the rows of a block are embedded."""
    starts = range(rows.start, rows.stop, batch_size)
    return [range(start, min(start + batch_size, rows.stop)) for start in starts]


def _hash(value: list[Any]) -> str:
    return files.sha256_bytes(files.canonical_json(value).encode())
