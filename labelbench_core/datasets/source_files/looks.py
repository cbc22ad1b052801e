"""When the sources of data sets were last checked on this machine, and what was found.

State of this machine, outside the results: without it, sources are checked, and read, once more.
"""

import contextlib
import dataclasses
import datetime
import hashlib
import json
import logging
import os
from collections.abc import Iterable
from pathlib import Path

from labelbench_core.errors import InputError
from labelbench_core.storage import files

log = logging.getLogger(__name__)
STATE = files.MACHINE_STATE / "sources"


@dataclasses.dataclass(frozen=True)
class SourceLook:
    """The result of a check of a source.

    Attributes
    ----------
    root
        Its folder, links resolved.
    count
        Number of its files.
    sha256
        Over their names and contents, as `digests.contents_sha256`.
    when
        Date and time of the look, UTC.
    statuses
        Over sizes and times, as `digests.statuses_sha256`; None: not known.
    """

    root: str
    count: int
    sha256: str
    when: str
    statuses: str | None = None


def now() -> str:
    """Date and time, UTC, to the second."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def digests_record(state: Path, root: Path) -> Path:
    """The file, in the folder `state`, of hashes of files under `root`."""
    name = hashlib.sha256(os.fsencode(os.path.realpath(root))).hexdigest()[:16]
    return state / f"{name}.digests.jsonl"


def read_look(state: Path, dataset: str) -> SourceLook | None:
    """The last check of the source of `dataset`; None if there was none, or it is unreadable."""
    with contextlib.suppress(OSError, ValueError, TypeError, RecursionError):
        look = SourceLook(**json.loads((state / f"{dataset}.json").read_text(encoding="utf-8")))
        texts = (look.root, look.sha256, look.when)
        if all(isinstance(text, str) for text in texts) and isinstance(look.count, int):
            return look
    return None


def write_look(state: Path, dataset: str, look: SourceLook) -> None:
    """Record a check; if that is not permitted, nothing is recorded."""
    try:
        files.write_json(state / f"{dataset}.json", dataclasses.asdict(look))
    except (OSError, InputError) as error:
        log.info("%s: cannot be written (%s)", state, error)


def last_looks(state: Path, datasets: Iterable[str]) -> dict[str, SourceLook | None]:
    """Data set → the last check of its source on this machine, if any."""
    return {dataset: read_look(state, dataset) for dataset in datasets}
