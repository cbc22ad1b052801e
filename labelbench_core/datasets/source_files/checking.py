"""Every file of a data set, read and decoded as extraction will: hashes, and what is broken.

What was found is remembered on this machine, so that a killed job continues where it stopped and
unchanged files are not read again: `Digests` knows the content of a file by its status, and
`Contents` knows which contents were decoded.
"""

import contextlib
import functools
import hashlib
import importlib.metadata
import json
import logging
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from labelbench_core.compute.threads import ordered_map
from labelbench_core.datasets.duplicates import perceptual_hashes
from labelbench_core.datasets.images.decoding import decode, read_regular
from labelbench_core.datasets.source_files.digests import Digests, Status, json_rows, status_of
from labelbench_core.errors import InputError
from labelbench_core.progress import Progress
from labelbench_core.provenance import import_closure, module_hash, recall
from labelbench_core.storage.places import printable

log = logging.getLogger(__name__)
CHUNK = 32
NAMED = 20
"""Most broken files that a message names."""


class Contents:
    """Which contents were decoded without error, as one image size.

    Parameters
    ----------
    record
        File with one JSON line for each content: SHA-256, whether there are more frames, and what
        its perceptual hash depends on with that hash, if it was computed. Appended to as files are
        checked. None: nothing is remembered.
    near_key
        What perceptual hashes depend on now; those of another key are computed again.
    """

    def __init__(self, record: Path | None, near_key: str = "") -> None:
        self._record, self._near_key = record, near_key
        self._known: dict[str, tuple[bool, str | None]] = {}
        self._new: list[str] = []
        if record is None or not record.is_file():
            return
        lines = record.read_text(encoding="utf-8", errors="replace").split("\n")
        for row in json_rows([line for line in lines if line]):
            try:
                sha256, several_frames, near = row
                key, near = near or ("", None)
                self._known[sha256] = bool(several_frames), near if key == near_key else None
            except (ValueError, TypeError):
                continue  # incomplete after a kill: that content is decoded again

    def get(self, sha256: str | None, *, near: bool) -> tuple[bool, str | None] | None:
        """What is known of a content; None if it has to be decoded."""
        known = self._known.get(sha256 or "")
        return None if known is None or (near and known[1] is None) else known

    def add(self, sha256: str, several_frames: bool, near: str | None) -> None:
        """Remember a content."""
        if self._record is not None and (several_frames, near) != self._known.get(sha256):
            self._known[sha256] = several_frames, near
            keyed = None if near is None else [self._near_key, near]
            self._new.append(json.dumps([sha256, several_frames, keyed]) + "\n")

    def flush(self) -> None:
        """Append what is new; if that is not permitted, it is decoded again next time."""
        if self._record is None or not self._new:
            return
        new, self._new = self._new, []
        try:
            self._record.parent.mkdir(parents=True, exist_ok=True)
            # A new line first: a kill may have left half of one.
            with open(self._record, "a", encoding="utf-8") as handle:
                handle.write("\n" + "".join(new))
        except OSError as error:
            log.info("%s: cannot be written (%s)", self._record, error)


class Checked(NamedTuple):
    """What was found out about a file.

    Attributes
    ----------
    sha256
        SHA-256 of its content; "" if it could not be read.
    problem
        Why it cannot be used; "" if it can.
    several_frames
        Whether it holds frames or pages beyond the first.
    near
        Perceptual hash as hexadecimal digits, where it was asked for.
    """

    sha256: str
    problem: str
    several_frames: bool
    near: str | None


def contents_record(folder: Path, dataset: str, image_size: int) -> Path:
    """Where decoded contents of a data set are remembered."""
    return folder / f"{dataset}.decoded.{image_size}.{decoder_key()}.jsonl"


def forget_other_decoders(record: Path, dataset: str) -> None:
    """Remove what was remembered for another decoder than that of `record`, or another size."""
    for other in record.parent.glob(f"{dataset}.decoded.*.jsonl"):
        if other != record:
            other.unlink(missing_ok=True)


@functools.cache
def decoder_key() -> str:
    """What decides whether a file can be decoded: this code and the version of Pillow."""
    recall()
    closure = sorted(import_closure({"labelbench_core.datasets.images.decoding"}))
    own = [name for name in closure if name.startswith("labelbench_core.datasets.images.")]
    text = " ".join([*map(module_hash, own), importlib.metadata.version("pillow")])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def near_key(ground: str) -> str:
    """What perceptual hashes depend on beside the content, its size and the decoder."""
    versions = sorted(perceptual_hashes.version().items())
    return f"{ground} {versions} {module_hash(perceptual_hashes.__name__)[:16]}"


def check_files(
    root: Path,
    names: Sequence[str],
    image_size: int,
    *,
    ground: str = "white",
    threads: int = 1,
    digests: Digests | None = None,
    contents: Contents | None = None,
    near: bool = False,
) -> list[Checked]:
    """Read and decode files, except those whose content is known to be decodable.

    Parameters
    ----------
    root, names
        A folder, and paths relative to it.
    image_size, ground
        As extraction will decode: see `decode`.
    threads
        Threads that read and decode; results do not depend on them.
    digests, contents
        What is remembered; they are added to.
    near
        Also compute perceptual hashes.
    """
    digests = digests or Digests(root)
    contents = contents or Contents(None)

    def check_chunk(chunk: Sequence[str]) -> list[tuple[Checked, Status | None, float]]:
        return [check(name) for name in chunk]

    def check(name: str) -> tuple[Checked, Status | None, float]:
        path, when = os.path.join(root, name), time.time()
        if "\0" in path:  # for which opening it has no error of its own
            return Checked("", "file not found", False, None), None, when
        status = _status(path)
        try:
            content = read_regular(path)
            if status is None or status != _status(path):
                status = None  # it changed meanwhile
            sha256 = hashlib.sha256(content).hexdigest()
            known = contents.get(sha256, near=near)
            if known is None:
                decoded = decode(content, image_size, ground=ground)
                known = (
                    decoded.several_frames,
                    perceptual_hashes.perceptual_hash(decoded.pixels) if near else None,
                )
        except InputError as error:
            return Checked("", str(error), False, None), None, when
        return Checked(sha256, "", *known), status, when

    # What is known needs no thread: many would wait for each other longer than they take.
    found: dict[str, Checked] = _known_files(names, digests, contents, near=near)
    unknown = [name for name in dict.fromkeys(names) if name not in found]
    chunks = [unknown[first : first + CHUNK] for first in range(0, len(unknown), CHUNK)]
    with Progress("checking images", len(names), "images") as progress:
        progress.update(len(names) - len(unknown))
        for chunk, results in zip(chunks, ordered_map(check_chunk, chunks, threads), strict=True):
            for name, (checked, status, when) in zip(chunk, results, strict=True):
                found[name] = checked
                if not checked.problem:
                    contents.add(checked.sha256, checked.several_frames, checked.near)
                if status is not None:
                    digests.note(name, status, checked.sha256, when)
            # Together, so that a kill loses only a few images.
            contents.flush()
            digests.flush()
            progress.update(len(chunk))
    return [found[name] for name in names]


def _known_files(
    names: Sequence[str], digests: Digests, contents: Contents, *, near: bool
) -> dict[str, Checked]:
    """Files whose status is that of a content that was decoded before."""
    found = {}
    for name, status in zip(names, digests.statuses(names), strict=True):
        sha256 = digests.known(name, status) if isinstance(status, Status) else None
        known = contents.get(sha256, near=near)
        if sha256 is not None and known is not None:
            found[name] = Checked(sha256, "", *known)
    return found


def _status(path: str) -> Status | None:
    """A file's status; None if it is missing or cannot be read: reading the file says why."""
    with contextlib.suppress(OSError):
        return status_of(path)
    return None


def broken_files(
    root: Path,
    broken: Sequence[tuple[str, str]],
    total: int,
    where: Callable[[str], str] | None = None,
) -> InputError:
    """The error that names files which cannot be used, as (path, reason).

    `where` says by what a file is named, such as a line of a table.
    """
    lines = [
        f"  {printable(root / name)}{f' ({where(name)})' if where else ''}: {reason}"
        for name, reason in broken[:NAMED]
    ]
    if len(broken) > NAMED:
        lines.append(f"  and {len(broken) - NAMED} more")
    are = "1 image cannot" if len(broken) == 1 else f"{len(broken)} images cannot"
    return InputError(
        f"{are} be used, of {total}; replace or remove what is named here and run again, or leave "
        "it out with the data set's option `corrupt: skip`:\n" + "\n".join(lines)
    )
