"""Hashes of a source's files, remembered on this machine: what did not change is not read again.

Only content decides whether a source changed. Sizes, times and inodes are a cache on this machine
that says which files have to be read again; without it, all are.
"""

import contextlib
import errno
import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from labelbench_core.errors import InputError
from labelbench_core.storage import files

log = logging.getLogger(__name__)
SETTLED_SECONDS = 2.0
"""A file that changed less than this before it was read may change again within one tick of its
file system's clock, and look the same: its hash is not remembered ("racily clean", as in git)."""
FLUSH_FILES = 1024
STAT_CHUNK = 1000
READERS = 8
NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG)
"""Errors of a path at which nothing can be."""


class Status(NamedTuple):
    """The parts of a file's status that show that it may have changed; times in nanoseconds."""

    size: int
    mtime: int
    inode: int
    ctime: int


class Read(NamedTuple):
    """A file that was read.

    Attributes
    ----------
    digest
        Its hash; None if it is missing by now.
    status
        None if it changed meanwhile.
    when
        The time before it was opened, in seconds.
    """

    digest: str | None
    status: Status | None
    when: float


class Digests:
    """Hashes of the files under one folder.

    Parameters
    ----------
    root
        The folder.
    record
        File of what is remembered, one JSON line for each file, appended to as files are read, so
        that a process that is killed loses little. None: nothing is remembered.
    algorithm
        Name of the hash in `hashlib`.
    """

    def __init__(self, root: Path, record: Path | None = None, algorithm: str = "sha256") -> None:
        self.root, self._record, self._algorithm = root, record, algorithm
        self._known: dict[str, tuple[Status, str]] | None = None
        self._new: list[str] = []
        self._whole = True

    def statuses(self, names: Sequence[str]) -> list[Status | OSError | None]:
        """Status of the files `names`, relative to the root.

        None for missing files; the error for those whose status cannot be read.
        """
        chunks = [names[i : i + STAT_CHUNK] for i in range(0, len(names), STAT_CHUNK)]
        # Threads are for file systems on a network, where a status is a round trip.
        with ThreadPoolExecutor(max_workers=READERS) as pool:
            found = pool.map(self._statuses, chunks)
            return [status for chunk in found for status in chunk]

    def of(
        self,
        names: Sequence[str],
        statuses: Sequence[Status | OSError | None] | None = None,
        tell: Callable[[int], object] | None = None,
        refused: dict[str, OSError] | None = None,
    ) -> dict[str, str]:
        """Name → hexadecimal digest of each file that is there; read are only those that changed.

        Parameters
        ----------
        names
            Relative to the root.
        statuses
            Statuses of `names`, if already known.
        tell
            Called with the number of files that have to be read, before they are.
        refused
            Receives the files that exist but cannot be read → why; they are then left out.

        Raises
        ------
        OSError
            Of the first file that cannot be read, if there is no `refused`.
        """
        if statuses is None:
            statuses = self.statuses(names)
        found: dict[str, str | None] = {}
        errors: dict[str, OSError] = {} if refused is None else refused
        waiting = []
        for name, status in zip(names, statuses, strict=True):
            if isinstance(status, OSError):
                errors[name] = status
            elif status is not None:
                found[name] = self.known(name, status)
                if found[name] is None:
                    waiting.append(name)
        if tell is not None and waiting:
            tell(len(waiting))
        with ThreadPoolExecutor(max_workers=min(READERS, 2 * (os.cpu_count() or 1))) as pool:
            for name, read in zip(waiting, pool.map(self._read, waiting), strict=True):
                if isinstance(read, OSError):
                    errors[name] = read
                    continue
                found[name] = read.digest
                if read.digest is not None and read.status is not None:
                    self.note(name, read.status, read.digest, read.when)
        self.flush()
        if errors and refused is None:
            raise next(iter(errors.values()))
        return {name: digest for name, digest in found.items() if digest is not None}

    def known(self, name: str, status: Status) -> str | None:
        """The digest that is remembered of a file with this very status, if any."""
        if self._known is None:
            self._known = self._load()
        seen = self._known.get(name)
        return seen[1] if seen is not None and seen[0] == status else None

    def note(self, name: str, status: Status, digest: str, when: float) -> None:
        """Remember the digest of a file whose status was `status` before and after it was read.

        `when` is the time, in seconds, before the file was opened.
        """
        if self._record is None or status.ctime > 1e9 * (when - SETTLED_SECONDS):
            return
        if self._known is None:
            self._known = self._load()
        self._known[name] = status, digest
        self._new.append(json.dumps([name, *status, digest]) + "\n")
        if len(self._new) >= FLUSH_FILES:
            self.flush()

    def flush(self) -> None:
        """Write what is new; if that is not permitted, it is read again next time."""
        if self._record is None or not (self._new or not self._whole):
            return
        new, self._new = self._new, []
        try:
            if not self._whole:
                self._rewrite()
                return
            self._record.parent.mkdir(parents=True, exist_ok=True)
            with open(self._record, "a", encoding="utf-8") as handle:
                handle.write("".join(new))
        except (OSError, InputError) as error:
            log.info("%s: cannot be written (%s)", self._record, error)

    def forget_all_but(self, names: Iterable[str]) -> None:
        """Drop what is remembered of other files, if that is most of the record."""
        if self._known is None:
            self._known = self._load()
        kept = {name: self._known[name] for name in names if name in self._known}
        if len(self._known) > 2 * len(kept) + FLUSH_FILES:
            self._known, self._whole = kept, False
            self.flush()

    def _statuses(self, names: Sequence[str]) -> list[Status | OSError | None]:
        found: list[Status | OSError | None] = []
        root = os.path.join(self.root, "")
        for name in names:
            try:
                found.append(status_of(root + name))
            except OSError as error:
                found.append(error)
        return found

    def _read(self, name: str) -> Read | OSError:
        """A file read and hashed; the error if it cannot be."""
        path, when = os.path.join(self.root, name), time.time()
        try:
            # Not blocking: the file may have become a named pipe.
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
            with open(descriptor, "rb") as handle:
                before = _status(os.fstat(handle.fileno()))
                digest = hashlib.file_digest(handle, self._algorithm).hexdigest()
                after = _status(os.fstat(handle.fileno()))
        except FileNotFoundError:
            return Read(None, None, when)
        except OSError as error:
            return OSError(error.errno, error.strerror, path)
        return Read(digest, before if before == after else None, when)

    def _load(self) -> dict[str, tuple[Status, str]]:
        """What is remembered; incomplete or damaged lines are left out."""
        known: dict[str, tuple[Status, str]] = {}
        if self._record is None:
            return known
        text = ""
        with contextlib.suppress(OSError):
            text = self._record.read_text(encoding="utf-8", errors="replace")
        lines = text.split("\n")
        # After a kill the last line may be half of one.
        self._whole = self._whole and lines.pop() == ""
        for row in json_rows(lines):
            try:
                name, size, mtime, inode, ctime, digest = row
                known[name] = Status(size, mtime, inode, ctime), digest
            except (ValueError, TypeError):
                self._whole = False
        # The record has grown by appending: rewrite it now.
        self._whole = self._whole and len(lines) <= 2 * len(known) + FLUSH_FILES
        return known

    def _rewrite(self) -> None:
        """Rewrite the record."""
        with files.atomic_path(self._record) as aside, open(aside, "w", encoding="utf-8") as handle:
            for name, (status, digest) in (self._known or {}).items():
                handle.write(json.dumps([name, *status, digest]) + "\n")
        self._whole = True


def json_rows(lines: Sequence[str]) -> list[Any]:
    """The JSON array of each line, at once where all are whole; None for one that is damaged."""
    if all(line.startswith("[") and line.endswith("]") for line in lines):
        with contextlib.suppress(ValueError, RecursionError):
            rows = json.loads(f"[{','.join(lines)}]")
            if len(rows) == len(lines):
                return rows
    rows = []
    for line in lines:
        try:
            rows.append(json.loads(line))
        except (ValueError, RecursionError):
            rows.append(None)
    return rows


def status_of(path: str | Path) -> Status | None:
    """The status of a file, links followed; None if there is none, or if links form a cycle.

    There is none for a name that no file can have: one too long, or with a null character.
    """
    try:
        return _status(os.stat(path))
    except OSError as error:
        if error.errno in NOT_THERE:
            return None
        raise
    except ValueError:
        return None


def _status(status: os.stat_result) -> Status:
    return Status(status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns)


def statuses_sha256(
    names: Sequence[str], statuses: Sequence[Status | OSError | None], when: float
) -> str | None:
    """One hash over the statuses of all files, as read from the time `when` on.

    None if a file changed just before, is missing or could not be read.
    """
    told = [status for status in statuses if isinstance(status, Status)]
    if len(told) < len(statuses):
        return None
    if max((status.ctime for status in told), default=0) > 1e9 * (when - SETTLED_SECONDS):
        return None
    digest = hashlib.sha256()
    for start in range(0, len(names), STAT_CHUNK):
        chunk = slice(start, start + STAT_CHUNK)
        # Plain tuples are written out ten times as fast as named ones.
        digest.update(repr((names[chunk], [*map(tuple, told[chunk])])).encode())
    return digest.hexdigest()


def contents_sha256(contents: Mapping[str, str]) -> str:
    """One hash over the names and contents, name → SHA-256, of all files of a source."""
    digest = hashlib.sha256()
    for name in sorted(contents):
        digest.update(f"{name}\0{contents[name]}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()
