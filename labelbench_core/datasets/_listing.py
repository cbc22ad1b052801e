"""What lies in an image folder: the images of every class, and everything that is left out."""

import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from labelbench_core.datasets._formats import READ_SUFFIXES, REFUSED_SUFFIXES
from labelbench_core.datasets._left_out import (
    HIDDEN,
    NESTED,
    NO_IMAGE,
    NO_SPLIT,
    NOT_TAKEN,
    OUTSIDE,
    REFUSED,
    SPECIAL,
    LeftOut,
)
from labelbench_core.datasets.names import class_name, printable, require_classes
from labelbench_core.errors import InputError, did_you_mean, listed, shown

Layout = Literal["auto", "splits", "classes"]
Nested = Literal["auto", "leave-out", "outer", "inner"]
MEANT = {
    **{"train": "pool", "training": "pool"},
    **{"valid": "val", "validation": "val", "dev": "val", "testing": "test"},
}
"""Names of folders that stand for a split of another name."""
SPLIT_NAME = re.compile(r"[a-z0-9-]+")
# What archives, file servers and desktops leave behind, in lower case. None is a class or a split.
LEFTOVERS = frozenset(
    {
        "#recycle", "#snapshot", "$recycle.bin", "@eadir", "@recently-snapshot", "@recycle",
        "@synoresource", "@tmp", "__macosx", "__pycache__", "desktop.ini", "ehthumbs.db", "icon\r",
        "lost+found", "network trash folder", "system volume information", "temporary items",
        "thumbs.db",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Listing:
    """The images of an image folder.

    Attributes
    ----------
    splits
        Split → class → paths relative to the root, sorted by name. Without splits: "pool" alone.
    left_out
        What is not taken.
    broken_links
        Those of the paths that are broken links.
    assumed
        What was found out rather than said, in words.
    """

    splits: dict[str, dict[str, list[str]]]
    left_out: LeftOut
    broken_links: list[str]
    assumed: tuple[str, ...] = ()

    @property
    def class_names(self) -> list[str]:
        """Those of the pool, sorted."""
        return sorted(self.splits["pool"])


def list_images(
    root: Path,
    *,
    allow_missing_classes: bool,
    layout: Layout = "auto",
    nested: Nested = "auto",
    splits: Mapping[str, str] | None = None,
    leave_out: Collection[str] = (),
) -> Listing:
    """List an image folder without opening a file.

    Parameters
    ----------
    root
        The folder.
    allow_missing_classes
        Whether `val` and `test` may lack classes.
    layout
        Whether it holds one folder a split, with one a class in each, or one a class. "auto": the
        first where a folder is called as a split is and holds folders.
    nested
        What images in sub-folders of a class folder are: of that class ("outer"), of a class called
        like the folder that holds them ("inner"), or left out. "auto": "inner" where no class
        folder holds an image itself.
    splits
        Folder in `root` → the split that it is, or a part of; images of other folders are left out.
        None: folders are called as splits are, or as `MEANT` says.
    leave_out
        Names of class folders that are not taken.

    Raises
    ------
    InputError
        Naming the split, the class or the folder that is missing, empty or ambiguous.
    """
    assumed = []
    chosen = layout
    if splits is not None:
        if layout == "classes":
            raise InputError("options.splits: not used with `layout: classes`; leave one out")
        chosen = "splits"
    if chosen == "auto":
        chosen = "splits" if _has_splits(root) else "classes"
        if chosen == "classes":
            assumed.append("a folder for each class, none for a split")
    kind = "leave-out" if nested == "auto" else nested
    listing, folders = _listed(root, chosen == "splits", kind, splits, leave_out)
    images = any(paths for classes in listing.splits.values() for paths in classes.values())
    if nested == "auto" and not images and NESTED in listing.left_out.counts:
        listing, folders = _listed(root, chosen == "splits", "inner", splits, leave_out)
        assumed.append("classes are called like the folders that hold images")
    if chosen == "classes" and not listing.splits["pool"]:
        raise InputError(f"{printable(root)}: holds no class folders{_advice(root)}")
    _check_classes(root, listing, folders, allow_missing_classes)
    ordered = {split: listing.splits[split] for split in sorted(listing.splits)}
    return Listing(ordered, listing.left_out, listing.broken_links, tuple(assumed))


def _has_splits(root: Path) -> bool:
    """Whether a folder in `root` is called as a split is, and holds folders."""
    for entry in _entries(root, "", LeftOut()):
        if MEANT.get(entry.name, entry.name) in ("pool", "test", "val") and _is_folder(entry):
            inner = _entries(root, entry.name, LeftOut())
            images = any(one.name.lower().endswith(READ_SUFFIXES) for one in inner)
            if any(_kind(one) == "folder" for one in inner) or not images:
                return True
    return False


def _advice(root: Path) -> str:
    """What else a folder without class folders may be."""
    names = [entry.name for entry in _entries(root, "", LeftOut())]
    if any(name in names for name in ("metadata.csv", "metadata.jsonl")):
        return "; metadata beside images are read by `implementation: hugging-face-folder`"
    if any(name.lower().endswith(READ_SUFFIXES) for name in names):
        return "; images with labels in a table are read by `implementation: table`"
    return ""


def _listed(
    root: Path,
    by_split: bool,
    nested: str,
    splits: Mapping[str, str] | None,
    leave_out: Collection[str],
) -> tuple[Listing, dict[str, dict[str, str]]]:
    """The images, and split → class → folder's path."""
    listing = Listing({}, LeftOut(), [])
    folders: dict[str, dict[str, str]] = {}
    if not by_split:
        folders["pool"], listing.splits["pool"] = _list_split(root, "", listing, leave_out, nested)
        return listing, folders
    entries = _entries(root, "", listing.left_out)
    meant = dict(splits) if splits is not None else _meant(root, entries)
    _check_splits(root, meant, [entry.name for entry in entries])
    if "pool" not in meant.values():
        wanted = "no folder pool/ or train/" if splits is None else "`splits` names no pool"
        raise InputError(f"{printable(root)}: {wanted}")
    for entry in entries:
        if not _is_folder(entry):
            listing.left_out.add(OUTSIDE, entry.name)
        elif entry.name not in meant:
            count, first = _files_below(entry.path)
            listing.left_out.add(NO_SPLIT, f"{entry.name}/{first}".rstrip("/"), count or 1)
        else:
            split = meant[entry.name]
            there, found = _list_split(root, entry.name, listing, leave_out, nested)
            if not there:
                raise InputError(
                    f"{printable(root / entry.name)}: holds no class folders; it is taken for the "
                    f"split {split}, with one folder per class: move it elsewhere"
                )
            folders[split] = {**there, **folders.get(split, {})}
            classes = listing.splits.setdefault(split, {})
            for label, paths in found.items():
                classes[label] = sorted([*classes.get(label, []), *paths])
    return listing, folders


def _meant(root: Path, entries: Sequence[os.DirEntry[str]]) -> dict[str, str]:
    """Folder → the split that it is by its name."""
    meant: dict[str, str] = {}
    names: dict[str, str] = {}
    for entry in entries:
        split = MEANT.get(entry.name, entry.name)
        if not _is_folder(entry):
            continue
        if names.setdefault(split, entry.name) != entry.name:
            raise InputError(
                f"{printable(root)}: has both {names[split]}/ and {entry.name}/, which mean the "
                "same split; keep one"
            )
        meant[entry.name] = split
    return meant


def _check_splits(root: Path, meant: Mapping[str, str], there: Sequence[str]) -> None:
    """`InputError` for a folder that is not there and for names that no split can have."""
    for folder, split in meant.items():
        if folder not in there:
            raise InputError(
                f"{printable(root)}: has no folder {shown(folder)}, which `splits` names"
                f"{did_you_mean(folder, there)}; allowed: {listed(there)}"
            )
        if not SPLIT_NAME.fullmatch(split):
            raise InputError(
                f"{printable(root / folder)}: a split's name may contain only a-z, 0-9 and -; the "
                f"option `splits` gives it one: {{{printable(folder)}: NAME}}"
            )


def _list_split(
    root: Path, name: str, listing: Listing, leave_out: Collection[str], nested: str
) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Class → folder's path, class → paths of its images; `name` of the split, perhaps ""."""
    folders: dict[str, str] = {}
    classes: dict[str, list[str]] = {}
    for entry in _entries(root, name, listing.left_out):
        path = f"{name}/{entry.name}" if name else entry.name
        if not _is_folder(entry):
            listing.left_out.add(OUTSIDE, path)
            continue
        if entry.name in leave_out:
            count, first = _files_below(entry.path)
            listing.left_out.add(NOT_TAKEN, f"{path}/{first}" if first else path, count or 1)
            continue
        if nested == "inner":
            for folder, paths in _list_deep(root, path, listing, (), leave_out):
                label = class_name(root, os.path.basename(folder))
                folders.setdefault(label, folder)
                classes.setdefault(label, []).extend(paths)
            continue
        label = class_name(root / name, entry.name)
        if label in classes:
            raise InputError(
                f"{printable(root / name)}: two folders are named {printable(label)!r}, in two "
                "Unicode forms; they mean the same class: move the images of one into the other"
            )
        folders[label] = path
        if nested == "outer":
            deep = _list_deep(root, path, listing, (), leave_out)
            classes[label] = [path for _, paths in deep for path in paths]
        else:
            classes[label] = list(_list_class(root, path, listing))
    return folders, {label: sorted(paths) for label, paths in classes.items()}


def _list_class(
    root: Path, folder: str, listing: Listing, inner: list[os.DirEntry[str]] | None = None
) -> Iterator[str]:
    """Paths of a class's images; all else is counted, but for folders where `inner` takes them."""
    left_out = listing.left_out
    for entry in _entries(root, folder, left_out, counted_in=folder):
        path = f"{folder}/{entry.name}"
        suffix = os.path.splitext(entry.name)[1].lower()
        kind = _kind(entry)
        if kind == "folder" and inner is not None:
            inner.append(entry)
        elif kind == "folder":
            count, first = _files_below(entry.path)
            left_out.add(NESTED, f"{path}/{first}" if first else path, count or 1, folder)
        elif suffix not in READ_SUFFIXES:
            left_out.add(REFUSED if suffix in REFUSED_SUFFIXES else NO_IMAGE, path, 1, folder)
        elif kind == "special":
            left_out.add(SPECIAL, path, 1, folder)
        else:
            if kind == "broken link":
                listing.broken_links.append(path)
            yield path


def _list_deep(
    root: Path,
    folder: str,
    listing: Listing,
    above: Sequence[str],
    leave_out: Collection[str],
) -> Iterator[tuple[str, list[str]]]:
    """Each folder below `folder`, itself included, that holds images, and their paths.

    A link to a folder `above`, by real paths, is not followed.
    """
    real = os.path.realpath(root / folder)
    if any(Path(one).is_relative_to(real) for one in above or [os.path.realpath(root)]):
        listing.left_out.add(SPECIAL, folder, note="a link to a folder that contains it")
        return
    inner: list[os.DirEntry[str]] = []
    paths = list(_list_class(root, folder, listing, inner))
    if paths:
        yield folder, paths
    for entry in inner:
        path = f"{folder}/{entry.name}"
        if entry.name in leave_out:
            count, first = _files_below(entry.path)
            listing.left_out.add(NOT_TAKEN, f"{path}/{first}" if first else path, count or 1)
            continue
        yield from _list_deep(root, path, listing, (*above, real), leave_out)


def _entries(
    root: Path, folder: str, left_out: LeftOut, counted_in: str = ""
) -> list[os.DirEntry[str]]:
    """What is in a folder, sorted by name; hidden entries and leftovers are only counted."""
    try:
        with os.scandir(root / folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise InputError(
            f"{printable(root / folder)}: cannot be listed ({error.strerror})"
        ) from error
    kept = []
    for entry in found:
        if entry.name.startswith(".") or entry.name.lower() in LEFTOVERS:
            path = f"{folder}/{entry.name}" if folder else entry.name
            left_out.add(HIDDEN, path, 1, counted_in)
        else:
            kept.append(entry)
    return kept


def _kind(entry: os.DirEntry[str]) -> str:
    """Folder, file, broken link or special, links followed, with few system calls."""
    try:
        if entry.is_file():
            return "file"
        if entry.is_dir():
            return "folder"
        if entry.is_symlink():
            os.stat(entry.path)
    except OSError:  # a broken link, or a cycle of links
        return "broken link"
    return "special"


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry in the place of a split or a class is a folder."""
    kind = _kind(entry)
    if kind == "broken link":
        raise InputError(
            f"{printable(entry.path)}: a broken link; fix it (is a disk not mounted?) or remove it"
        )
    return kind == "folder"


def _files_below(folder: str) -> tuple[int, str]:
    """Number of entries that are not folders in all of `folder`, and the first of them."""
    count, first = 0, ""
    for parent, folders, names in os.walk(folder):
        folders.sort()
        if names and not first:
            first = os.path.relpath(os.path.join(parent, min(names)), folder)
        count += len(names)
    return count, first


def _check_classes(
    root: Path,
    listing: Listing,
    folders: Mapping[str, Mapping[str, str]],
    allow_missing_classes: bool,
) -> None:
    """`InputError` for classes without images."""
    everything = sorted({label for classes in listing.splits.values() for label in classes})
    require_classes(everything, printable(root))
    for split, classes in listing.splits.items():
        missing = [label for label in everything if not classes.get(label)]
        if not missing:
            continue
        required = split == "pool" or (split in ("val", "test") and not allow_missing_classes)
        if required or not any(classes.values()):
            first = missing[0]
            others = [other for other, known in listing.splits.items() if known.get(first)]
            folder = folders[split].get(first, "")
            left = listing.left_out.by_folder.get(folder, 0)
            told = [f"it is in {other}/" for other in others[:1]]
            told += [f"{left} files in {printable(folder)}/ are left out"] if left else []
            told += [f"{len(missing)} classes missing"]
            advice = "" if split == "pool" else "; `allow_missing_classes: true` accepts that"
            raise InputError(
                f"{printable(root)}: split {split} has no image of class {printable(first)} "
                f"({', '.join(told)}){advice if any(classes.values()) else ''}"
            )
