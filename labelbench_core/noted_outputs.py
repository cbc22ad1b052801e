"""What Snakemake last saw of every output: its content and when it was made.

Snakemake runs again what was made from a file that is newer than it, unless it has noted the file's
checksum, which it does for small files only. A file that was lost and comes out equal may be given
its former time, and nothing made from it runs again. Both facts are kept for that in `NOTES`:
a fact of this folder, like Snakemake's own metadata; lose it, and more runs again than has to.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path

from labelbench_core import files

NOTES = Path(".snakemake/labelbench/outputs.json")


def read_notes(notes: Path = NOTES) -> dict[str, list]:
    """Path → [SHA-256, modification time in ns] of all outputs noted; none if unreadable."""
    try:
        found = json.loads(notes.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def note(outputs: Iterable[str], planned: Iterable[str] = (), notes: Path = NOTES) -> None:
    """Remember the files among `outputs` as they are now; what is no file is left out.

    Of those `planned`, the ones of which nothing is noted: a call that was killed noted nothing.

    A file whose content is as noted keeps the time noted: what was made from it since then was made
    from the same bytes.
    """
    noted = read_notes(notes)
    found = {}
    for path in {*outputs, *(path for path in planned if path not in noted)}:
        try:
            digest, modified = files.sha256_file(path), os.stat(path).st_mtime_ns
        except (FileNotFoundError, IsADirectoryError):
            continue  # a passing file, or a folder, whose manifest is noted
        if noted.get(path, [None])[0] != digest:
            found[path] = [digest, modified]
    if found:
        with files.exclusive(notes), files.atomic_path(notes) as aside:
            aside.write_text(json.dumps({**read_notes(notes), **found}, sort_keys=True))


def put_times_back(outputs: Iterable[str], notes: Path = NOTES) -> None:
    """Give files whose content is as noted the time that is noted."""
    noted = read_notes(notes)
    for path in outputs:
        if path in noted and os.path.isfile(path):
            digest, modified = noted[path]
            status = os.stat(path)
            if status.st_mtime_ns != modified and files.sha256_file(path) == digest:
                os.utime(path, ns=(status.st_atime_ns, modified))
