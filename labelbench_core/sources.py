"""Whether the sources of prepared data sets have changed since: looked at by the main process only.

Content decides. What was prepared says what it was made from; a source that is missing or out of
reach means that this stands. Looking costs one `stat` a file; files are read only where size,
times or inode are new (`digests`).
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labelbench_core import looks, registry
from labelbench_core.catalogue import raise_all
from labelbench_core.datasets import Source
from labelbench_core.digests import Digests, contents_sha256, statuses_sha256
from labelbench_core.errors import InputError
from labelbench_core.files import read_json
from labelbench_core.source_changes import describe_changes, prepared_contents

WHEN = ("always", "small", "never")
MOST_FILES = 10_000
"""A source of more files is looked at only when asked."""
MANY_FILES = 1_000
"""Reading so many files anew is announced."""

UNCHANGED, CHANGED = "unchanged", "changed"
OUT_OF_REACH, UNKNOWN = "out of reach", "lists no files"

Tell = Callable[[str], Any]


@dataclass(frozen=True)
class Finding:
    """What a look found: one of the words above, and for `CHANGED` and `OUT_OF_REACH` what."""

    state: str
    what: str = ""
    count: int = 0


def changed_sources(
    entries: Mapping[str, Mapping[str, Any]],
    manifests: Mapping[str, Path],
    data_dir: Path,
    *,
    when: str = "small",
    state: Path = looks.STATE,
    tell: Tell = print,
) -> dict[str, str]:
    """Data set → what changed in its source since it was prepared.

    Parameters
    ----------
    entries
        Data set → its entry in the catalogue.
    manifests
        Data set → path of its manifest. Those that are not prepared, or were with other settings,
        are not looked at: they are made anyway.
    data_dir
        Where sources look for files.
    when
        "small": sources of at most `MOST_FILES` files, and those in which the last look, by
        command, found a change; "always"; "never".
    state
        Folder of what is remembered on this machine.
    tell
        Gets a line where many files have to be read.

    Raises
    ------
    InputError
        All sources that are there but cannot be prepared again, one a line.
    """
    changed, errors = {}, []
    for dataset, entry in entries.items():
        manifest = read_manifest(manifests[dataset])
        if when == "never" or not _made_by(manifest, entry):
            continue
        if when == "small" and _is_large(manifest) and not _was_changed(state, dataset, manifest):
            continue
        try:
            finding = look_at(dataset, manifests[dataset], data_dir, state=state, tell=tell)
        except InputError as error:
            errors.append(f"{error}, or leave sources alone with `check_sources: never`")
            continue
        if finding.state == CHANGED:
            changed[dataset] = finding.what
    raise_all(errors)
    return changed


def look_at(
    dataset: str,
    manifest_path: Path,
    data_dir: Path,
    *,
    state: Path = looks.STATE,
    tell: Tell = print,
) -> Finding:
    """Compare the source of a prepared data set with what it was prepared from, and note the look.

    Raises
    ------
    InputError
        If the source is there, but cannot be prepared again as it is, or if an official file is
        not the official one.
    """
    manifest = read_manifest(manifest_path)
    try:
        source = _listed(manifest, data_dir)
    except InputError as error:
        raise InputError(
            f"data set {dataset!r}: its source cannot be prepared again as it is now: {error}; "
            "mend that"
        ) from error
    except OSError as error:
        return Finding(OUT_OF_REACH, str(error))
    if source is None:
        lists = hasattr(registry.load("datasets", manifest["source"]), "source_files")
        return Finding(OUT_OF_REACH, "nothing is there") if lists else Finding(UNKNOWN)
    root = os.path.realpath(source.root)
    record = looks.digests_record(state, source.root)
    if source.md5:
        contents = _check_official(dataset, source, record)
        look = looks.Look(root, len(contents), contents_sha256(contents), looks.now())
        looks.write_look(state, dataset, look)
        return Finding(UNCHANGED, count=len(contents))
    if not manifest.get("source_files"):
        return Finding(UNKNOWN)
    digests = Digests(source.root, record)
    statuses = digests.statuses(source.files)
    seen, before = statuses_sha256(source.files, statuses), looks.read_look(state, dataset)

    def announce(count: int) -> None:
        if count >= MANY_FILES:
            tell(f"data set {dataset!r}: {count:,} files of its source are new here; reading them")

    def read() -> dict[str, str]:
        return digests.of(source.files, statuses, announce)

    if before is not None and before.root == root and seen and before.statuses == seen:
        sha256 = before.sha256
    else:
        sha256 = contents_sha256(read())
        digests.forget_all_but(source.files)
    looks.write_look(state, dataset, looks.Look(root, len(source.files), sha256, looks.now(), seen))
    if sha256 == manifest["source_files"]["sha256"]:
        return Finding(UNCHANGED, count=len(source.files))
    prepared = prepared_contents(manifest, manifest_path.parent / "arrays")
    return Finding(CHANGED, describe_changes(prepared, read()), len(source.files))


def read_manifest(path: Path) -> dict[str, Any]:
    """A prepared data set's manifest; empty if there is none, or if it is none."""
    try:
        manifest = read_json(path)
    except InputError:  # whoever reads the data set says so
        return {}
    return manifest if isinstance(manifest, dict) else {}


def _made_by(manifest: Mapping[str, Any], entry: Mapping[str, Any]) -> bool:
    """Whether a data set was prepared with the settings of `entry`."""
    made = [manifest.get(key) for key in ("source", "options", "pool_size")]
    asked = [entry["implementation"], entry.get("options") or {}, entry.get("pool_size")]
    return made == asked


def _is_large(manifest: Mapping[str, Any]) -> bool:
    return (manifest.get("source_files") or {}).get("count", 0) > MOST_FILES


def _was_changed(state: Path, dataset: str, manifest: Mapping[str, Any]) -> bool:
    """Whether the last look saw something else than what is prepared."""
    look = looks.read_look(state, dataset)
    return look is not None and look.sha256 != manifest["source_files"]["sha256"]


def _listed(manifest: Mapping[str, Any], data_dir: Path) -> Source | None:
    component = registry.load("datasets", manifest["source"])
    listing = getattr(component, "source_files", None)
    return None if listing is None else listing(data_dir, **(manifest.get("options") or {}))


def _check_official(dataset: str, source: Source, record: Path) -> dict[str, str]:
    """MD5 of the official files that are there; `InputError` names the first that is another."""
    found = Digests(source.root, record.with_suffix(".md5.jsonl"), "md5").of(source.files)
    for name, digest in found.items():
        if digest not in source.md5[name]:
            raise InputError(
                f"data set {dataset!r}: {source.root / name}: changed since it was prepared: its "
                f"MD5 is {digest}, the official one {' or '.join(source.md5[name])}; put the "
                "official file back"
            )
    return found
