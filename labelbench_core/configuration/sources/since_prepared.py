"""Whether the sources of prepared data sets have changed since; checked by the main process only.

Content decides. A prepared data set records what it was made from; if the source is missing or out
of reach, it remains in use. A check costs one `stat` per file; files are read only if size, times
or inode changed (`digests`).
"""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labelbench_core import registry
from labelbench_core.configuration.catalogue import raise_all
from labelbench_core.configuration.sources.source_changes import describe_changes, prepared_contents
from labelbench_core.configuration.sources.source_images import check_new_images
from labelbench_core.datasets import Source
from labelbench_core.datasets.source_files import looks
from labelbench_core.datasets.source_files.digests import Digests, contents_sha256, statuses_sha256
from labelbench_core.datasets.variants.variant import Variant
from labelbench_core.errors import InputError
from labelbench_core.storage.places import printable
from labelbench_core.storage.records import Each, Shape, check_shape, read_record

WHEN = ("always", "small", "never")
MOST_FILES = 10_000
"""A source of more files is checked only on request."""
MANY_FILES = 1_000
"""Reading this many new files is announced."""

UNCHANGED, CHANGED = "unchanged", "changed"
OUT_OF_REACH, UNKNOWN = "out of reach", "lists no files"

Tell = Callable[[str], Any]


@dataclass(frozen=True)
class Finding:
    """The result of a check, with details for `CHANGED` and `OUT_OF_REACH`."""

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
        are not checked: they are made anyway.
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
    changed: dict[str, str] = {}
    errors: list[str] = []
    for dataset, entry in entries.items():
        if when == "never":
            continue
        try:
            manifest = read_manifest(dataset, manifests[dataset])
        except InputError:  # the job that reads the data set says so
            continue
        if not made_by(manifest, entry):
            continue
        if when == "small" and _is_large(manifest) and not _was_changed(state, dataset, manifest):
            continue
        try:
            finding = look_at(dataset, manifests[dataset], data_dir, state=state, tell=tell)
        except InputError as error:
            errors.append(f"{error}, or switch off this check with `check_sources: never`")
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
    """Compare a source with what its data set was prepared from, and record the check.

    A file that cannot be read counts as missing: if it was read when the data set was prepared, the
    source is out of reach, otherwise it does not count.

    Raises
    ------
    InputError
        If the manifest is not as it was written, if the source is there, but cannot be prepared
        again as it is (a class lacks images, a new image is corrupt), or if an official file is not
        the official one.
    """
    manifest = read_manifest(dataset, manifest_path)
    try:
        source = _listed(dataset, manifest, data_dir)
        if source is None:
            lists = hasattr(registry.load("datasets", manifest["source"]), "source_files")
            return Finding(OUT_OF_REACH, "nothing is there") if lists else Finding(UNKNOWN)
        return _compare(dataset, source, manifest, manifest_path, data_dir, state, tell)
    except OSError as error:
        return Finding(OUT_OF_REACH, _reason(error))


def _compare(
    dataset: str,
    source: Source,
    manifest: Mapping[str, Any],
    manifest_path: Path,
    data_dir: Path,
    state: Path,
    tell: Tell,
) -> Finding:
    """As `look_at`, for what is listed; `OSError` if an official file cannot be read."""
    root = os.path.realpath(source.root)
    record = looks.digests_record(state, source.root)
    if source.md5:
        contents = _check_official(dataset, source, record)
        look = looks.SourceLook(root, len(contents), contents_sha256(contents), looks.now())
        looks.write_look(state, dataset, look)
        return Finding(UNCHANGED, count=len(contents))
    if not manifest.get("source_files"):
        return Finding(UNKNOWN)
    digests, asked = Digests(source.root, record), time.time()
    statuses = digests.statuses(source.files)
    seen, before = statuses_sha256(source.files, statuses, asked), looks.read_look(state, dataset)
    unread: dict[str, OSError] = {}

    def announce(count: int) -> None:
        if count >= MANY_FILES:
            tell(f"data set {dataset!r}: reading {count:,} new files of its source")

    def read() -> dict[str, str]:
        return digests.of(source.files, statuses, announce, unread)

    contents = None
    if before is not None and before.root == root and seen and before.statuses == seen:
        sha256, count = before.sha256, before.count
    else:
        contents = read()
        sha256, count = contents_sha256(contents), len(contents)
        digests.forget_all_but(source.files)
    finding, new = Finding(UNCHANGED, count=count), None
    if sha256 != manifest["source_files"]["sha256"]:
        prepared = prepared_contents(manifest, manifest_path.parent / "arrays")
        contents = read() if contents is None else contents
        lost = [name for name in unread if prepared is None or name in prepared]
        if lost:
            return Finding(OUT_OF_REACH, _reason(unread[min(lost)]))
        finding = Finding(CHANGED, describe_changes(prepared, contents), count)
        if prepared is not None:
            known = set(prepared.values())
            new = {name for name, content in contents.items() if content not in known}
    # A file that cannot be read now may be readable later, with the same status.
    seen = None if unread else seen
    looks.write_look(state, dataset, looks.SourceLook(root, count, sha256, looks.now(), seen))
    if new is not None:
        try:
            check_new_images(manifest, data_dir, new, digests, state, announce)
        except InputError as error:
            raise _not_as_it_is(dataset, error) from error
    return finding


def read_manifest(dataset: str, path: Path) -> dict[str, Any]:
    """The manifest of a prepared data set; `InputError` if it is not as it was written."""
    manifest = read_record(path, "data set", {"dataset": dataset})
    shape: dict[str, Shape] = {"source": str, "options": Each(object)}
    if manifest.get("source_files") is not None:
        shape["source_files"] = {"count": int, "sha256": str}
    check_shape(path, manifest, shape)
    return manifest


def _reason(error: OSError) -> str:
    """Why something is out of reach, on one line."""
    told = error.strerror or str(error)
    return f"{printable(error.filename)}: {told}" if isinstance(error.filename, str) else told


def made_by(manifest: Mapping[str, Any], entry: Mapping[str, Any]) -> bool:
    """Whether a data set was prepared with the settings of `entry`."""
    made = [manifest.get(key) for key in ("source", "options")]
    asked = [entry["implementation"], registry.options_of(entry)]
    return made == asked and Variant.of(manifest) == Variant.of(entry)


def _is_large(manifest: Mapping[str, Any]) -> bool:
    return (manifest.get("source_files") or {"count": 0})["count"] > MOST_FILES


def _was_changed(state: Path, dataset: str, manifest: Mapping[str, Any]) -> bool:
    """Whether the last check found something other than what is prepared."""
    look = looks.read_look(state, dataset)
    return look is not None and look.sha256 != manifest["source_files"]["sha256"]


def _listed(dataset: str, manifest: Mapping[str, Any], data_dir: Path) -> Source | None:
    """The source's files; `OSError` if it is out of reach, `InputError` if it is not as needed."""
    name, options = manifest["source"], manifest["options"]
    listing = getattr(registry.load("datasets", name), "source_files", None)
    # The component's options may have changed since.
    raise_all(
        f"data set {dataset!r}: {name}: {line}"
        for line in registry.option_errors("datasets", name, options, resolved=True)
    )
    try:
        return None if listing is None else listing(data_dir, **options)
    except InputError as error:
        if isinstance(error.__cause__, OSError):  # a folder in it cannot be listed
            raise error.__cause__ from None
        raise _not_as_it_is(dataset, error) from error


def _not_as_it_is(dataset: str, error: InputError) -> InputError:
    return InputError(
        f"data set {dataset!r}: its source can no longer be prepared: {error}; fix this"
    )


def _check_official(dataset: str, source: Source, record: Path) -> dict[str, str]:
    """MD5 of the official files that are there; `InputError` names the first that is another."""
    found = Digests(source.root, record.with_suffix(".md5.jsonl"), "md5").of(source.files)
    for name, digest in found.items():
        if digest not in source.md5[name]:
            raise InputError(
                f"data set {dataset!r}: {printable(source.root / name)}: changed since it was "
                f"prepared: its MD5 is {digest}, the official one {' or '.join(source.md5[name])}; "
                "restore the official file"
            )
    return found
