"""Names of files and classes, compared in one Unicode form."""

import os
import unicodedata
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from labelbench_core.errors import InputError, shown
from labelbench_core.storage.places import printable


def same_name(text: str) -> str:
    """A name in Unicode's NFC, without blanks around it: names are compared in this form."""
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
    where
        What holds the split, for the beginning of the message; empty: it is not named.
    more
        What else is known of the first of them, with a comma at its end.
    may_lack
        Whether `allow_missing_classes` would permit that.
    """
    cure = f"{row}s of it there, or the class left out of all splits"
    advice = "; `allow_missing_classes: true` accepts that" if may_lack else ""
    begin = f"{where}: " if where else ""
    return InputError(
        f"{begin}split {split} has no {row} of class {printable(missing[0])} "
        f"({more}{len(missing)} classes missing); allowed: {cure}{advice}"
    )


def below(data_dir: str | os.PathLike[str], option: str, path: str) -> Path:
    """A path of an option in the data directory; `InputError` if it leads out of it."""
    parts = PurePosixPath(path).parts
    if PurePosixPath(path).is_absolute() or ".." in parts:
        raise InputError(
            f"options.{option}: {shown(path)}; allowed: a path below the data directory, without "
            "..: put a link there, or set LABELBENCH_DATA to a folder above it"
        )
    return Path(data_dir, path)
