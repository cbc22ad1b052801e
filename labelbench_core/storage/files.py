"""Writing files so that an interruption, a full disk or a second writer never damages a result.

Everything is written to a temporary file and renamed. Equal content has equal bytes: JSON is
canonical, archives contain no dates.
"""

import contextlib
import errno
import fcntl
import glob
import hashlib
import io
import json
import os
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from labelbench_core.errors import InputError, damaged, missing

Json = dict[str, Any] | list[Any] | str | int | float | bool | None
"""Values of JSON, and of YAML as configurations use it."""
MACHINE_STATE = Path(".snakemake", "labelbench")
"""What a machine remembers of a workflow's working directory: it saves time, and is no result."""
# What NumPy and zipfile raise for damaged files.
NPZ_ERRORS = (
    ValueError,
    EOFError,
    OSError,
    KeyError,
    TypeError,
    SyntaxError,
    MemoryError,
    OverflowError,
    NotImplementedError,
    RuntimeError,
    zipfile.BadZipFile,
    tokenize.TokenError,
    struct.error,
    zlib.error,
)


def canonical_json(value: Any, *, indent: int | None = None) -> str:
    """`value` as JSON whose text depends on its content only: keys sorted, NaN refused."""
    separators = (",", ": ") if indent else (",", ":")
    return json.dumps(
        value, sort_keys=True, indent=indent, separators=separators, allow_nan=False, default=_plain
    )


def _plain(value: Any) -> Any:
    """NumPy scalars and arrays as the Python values that JSON knows."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def read_json(path: str | Path, made_by: str = "") -> Any:
    """The content of a JSON file; `InputError` names the file if it is missing or damaged.

    `made_by` is the rule that makes it, for the message.
    """
    return parse_json(read_bytes(path, made_by), path)


def read_bytes(path: str | Path, made_by: str = "") -> bytes:
    """The bytes of a result file; `InputError` if it cannot be read."""
    with reading(path, made_by):
        return Path(path).read_bytes()


@contextlib.contextmanager
def reading(path: str | Path, made_by: str = "") -> Generator[None]:
    """While the block runs, an `InputError` names the result file `path` if it cannot be read."""
    try:
        yield
    except FileNotFoundError as error:
        raise missing(path, made_by) from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error


def parse_json(content: bytes, path: str | Path) -> Any:
    """The value of JSON text, in which numbers are finite; `InputError` names the file `path`."""
    try:
        return json.loads(content.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise damaged(path, f"not valid JSON ({error})") from error


def _refuse_constant(name: str) -> None:
    """`ValueError`: nothing here writes NaN or infinity."""
    raise ValueError(f"{name} is not a JSON number")


def write_json(path: str | Path, value: Any) -> None:
    """Write `value` as canonical, indented JSON, atomically."""
    with atomic_path(path) as aside:
        aside.write_text(canonical_json(value, indent=1) + "\n", encoding="utf-8")


@contextlib.contextmanager
def atomic_path(path: str | Path) -> Generator[Path]:
    """A path beside `path` to write to; renamed to `path` when the block ends without error.

    Leftovers of killed writers of `path` are removed.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(path)
    aside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with open(aside, "wb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)  # its writer lives: not a leftover
            yield aside
            with open(aside, "rb") as handle:
                os.fsync(handle.fileno())
            os.replace(aside, path)
    except OSError as error:
        raise explain_disk_error(error, path) from error
    finally:
        aside.unlink(missing_ok=True)


def remove(path: str | Path) -> None:
    """Delete a file, if it exists, and the leftovers of its killed writers."""
    path = Path(path)
    path.unlink(missing_ok=True)
    _remove_leftovers(path)


def _remove_leftovers(path: Path) -> None:
    """Delete the temporary files of dead writers of `path`."""
    for aside in path.parent.glob(f".{glob.escape(path.name)}.*.partial"):
        # The kernel released the lock of a writer that died, however it died. Files that cannot be
        # removed, such as another user's, do no harm.
        with contextlib.suppress(OSError), open(aside, "r+b") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            aside.unlink()


def explain_disk_error(error: OSError, path: str | Path) -> Exception:
    """`error`, or a clear `InputError` where it means that the disk or the quota is full."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return InputError(
            f"{path}: no space left on the device while writing; no finished work is "
            "lost: free some space and run the same command again"
        )
    return error


def write_npz(path: str | Path, **arrays: np.ndarray) -> str:
    """Write arrays as an uncompressed `.npz` whose bytes depend on the arrays only (no dates).

    Returns
    -------
    The SHA-256 of the file.
    """
    with atomic_path(path) as aside:
        with zipfile.ZipFile(aside, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
            for name in sorted(arrays):
                buffer = io.BytesIO()
                # Not ascontiguousarray, which turns scalars into vectors.
                array = np.asarray(arrays[name], order="C")
                np.lib.format.write_array(buffer, array, allow_pickle=False)
                entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
                archive.writestr(entry, buffer.getvalue())
        return sha256_file(aside)


def read_npz(path: str | Path, made_by: str = "") -> dict[str, np.ndarray]:
    """All arrays of an `.npz` file; `InputError` names the file if it is missing or damaged.

    `made_by` is the rule that makes it, for the message.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise damaged(path, "not an .npz file, but a single array")
            members: dict[str, object] = {name: archive[name] for name in archive.files}
    except FileNotFoundError as error:
        raise missing(path, made_by) from error
    except InputError:
        raise
    except NPZ_ERRORS as error:
        reason = " ".join(str(error).split())[:100] or type(error).__name__
        raise damaged(path, f"not a readable .npz file ({reason})") from error
    arrays: dict[str, np.ndarray] = {}
    for name, member in members.items():
        if not isinstance(member, np.ndarray):
            raise damaged(path, f"not a readable .npz file ({name} is not an array)")
        arrays[name] = member
    return arrays


def sha256_bytes(data: Any) -> str:
    """SHA-256 of anything with a buffer, as hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: str | Path) -> str:
    """SHA-256 of a file's content, as hexadecimal digits."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def sha256_arrays(arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 over names, dtypes, shapes and contents."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape} ".encode())
        digest.update(array.data)
    return digest.hexdigest()


@contextlib.contextmanager
def exclusive(path: str | Path) -> Generator[None]:
    """Hold the lock of `path` (a file `path.lock`, removed afterwards) while the block runs.

    Waits for another holder on this host. The kernel releases the lock when its holder dies,
    however it dies, so that an orphaned job and its replacement never both write, and no lock is
    left over.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_name(path.name + ".lock")
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            # A holder that finished meanwhile has removed the file: our lock is then on a deleted
            # file.
            with contextlib.suppress(FileNotFoundError):
                if os.fstat(descriptor).st_ino == os.stat(lock).st_ino:
                    break
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
        os.close(descriptor)
