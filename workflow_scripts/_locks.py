"""Snakemake's lock on a working directory: removed if its process is dead, else told of."""

import fcntl
import os
import shlex
import socket
from collections.abc import Sequence
from pathlib import Path

from labelbench_core.errors import seen_from_here
from labelbench_core.storage.places import printable

OWNER = Path(".snakemake", "labelbench.owner")
"""Locked by the processes that use a working directory; it holds the name of their host."""
# Kept open, and so locked, for as long as this process lives.
_held_locks: list[int] = []
# Whether another process of this host has used the folder since before this one began.
_others: list[bool] = []


def clear_dead_lock(folder: Path) -> None:
    """Remove Snakemake's lock if the process that left it is provably dead.

    Every main process holds a shared `flock` on a file of its own working directory until it ends,
    however it ends. A process that gets it exclusively is therefore alone on this host; if
    Snakemake's lock was left on this host, its owner is dead.
    """
    folder.mkdir(exist_ok=True)
    descriptor = os.open(folder / OWNER.name, os.O_RDWR | os.O_CREAT, 0o666)
    _held_locks.append(descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _others.append(True)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        return
    host = socket.gethostname().encode()
    owner = os.pread(descriptor, 4096, 0)
    locks = list((folder / "locks").glob("*.lock"))
    if owner == host:
        for lock in locks:
            lock.unlink(missing_ok=True)
    if owner == host or not locks:  # else the next call would take the other's locks for ours
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, host, 0)
    fcntl.flock(descriptor, fcntl.LOCK_SH)


def how_to_unlock(folder: Path, config_files: Sequence[str]) -> str:
    """What a user whom Snakemake's lock stopped is told.

    Parameters
    ----------
    folder
        The working directory.
    config_files
        The files that were given with `--configfile`, as messages name them.
    """
    is_here = folder == Path.cwd()
    here = f"{'this folder' if is_here else seen_from_here(folder)}: locked"
    if _others:
        return f"{here} by a process that runs on this machine; allowed: one at a time"
    owner = (folder / OWNER).read_text(encoding="utf-8", errors="replace")
    given = " ".join(map(shlex.quote, config_files))
    elsewhere = [] if is_here else ["--directory", str(folder)]
    options = shlex.join(["--unlock", *elsewhere])
    command = f".venv/bin/snakemake {options}" + (f" --configfile {given}" if given else "")
    if len(config_files) < 2:
        one = f"CONFIG={given} " if given else ""
        command = f"make run {one}OPTIONS={shlex.quote(options)}, or {command}"
    machine = printable(owner) or "an unknown machine"
    return (
        f"{here} by a process on {machine}. If none runs there any more, remove the lock: "
        f"{command}; then run the same command again"
    )
