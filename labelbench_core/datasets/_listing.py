"""What lies in an image folder: the images of every class, and everything that is left out."""

import hashlib
import os
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labelbench_core.datasets._formats import READ_SUFFIXES, REFUSED_SUFFIXES
from labelbench_core.datasets.names import class_name, printable
from labelbench_core.errors import InputError

SPLIT_NAME = re.compile(r"[a-z0-9-]+")
EXAMPLES = 3
# What archives, file servers and desktops leave behind, in lower case. None is a class or a split.
LEFTOVERS = frozenset(
    {
        "#recycle", "#snapshot", "$recycle.bin", "@eadir", "@recently-snapshot", "@recycle",
        "@synoresource", "@tmp", "__macosx", "__pycache__", "desktop.ini", "ehthumbs.db", "icon\r",
        "lost+found", "network trash folder", "system volume information", "temporary items",
        "thumbs.db",
    }
)  # fmt: skip

# Why something is left out.
HIDDEN = "hidden, or left behind by a system"
OUTSIDE = "outside of class folders"
NESTED = "in sub-folders of classes"
REFUSED = "of formats that are not read"
NO_IMAGE = "not images, by their names"
SPECIAL = "not regular files"
NOT_TAKEN = "in classes that the option `leave_out` names"


@dataclass
class LeftOut:
    """What is left out, by reason: how many entries, and the names of the first.

    Attributes
    ----------
    counts, examples
        Reason → number of entries; reason → paths relative to the data set's root, printable.
    by_folder
        Class folder, as `split/name` → number of entries in it that are left out.
    """

    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)
    by_folder: dict[str, int] = field(default_factory=dict)

    def add(self, reason: str, path: str, count: int = 1, folder: str = "", note: str = "") -> None:
        """Count `count` entries, one of which is `path`, with a `note` on that one."""
        if not count:
            return
        self.counts[reason] = self.counts.get(reason, 0) + count
        shown = self.examples.setdefault(reason, [])
        if len(shown) < EXAMPLES:
            shown.append(printable(path) + (f" ({note})" if note else ""))
        if folder:
            self.by_folder[folder] = self.by_folder.get(folder, 0) + count

    def described(self) -> dict[str, dict[str, Any]]:
        """Reason → count and examples, as manifests hold it."""
        return {
            reason: {"count": self.counts[reason], "examples": self.examples[reason]}
            for reason in sorted(self.counts)
        }


@dataclass(frozen=True)
class Listing:
    """The images of an image folder.

    Attributes
    ----------
    splits
        Split → class → paths relative to the root, sorted by name.
    left_out
        What is not taken.
    broken_links
        Those of the paths that are broken links.
    """

    splits: dict[str, dict[str, list[str]]]
    left_out: LeftOut
    broken_links: list[str]

    @property
    def class_names(self) -> list[str]:
        """Those of the pool, sorted."""
        return sorted(self.splits["pool"])


def list_images(
    root: Path,
    *,
    allow_missing_classes: bool,
    test_share: float = 0.0,
    leave_out: Collection[str] = (),
) -> Listing:
    """List an image folder without opening a file.

    Parameters
    ----------
    root
        The folder.
    allow_missing_classes
        Whether `val` and `test` may lack classes.
    test_share
        Share of each class that becomes the test split, in a folder that holds one folder a class;
        0: it holds one folder a split.
    leave_out
        Names of class folders that are not taken.

    Raises
    ------
    InputError
        Naming the split, the class or the folder that is missing, empty or ambiguous.
    """
    listing = Listing({}, LeftOut(), [])
    if test_share:
        _, classes = _list_split(root, "", listing, leave_out)
        return _divided(root, classes, test_share, listing)
    folders: dict[str, dict[str, str]] = {}
    for entry in _entries(root, "", listing.left_out):
        if not _is_folder(entry):
            listing.left_out.add(OUTSIDE, entry.name)
            continue
        split = "pool" if entry.name == "train" else entry.name
        if split in folders:
            raise InputError(
                f"{printable(root)}: has both pool/ and train/, which mean the same split; keep one"
            )
        if not SPLIT_NAME.fullmatch(split):
            raise InputError(
                f"{printable(entry.path)}: a split's name may contain only a-z, 0-9 and -"
            )
        folders[split], listing.splits[split] = _list_split(root, entry.name, listing, leave_out)
    for split in ("pool", "test"):
        if split not in folders:
            other = " or train/" if split == "pool" else ""
            raise InputError(f"{printable(root)}: no folder {split}/{other}")
    _check_classes(root, listing, folders, allow_missing_classes)
    ordered = {split: listing.splits[split] for split in sorted(listing.splits)}
    return Listing(ordered, listing.left_out, listing.broken_links)


def _divided(
    root: Path, classes: Mapping[str, list[str]], test_share: float, listing: Listing
) -> Listing:
    """Classes, each divided into pool and test by the hashes of its images' paths.

    A further image is drawn for itself: it moves no other but, at most, one at the border.
    """
    pool, test = {}, {}
    for label, paths in classes.items():
        count = max(1, round(test_share * len(paths)))
        if count >= len(paths):
            raise InputError(
                f"{printable(root / label)}: test_share: {test_share:g}; {len(paths)} images do "
                "not make pool and test; allowed: at least 2 images of each class, and a share "
                "that leaves one in the pool"
            )
        drawn = sorted(paths, key=lambda path: hashlib.sha256(os.fsencode(path)).digest())
        test[label], pool[label] = sorted(drawn[:count]), sorted(drawn[count:])
    if not classes:
        raise InputError(f"{printable(root)}: holds no class folders")
    return Listing({"pool": pool, "test": test}, listing.left_out, listing.broken_links)


def _list_split(
    root: Path, name: str, listing: Listing, leave_out: Collection[str] = ()
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
        label = class_name(root / name, entry.name)
        if label in classes:
            raise InputError(
                f"{printable(root / name)}: two folders are named {printable(label)!r}, in two "
                "Unicode forms; they mean the same class: move the images of one into the other"
            )
        folders[label] = path
        classes[label] = list(_list_class(root, path, listing))
    return folders, classes


def _list_class(root: Path, folder: str, listing: Listing) -> Iterator[str]:
    """Paths of a class's images; all else is counted."""
    left_out = listing.left_out
    for entry in _entries(root, folder, left_out, counted_in=folder):
        path = f"{folder}/{entry.name}"
        suffix = os.path.splitext(entry.name)[1].lower()
        kind = _kind(entry)
        if kind == "folder":
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
    """Number of entries that are no folders in all of `folder`, and the first of them."""
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
    """`InputError` for splits without class folders and for classes without images."""
    for split, classes in listing.splits.items():
        if not classes:
            name = "train" if split == "pool" and not (root / "pool").is_dir() else split
            raise InputError(
                f"{printable(root / name)}: holds no class folders; every folder in "
                f"{printable(root)} is a split, with one folder per class: move it elsewhere"
            )
    everything = sorted({label for classes in listing.splits.values() for label in classes})
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
