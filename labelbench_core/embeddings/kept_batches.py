"""Batches of earlier embeddings, reused where a block has changed: a pool that grows.

A batch of the same rows, at the same place and with the same settings, gives the same features, bit
for bit. A file beside the arrays says where in the blocks that are kept (`kept`) each batch of the
last extraction is; rows that were added are then embedded alone, with the batch that was not full.
"""

import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from labelbench_core.embeddings.kept import KeptBlocks
from labelbench_core.errors import InputError
from labelbench_core.storage import files, store
from labelbench_core.storage.row_blocks import RowBlocks

log = logging.getLogger(__name__)


class KeptBatches:
    """Features of batches that an earlier extraction made.

    Parameters
    ----------
    path
        The file that says where they are.
    folder
        The blocks that are kept.
    keys
        (array, first row) → key, of all batches of this extraction, from `kept.keys_of`.
    """

    def __init__(self, path: Path, folder: Path, keys: Mapping[tuple[str, int], str]) -> None:
        self._path, self._folder, self._keys = path, folder, keys
        self._blocks: dict[str, list[int]] = {}
        self._places: dict[str, tuple[str, int]] = {}
        self._opened: dict[str, RowBlocks | None] = {}
        try:
            noted = files.read_json(path) if path.is_file() else {"blocks": {}, "batches": {}}
            blocks, places = noted["blocks"], noted["batches"]
            self._blocks = {str(name): [int(one) for one in held] for name, held in blocks.items()}
            self._places = {key: (str(name), int(row)) for key, (name, row) in places.items()}
        except (AttributeError, InputError, KeyError, TypeError, ValueError):
            log.info("%s: damaged; no batch of an earlier extraction is reused", path)

    def has(self, array: str, rows: range) -> bool:
        """Whether an earlier extraction made a batch."""
        return self._keys[array, rows.start] in self._places

    def get(self, array: str, rows: range) -> np.ndarray | None:
        """(B, D) the features of a batch; None where they have to be computed."""
        place = self._places.get(self._keys[array, rows.start])
        if place is None:
            return None
        name, start = place
        if name not in self._opened:
            self._opened[name] = self._open(name)
        block = self._opened[name]
        return None if block is None else block.take(np.arange(start, start + len(rows)))

    def note(
        self,
        arrays: Mapping[str, tuple[tuple[int, ...], str, int]],
        kept: KeptBlocks,
    ) -> None:
        """Note where the batches of this extraction are, for the next one.

        Parameters
        ----------
        arrays
            Name → (shape, dtype, rows of a block).
        kept
            The blocks of this extraction.
        """
        blocks: dict[str, list[int]] = {}
        places: dict[str, tuple[str, int]] = {}
        for (array, first), key in self._keys.items():
            (num_rows, width), _, block_rows = arrays[array]
            block, start = divmod(first, block_rows)
            name = kept.name_of(array, block)
            if name is not None:
                held = min(block_rows, num_rows - block * block_rows)
                blocks[name], places[key] = [held, width, block_rows], (name, start)
        files.write_json(self._path, {"blocks": blocks, "batches": places})

    def _open(self, name: str) -> RowBlocks | None:
        """The rows of a kept block; None if it is gone or damaged."""
        try:
            rows, width, block_rows = self._blocks[name]
        except (KeyError, TypeError, ValueError):
            return None
        return open_kept_block(self._folder, name, rows, width, block_rows)


def open_kept_block(
    folder: Path, name: str, rows: int, width: int, block_rows: int
) -> RowBlocks | None:
    """The (`rows`, `width`) rows of a kept block; None if it is gone or damaged."""
    try:
        if files.sha256_file(folder / name) != name.partition("-")[2]:
            raise InputError(f"{name}: damaged")
        return _KeptBlock(folder / name, (rows, width), block_rows)
    except (InputError, OSError, TypeError, ValueError) as error:
        log.info("%s: cannot be reused (%s); its rows are embedded again", name, error)
        return None


class _KeptBlock(RowBlocks):
    """The rows of one block, in a file of its own."""

    def __init__(self, file: Path, shape: tuple[int, int], block_rows: int) -> None:
        half = np.dtype("<f2")
        super().__init__(file, shape, half, block_rows, block_rows // store.INNER_CHUNKS)

    def file_of_block(self, block: int) -> Path:
        """The file: there is no other block."""
        return self.path
