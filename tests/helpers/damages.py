"""Ways to damage a file, and what a job must say then."""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from labelbench_core.seeds import rng_for

Fault = Callable[[Path, Path], None]


@contextlib.contextmanager
def put_back(*paths: Path) -> Iterator[None]:
    """Afterwards these files are as before."""
    whole = {path: path.read_bytes() for path in paths}
    try:
        yield
    finally:
        for path, content in whole.items():
            if path.is_dir():
                path.rmdir()
            path.write_bytes(content)


def truncated(path: Path, _: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def one_byte_flipped(path: Path, _: Path) -> None:
    content = path.read_bytes()
    place = int(rng_for("flip", path.name).integers(len(content)))
    path.write_bytes(flipped(content, place))


def half_inverted(path: Path, _: Path) -> None:
    content = np.frombuffer(path.read_bytes(), np.uint8).copy()
    content[: len(content) // 2] ^= 255
    path.write_bytes(content.tobytes())


def swapped(path: Path, sibling: Path) -> None:
    shutil.copyfile(sibling, path)


def missing(path: Path, _: Path) -> None:
    path.unlink()


def a_folder(path: Path, _: Path) -> None:
    path.unlink()
    path.mkdir()


def holding(text: str) -> Fault:
    def write(path: Path, _: Path) -> None:
        path.write_text(text)

    write.__name__ = f"holds {text[:12]!r}"
    return write


DAMAGES = [
    *(truncated, one_byte_flipped, half_inverted, swapped, missing, a_folder),
    *map(holding, ["", "{}", "[]", "5", "null", "NaN", '"text"', "[" * 100_000]),
]


def told(job: Callable[[], int], path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that a job ends with, which must name `path` or a file in it."""
    capsys.readouterr()
    assert job() == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    assert str(path) in lines[0]
    assert "again" in lines[0] or "cannot be read" in lines[0]
    assert len(lines[0]) < 3 * len(str(path)) + 400
    return lines[0]


def flipped(content: bytes, place: int) -> bytes:
    """`content` with one bit of the byte `place` inverted."""
    return content[:place] + bytes([content[place] ^ 1 << place % 8]) + content[place + 1 :]


def place_of(folder: Path, name: str) -> Path:
    """A file by its name; of an array, its first block."""
    path = folder / name
    return path if path.suffix else next(p for p in (path / "c").rglob("*") if p.is_file())


def contents(folder: Path) -> dict[str, bytes]:
    """Every result by its path; what this machine remembers of blocks is none."""
    return {
        str(path): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".checked.json"
    }
