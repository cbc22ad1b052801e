"""Paths that people give: whether a file or folder is there, and how messages write them."""

import contextlib
import errno
import os
import stat
from collections.abc import Generator
from pathlib import Path

from labelbench_core.errors import InputError

_NOTHING = (errno.ENOENT, errno.ENOTDIR, errno.EBADF, errno.ELOOP, errno.ENAMETOOLONG)


def printable(path: str | os.PathLike[str]) -> str:
    r"""A path as text for messages, logs and manifests: valid UTF-8, on one line.

    Bytes that are not UTF-8 are written as ``\xe9``, control characters as ``\n``.
    """
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)


def is_file(path: str | os.PathLike[str]) -> bool:
    """Whether there is such a file; False for a name that no file can have.

    Raises
    ------
    OSError
        If it cannot be looked at, so that nobody knows. (`os.path.isfile` says that there is none.)
    """
    return stat.S_ISREG(_mode(path))


def is_folder(path: str | os.PathLike[str]) -> bool:
    """As `is_file`, for a folder."""
    return stat.S_ISDIR(_mode(path))


@contextlib.contextmanager
def looking(told: str) -> Generator[None]:
    """While the block runs, an `OSError` becomes an `InputError` that begins with `told`."""
    try:
        yield
    except OSError as error:
        place = printable(error.filename) if error.filename else "it"
        raise InputError(f"{told}: {place} cannot be looked at: {error.strerror}") from error


def at_home(path: str) -> Path:
    """A path whose first part may be `~`, the home folder, or `~USER`, if there is one."""
    return Path(os.path.expanduser(path))


def _mode(path: str | os.PathLike[str]) -> int:
    """The mode of what is at a path; 0 where nothing is, or nothing can be."""
    try:
        return os.stat(path).st_mode
    except ValueError:  # a zero byte in the name
        return 0
    except OSError as error:
        if error.errno in _NOTHING:
            return 0
        raise
