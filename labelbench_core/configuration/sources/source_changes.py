"""What changed in a source, in one line."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from labelbench_core.datasets import OTHER_FILES
from labelbench_core.errors import InputError
from labelbench_core.storage.files import read_json
from labelbench_core.storage.places import printable

MOST_ROUTES = 2
"""Most moves from folder to folder that are listed one by one."""


def prepared_contents(manifest: Mapping[str, Any], arrays: Path) -> dict[str, str] | None:
    """Name → SHA-256 of the files that a data set was prepared from; None if not all are listed."""
    listings = [
        f"{name}-files.json"
        for name, split in manifest["splits"].items()
        if split.get("storage") == "files"
    ]
    listings += [OTHER_FILES] if (arrays / OTHER_FILES).exists() else []
    try:
        contents = dict(entry for name in listings for entry in read_json(arrays / name))
    except (InputError, TypeError, ValueError):
        return None
    listed = all(isinstance(one, str) for entry in contents.items() for one in entry)
    return contents if listed and len(contents) == manifest["source_files"]["count"] else None


def describe_changes(before: Mapping[str, str] | None, after: Mapping[str, str]) -> str:
    """What changed from `before` to `after`, name → hash of content, with examples.

    A file that is gone and one that is new with the same content are one file, moved or renamed.
    """
    if before is None:
        return f"its {len(after):,} files are not those it was prepared from"
    edited = sorted(name for name in before.keys() & after.keys() if before[name] != after[name])
    added = sorted(after.keys() - before.keys())
    removed = sorted(before.keys() - after.keys())
    moves = _pairs({name: before[name] for name in removed}, {name: after[name] for name in added})
    gone, new = {old for old, _ in moves}, {name for _, name in moves}
    renamed = [name for old, name in moves if _folder(old) == _folder(name)]
    routes: dict[tuple[str, str], list[str]] = {}
    for old, name in moves:
        if _folder(old) != _folder(name):
            routes.setdefault((_folder(old), _folder(name)), []).append(name)
    parts = [
        _part([name for name in added if name not in new], "added"),
        _part([name for name in removed if name not in gone], "removed"),
        _part(edited, "edited"),
        _part(renamed, "renamed"),
    ]
    if len(routes) <= MOST_ROUTES:
        for (old, new_folder), names in routes.items():
            told = f"moved from {printable(old)} to {printable(new_folder)}"
            parts.append(_part(names, told))
    else:
        parts.append(_part([n for names in routes.values() for n in names], "moved"))
    return ", ".join(filter(None, parts))


def why_again(dataset: str, changes: str) -> str:
    """Why a data set whose source has such `changes` is prepared again."""
    return f"since data set {dataset!r} was prepared: {changes}"


def _pairs(removed: Mapping[str, str], added: Mapping[str, str]) -> list[tuple[str, str]]:
    """(old name, new name) of files of the same content; those that stay in their folder first."""
    waiting: dict[str, list[str]] = {}
    for name, content in added.items():
        waiting.setdefault(content, []).append(name)
    pairs, left = list[tuple[str, str]](), list[tuple[str, str]]()
    for name, content in removed.items():
        near = [one for one in waiting.get(content, ()) if _folder(one) == _folder(name)]
        if near:
            waiting[content].remove(near[0])
            pairs.append((name, near[0]))
        else:
            left.append((name, content))
    for name, content in left:
        if waiting.get(content):
            pairs.append((name, waiting[content].pop(0)))
    return sorted(pairs)


def _part(names: list[str], verb: str) -> str:
    """How many files were changed in one way, as in "2 files added (pool/cat/a.jpg, …)"."""
    if not names:
        return ""
    more = ", …" if len(names) > 1 else ""
    return f"{len(names):,} file{'s' * (len(names) > 1)} {verb} ({printable(names[0])}{more})"


def _folder(name: str) -> str:
    return str(PurePosixPath(name).parent)
