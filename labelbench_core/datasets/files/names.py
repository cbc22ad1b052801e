"""Names of files: shown on one line whatever their bytes, compared in one Unicode form."""

import errno
import os
import stat
import unicodedata
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from labelbench_core.errors import InputError, shown

_NOTHING = (errno.ENOENT, errno.ENOTDIR, errno.EBADF, errno.ELOOP, errno.ENAMETOOLONG)


def printable(path: str | os.PathLike[str]) -> str:
    r"""A path as text for messages, logs and manifests: valid UTF-8, on one line.

    Bytes that are not UTF-8 are written as ``\xe9``, control characters as ``\n``.
    """
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)


def same_name(text: str) -> str:
    """A name in Unicode's NFC, without blanks around it: what is equal so is one name."""
    return unicodedata.normalize("NFC", text.strip())


def class_name(folder: str | os.PathLike[str], name: str) -> str:
    """The class that a folder `name` in `folder` stands for: its name in Unicode's NFC.

    Systems encode an accented letter as one character or as two: the class is the same.
    """
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"{printable(os.path.join(folder, name))}: the name of this class is not UTF-8; "
            "rename the folder"
        ) from error
    return unicodedata.normalize("NFC", name)


def require_classes(names: Sequence[str], where: object, *, labeled: bool = True) -> None:
    """`InputError` unless there are at least two classes; `where` they are, for the message.

    Where nothing is `labeled`, none need be known: those who label will name them.
    """
    if len(names) < 2 and (names or labeled):
        has = f"one class, {printable(names[0])}" if names else "no class"
        raise InputError(f"{where}: {has}; allowed: at least two classes")


def lacks_classes(
    where: object, split: str, row: str, missing: Sequence[str], more: str = "", *, may_lack: bool
) -> InputError:
    """The error for a split without rows of some classes: which, where, and what can be done.

    Parameters
    ----------
    row
        What a row of the split is called.
    missing
        Names of these classes.
    more
        What else is known of the first of them, with a comma at its end.
    may_lack
        Whether the split could be without, by `allow_missing_classes`.
    """
    cure = f"{row}s of it there, or the class left out of all splits"
    advice = "; `allow_missing_classes: true` accepts that" if may_lack else ""
    return InputError(
        f"{where}: split {split} has no {row} of class {printable(missing[0])} "
        f"({more}{len(missing)} classes missing); allowed: {cure}{advice}"
    )


def below(data_dir: str | os.PathLike[str], option: str, path: str) -> Path:
    """A path of an option in the data directory; `InputError` if it leads out of it."""
    parts = PurePosixPath(path).parts
    if PurePosixPath(path).is_absolute() or ".." in parts:
        raise InputError(
            f"options.{option}: {shown(path)}; allowed: a path below the data directory, without .."
        )
    return Path(data_dir, path)


def is_file(path: str | os.PathLike[str]) -> bool:
    """Whether there is such a file; there is none of a name that no file can have.

    Raises
    ------
    OSError
        If it may not be looked at: then nobody knows. (`os.path.isfile` says that there is none.)
    """
    return stat.S_ISREG(_mode(path))


def is_folder(path: str | os.PathLike[str]) -> bool:
    """As `is_file`, of a folder."""
    return stat.S_ISDIR(_mode(path))


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
