"""Batches: what was handed out to be labelled, each a fact in a folder of its own.

`batches/batch-001/` has the record of the batch, the record and arrays of the model that proposed
it, and the files for those who label. All of it appears at once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from labelbench_core.campaign.facts import (
    after,
    digest_of_file,
    numbered,
    numbered_path,
    read_fact,
    whole_folder,
)
from labelbench_core.storage import files
from labelbench_core.storage.records import DIGEST, write_record

RECORD, TRAINED, ARRAYS = "proposal.json", "trained.json", "trained.npz"
FOLDER = "batches"


@dataclass(frozen=True)
class StoredBatch:
    """A batch that was handed out.

    Attributes
    ----------
    folder
        Where its files are.
    record
        Its record: `campaign`, `batch` (its number, from 1), `items`, `classes` and more.
    sha256
        SHA-256 of the record's file.
    trained
        Record of the model that proposed it; None where there was none.
    """

    folder: Path
    record: Mapping[str, Any]
    sha256: str
    trained: Mapping[str, Any] | None

    @property
    def number(self) -> int:
        """Its number, from 1."""
        return self.record["batch"]

    @property
    def name(self) -> str:
        """What answers call it: its number and the first digits of the hash of its record."""
        return f"{self.number}-{self.record[DIGEST][:8]}"

    @property
    def numbers(self) -> np.ndarray:
        """(b,) int64 numbers of its items, in the order shown."""
        return np.array([one["number"] for one in self.record["items"]], np.int64)

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays of the model that proposed it, verified; empty where there was none."""
        if self.trained is None:
            return {}
        path = self.folder / ARRAYS
        digest_of_file(path, self.trained["arrays_sha256"])
        return files.read_npz(path)


def read_batches(folder: Path, campaign: str) -> list[StoredBatch]:
    """All batches handed out, none of them changed; see `facts.read_fact` for errors."""
    found: list[StoredBatch] = []
    for number, path in enumerate(numbered(folder / FOLDER, "batch"), 1):
        before = after(found[-1].sha256 if found else None)
        expected = {"campaign": campaign, "batch": number}
        record, sha256 = read_fact(path / RECORD, "batch", {**expected, "previous": before})
        trained = None
        if (digest := record.get("trained_sha256")) is not None:
            digest_of_file(path / TRAINED, digest)
            trained, _ = read_fact(path / TRAINED, "trained", expected)
        found.append(StoredBatch(path, record, sha256, trained))
    return found


def hand_out(
    folder: Path,
    campaign: str,
    before: Sequence[StoredBatch],
    proposal: Mapping[str, Any],
    trained: Mapping[str, Any] | None,
    arrays: Mapping[str, np.ndarray],
    write_files: Callable[[Path, Mapping[str, Any]], None],
) -> StoredBatch:
    """Write the next batch, and return it as it is read back.

    Parameters
    ----------
    before
        All batches so far.
    proposal
        What its record says, except `campaign`, `batch` and `previous`.
    trained, arrays
        What is recorded of the model that proposes it; None and empty where there is none.
    write_files
        Called with the folder and the sealed record: writes the files for those who label.

    Raises
    ------
    FileExistsError
        If a batch of that number was handed out meanwhile.
    """
    number = len(before) + 1
    ids = {"campaign": campaign, "batch": number}
    with whole_folder(numbered_path(folder / FOLDER, "batch", number)) as aside:
        content = {**proposal, **ids}
        content["previous"] = after(before[-1].sha256 if before else None)
        if trained is not None:
            digest = files.write_npz(aside / ARRAYS, **arrays)
            write_record(aside / TRAINED, "trained", {**trained, **ids, "arrays_sha256": digest})
            content["trained_sha256"] = files.sha256_file(aside / TRAINED)
        record = write_record(aside / RECORD, "batch", content)
        write_files(aside, record)
    return read_batches(folder, campaign)[-1]
