"""Entries that an experiment brings along: its key `catalogue`, and the files and folders it names.

A mapping holds entries, kind → id → entry; a text names a file with such a mapping, or a folder
with files KIND.yaml as in `config/catalogue`; a list has several of these.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labelbench_core.errors import InputError, did_you_mean, listed, shown_key, shown_value
from labelbench_core.storage.files import Json
from labelbench_core.storage.places import is_file, is_folder, looking, printable
from labelbench_core.storage.yaml_files import read_yaml

KEY = "catalogue"
KINDS = (
    *("datasets", "annotators", "backbones", "proxies", "trainers", "strategies"),
    *("schedules", "augmentations"),
)


@dataclass(frozen=True)
class Given:
    """The value of an experiment's key `catalogue`.

    Attributes
    ----------
    place
        The file that has it, for messages.
    folder
        What paths in it start from.
    """

    value: Any
    place: str
    folder: Path


@dataclass(frozen=True)
class Entries:
    """Entries of one kind from one place.

    Attributes
    ----------
    values
        Id → entry; not checked yet.
    place
        Where they are, for messages: a file, or a file and a key.
    separator
        What stands between `place` and an id.
    folder
        What paths in them start from.
    """

    kind: str
    values: Any
    place: str
    separator: str
    folder: Path


def read_entries(given: Sequence[Given]) -> list[Entries]:
    """All entries that experiments bring along, in order.

    Raises
    ------
    InputError
        If a value has none of these forms, or a file is missing or not valid YAML.
    """
    return [entries for one in given for entries in _read(one.value, one, KEY)]


def _read(value: Json, given: Given, key: str) -> Iterator[Entries]:
    told = f"{given.place}: {key}: {shown_value(value)}"
    if isinstance(value, list) and value and key == KEY:
        for place, one in enumerate(value):
            yield from _read(one, given, f"{key}.{place}")
    elif isinstance(value, Mapping):
        yield from _by_kind(value, given.place, given.folder, f"{key}.")
    elif isinstance(value, str) and value:
        yield from _from_path(value, given, told)
    else:
        raise InputError(
            f"{told}; allowed: a mapping of kinds to entries, the path of a file or folder, or a "
            "list of these"
        )


def _from_path(value: str, given: Given, told: str) -> Iterator[Entries]:
    path = given.folder / value
    if value.startswith("~"):
        raise InputError(f"{told}: ~ is not expanded; allowed: the full path")
    with looking(told):
        is_there, is_listed = is_file(path), is_folder(path)
        found = [file for kind in KINDS if is_listed and is_file(file := path / f"{kind}.yaml")]
    if is_listed:
        if not found:
            allowed = listed(f"{kind}.yaml" for kind in KINDS)
            raise InputError(f"{told}: the folder {path} has no entries; allowed: {allowed}")
        for file in found:
            yield Entries(file.stem, read_yaml(file) or {}, str(file), ": ", path)
        return
    if not is_there:
        raise InputError(
            f"{told}: there is no file or folder {printable(path)}; allowed: a path from the "
            f"folder {given.folder}"
        )
    content: Json = read_yaml(path)
    if not isinstance(content, Mapping):
        raise InputError(
            f"{path}: the file: {shown_value(content)}; allowed: a mapping of kinds to entries"
        )
    yield from _by_kind(content, str(path), path.parent, "")


def _by_kind(values: Mapping[str, Json], file: str, folder: Path, start: str) -> Iterator[Entries]:
    for kind, entries in values.items():
        if kind not in KINDS:
            hint = did_you_mean(kind, KINDS)
            told = f"{file}: {start}{shown_key(kind)}: unknown kind of entry{hint}"
            raise InputError(f"{told}; allowed: {listed(KINDS)}")
        if not isinstance(entries, Mapping):
            told = f"{file}: {start}{kind}: {shown_value(entries)}"
            raise InputError(f"{told}; allowed: a mapping of ids to entries")
        yield Entries(kind, entries, f"{file}: {start}{kind}", ".", folder)
