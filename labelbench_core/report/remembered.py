"""Parts of the page that depend on nothing but code, kept for the next report on this machine."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

from labelbench_core.errors import InputError
from labelbench_core.storage.files import MACHINE_STATE, atomic_path


def remembered(
    name: str, make: Callable[[], str], packages: Sequence[str], source: str | Path
) -> str:
    """What `make()` returns, or what it returned to an earlier process that had the same code.

    Nothing is kept where no workflow runs. A file that is damaged or belongs to other code is made
    again; if it cannot be written, that is no error.

    Parameters
    ----------
    name
        Name of the file.
    packages
        Distributions whose versions decide what is made.
    source
        File of the code that makes it.
    """
    code = [f"{package} {version(package)}" for package in packages]
    code.append(hashlib.sha256(Path(source).read_bytes()).hexdigest())
    path = MACHINE_STATE / name
    try:
        head, _, text = path.read_text(encoding="utf-8").partition("\n")
        if head == _head(code, text):
            return text
    except (OSError, UnicodeDecodeError):
        pass
    text = make()
    if MACHINE_STATE.is_dir():
        with contextlib.suppress(OSError, InputError), atomic_path(path) as aside:
            aside.write_text(f"{_head(code, text)}\n{text}", encoding="utf-8")
    return text


def _head(code: Sequence[str], text: str) -> str:
    return f"// {hashlib.sha256(chr(0).join([*code, text]).encode()).hexdigest()}"
