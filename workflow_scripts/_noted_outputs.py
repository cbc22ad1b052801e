"""What Snakemake last saw of every output: its content and when it was made.

Snakemake reruns what was made from a file if the file is newer, unless it has recorded the file's
checksum, which it does for small files only. A lost file that is made again with equal content can
be given its former time, so that nothing made from it runs again. Both facts are kept for that in
`NOTES`, which belongs to this folder, like Snakemake's own metadata; without it, more runs again
than necessary.

Only a command that restores gives files their former time (`Former`). Whatever else makes a file
again does so for a reason, which also applies to what is made from it.
"""

import contextlib
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from labelbench_core.storage import files
from workflow_scripts import _notes

NOTES = files.MACHINE_STATE / "outputs.json"

CLOCKS_DIFFER = 2.0
"""Seconds by which the time of a file may be ahead of the machine's clock."""

Noted = tuple[str, int]
"""SHA-256, and modification time in ns."""
MadeAt = Callable[[str], float | None]
"""When the job that made an output ended, in seconds, as Snakemake recorded it; None if unknown."""


def read_notes(notes: Path = NOTES) -> dict[str, Noted]:
    """Path → its record, for all recorded outputs; unreadable records are left out."""
    entries = _notes.read(notes).items()
    return {path: (entry[0], entry[1]) for path, entry in entries if _is_noted(entry)}


def _is_noted(entry: object) -> bool:
    return isinstance(entry, list) and list(map(type, entry)) == [str, int]


def note(outputs: Iterable[str], made_at: MadeAt, notes: Path = NOTES) -> None:
    """Record the files among `outputs` as Snakemake has made them.

    Files that cannot be read are left out, and so are files written by anything else since: they
    would be taken for results. Files with the recorded time are not read again.
    """
    noted = read_notes(notes)
    found = {}
    for path in outputs:
        # A temporary file is gone again; for a folder, the manifest is recorded.
        with contextlib.suppress(OSError):
            modified = os.stat(path).st_mtime_ns
            is_new = path not in noted or noted[path][1] != modified
            if is_new and not _written_since(made_at(path), modified):
                found[path] = (files.sha256_file(path), modified)
    _add(found, notes)


def changed_by_others(outputs: Iterable[str], made_at: MadeAt, notes: Path = NOTES) -> list[str]:
    """The files whose content differs from the record and which Snakemake has not made since."""
    noted = read_notes(notes)
    found = []
    for path in outputs:
        with contextlib.suppress(OSError):
            modified = os.stat(path).st_mtime_ns
            if path not in noted or noted[path][1] == modified:
                continue
            is_foreign = _written_since(made_at(path), modified)
            if is_foreign and files.sha256_file(path) != noted[path][0]:
                found.append(path)
    return found


def _written_since(made: float | None, modified: int) -> bool:
    """Whether a file's time, in ns, is later than the end of the job that made it, in seconds."""
    return made is not None and modified / 1e9 > made + CLOCKS_DIFFER


def differing(outputs: Iterable[str], notes: Path = NOTES) -> list[str]:
    """The files whose content differs from the record; all recorded files are read."""
    noted = read_notes(notes)
    return [
        path
        for path in outputs
        if path in noted and os.path.isfile(path) and files.sha256_file(path) != noted[path][0]
    ]


def _add(found: Mapping[str, Noted], notes: Path) -> None:
    """Record `found`; the records of other files stay."""
    if found:
        _notes.add(notes, found)


class Former:
    """The records of outputs from before some of them were lost.

    Kept in a file until `forget`: an interrupted restore continues with the records from before its
    first run, not with those of its own jobs.

    Parameters
    ----------
    notes
        Where outputs are noted.
    """

    def __init__(self, notes: Path = NOTES) -> None:
        self._notes, self._kept = notes, notes.with_name("restoring.json")
        if not self._kept.is_file():
            _add(read_notes(notes), self._kept)
        self.noted = read_notes(self._kept)
        self._digests: dict[tuple[str, int], str] = {}

    def other(self, outputs: Iterable[str]) -> list[str]:
        """The files among `outputs` whose content differs from the record, or has none."""
        return [path for path in outputs if self._state(path) == "other"]

    def put_times_back(self, outputs: Iterable[str]) -> None:
        """Give files whose content is as recorded their recorded time, here and in the records."""
        back = {path: self.noted[path] for path in outputs if self._state(path) == "made again"}
        for path, (_, modified) in back.items():
            os.utime(path, ns=(os.stat(path).st_atime_ns, modified))
        _add(back, self._notes)

    def forget(self) -> None:
        """Restoring has ended: from here on, the current records count."""
        self._kept.unlink(missing_ok=True)

    def _state(self, path: str) -> str:
        """A file is "absent", the "same", "made again" with equal bytes, or "other"."""
        if not os.path.isfile(path):
            return "absent"
        digest, modified = self.noted.get(path, ("", 0))
        now = os.stat(path).st_mtime_ns
        if now == modified:
            return "same"
        if (path, now) not in self._digests:
            self._digests[path, now] = files.sha256_file(path)
        return "made again" if self._digests[path, now] == digest else "other"
