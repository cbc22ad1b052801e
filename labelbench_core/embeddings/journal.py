"""Which blocks of an extraction are finished, so that it continues where it was interrupted."""

import json
import logging
import os
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from labelbench_core.storage import files, store

log = logging.getLogger(__name__)
JOURNAL = "journal.jsonl"


class Journal:
    """A folder of unfinished arrays and the list, flushed to disk, of what is finished in it.

    Parameters
    ----------
    folder
        Holds the arrays and the journal. Emptied unless its journal has exactly these `settings`.
    settings
        Everything that the numbers depend on.
    arrays
        Name → (shape, dtype, rows of a block) of every array.
    """

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, Any],
        arrays: Mapping[str, tuple[tuple[int, ...], str, int]],
    ) -> None:
        self.folder, self.arrays = folder, arrays
        self._path = folder / JOURNAL
        self._settings = files.canonical_json(settings)
        self.finished: dict[tuple[str, int], str] = self._resume() if self._matches() else {}
        if not self.finished:
            self._start()
        self._remove_unfinished()

    def write(self, array: str, block: int, rows: Any) -> None:
        """Write a block and record it as finished; both are on disk when this returns."""
        self.take_over(array, block, store.write_block(self.folder / array, block, rows))

    def take_over(self, array: str, block: int, digest: str) -> None:
        """Record an existing block as finished without writing it."""
        self._append({"array": array, "block": block, "sha256": digest})
        self.finished[array, block] = digest

    def block_path(self, array: str, block: int) -> Path:
        """The file of a block."""
        return store.block_path(self.folder / array, block, len(self.arrays[array][0]))

    def blocks(self, array: str) -> list[str]:
        """SHA-256 of all blocks of a finished array, in order."""
        count = sum(name == array for name, _ in self.finished)
        return [self.finished[array, block] for block in range(count)]

    def close(self) -> None:
        """Remove the journal: the arrays are finished."""
        self._path.unlink()

    def _matches(self) -> bool:
        """Whether the folder was begun with the same settings."""
        if not self._path.is_file():
            return False
        with open(self._path, encoding="utf-8", errors="replace") as handle:
            return handle.readline() == self._settings + "\n"

    def _resume(self) -> dict[tuple[str, int], str]:
        """Finished blocks whose files are what the journal says."""
        noted: dict[tuple[str, int], str] = {}
        lines = self._path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
        for line in lines[1:]:
            entry = self._entry(line)
            if entry is not None:
                noted[entry[:2]] = entry[2]
        with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
            whole = pool.map(self._is_whole, noted.items())
            finished = {key: noted[key] for key, good in zip(noted, whole, strict=True) if good}
        log.info("%s: %d finished blocks reused", self.folder, len(finished))
        # Rewritten, so that lines after an incomplete one are readable.
        with files.atomic_path(self._path) as aside:
            kept = [
                files.canonical_json({"array": array, "block": block, "sha256": digest})
                for (array, block), digest in finished.items()
            ]
            aside.write_text("\n".join([self._settings, *kept]) + "\n", encoding="utf-8")
        return finished

    def _entry(self, line: str) -> tuple[str, int, str] | None:
        """Array, block and SHA-256 of a line; None if it is damaged: the block is made again."""
        try:
            entry = json.loads(line) if line.endswith("\n") else {}
            array, block, digest = entry["array"], entry["block"], entry["sha256"]
            shape, _, block_rows = self.arrays[array]
            known = type(block) is int and 0 <= block < -(-shape[0] // block_rows)
        except (KeyError, RecursionError, TypeError, ValueError):
            return None
        return (array, block, digest) if known else None

    def _is_whole(self, item: tuple[tuple[str, int], str]) -> bool:
        (array, block), digest = item
        path = self.block_path(array, block)
        return path.is_file() and files.sha256_file(path) == digest

    def _start(self) -> None:
        """An empty folder with empty arrays and a journal of settings only."""
        shutil.rmtree(self.folder, ignore_errors=True)
        for name, (shape, dtype, block_rows) in self.arrays.items():
            store.create_array(self.folder / name, shape, dtype, block_rows)
        with files.atomic_path(self._path) as aside:
            aside.write_text(self._settings + "\n", encoding="utf-8")

    def _remove_unfinished(self) -> None:
        """Delete what an interrupted write left beside the finished blocks."""
        expected = {self._path} | {self.folder / name / "zarr.json" for name in self.arrays}
        expected |= {self.block_path(array, block) for array, block in self.finished}
        for path in self.folder.rglob("*"):
            if path.is_file() and path not in expected:
                path.unlink()

    def _append(self, entry: dict[str, Any]) -> None:
        """Add a line, flushed to disk."""
        try:
            with open(self._path, "a", encoding="utf-8") as handle:
                handle.write(files.canonical_json(entry) + "\n")
                handle.flush()
                os.fsync(handle.fileno())
        except OSError as error:
            raise files.explain_disk_error(error, self._path) from error
