"""What lies in an image folder: the images of every class, and everything that is left out."""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from labelbench_core.datasets.files.left_out import (
    NESTED,
    NO_IMAGE,
    NO_SPLIT,
    OUTSIDE,
    REFUSED,
    SPECIAL,
    LeftOut,
)
from labelbench_core.datasets.files.names import class_name, lacks_classes, require_classes
from labelbench_core.datasets.folders._not_taken import check_left_out, is_left_out, take_no_junk
from labelbench_core.datasets.folders.folder_entries import (
    entries_of,
    files_below,
    is_folder,
    kind_of,
)
from labelbench_core.datasets.folders.split_names import (
    SPLIT_NAME,
    is_split_name,
    refuse_only_splits,
    split_meant,
)
from labelbench_core.datasets.images.formats import READ_SUFFIXES, REFUSED_SUFFIXES
from labelbench_core.errors import InputError, did_you_mean, listed, shown
from labelbench_core.storage.places import printable

FolderLayout = Literal["auto", "splits", "classes"]
Nested = Literal["auto", "leave-out", "outer", "inner"]

INNER = "classes are called like the folders that hold images"


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
        Paths of images that are broken links.
    assumed
        What was inferred rather than given by options, in words.
    classes
        Names of the classes where the pool has no labels: then its images are those of "".
    """

    splits: dict[str, dict[str, list[str]]]
    left_out: LeftOut
    broken_links: list[str]
    assumed: tuple[str, ...] = ()
    classes: Sequence[str] | None = None

    @property
    def class_names(self) -> list[str]:
        """`classes`, or those of the pool, sorted."""
        return sorted(self.splits["pool"]) if self.classes is None else list(self.classes)


def list_images(
    root: Path,
    *,
    allow_missing_classes: bool,
    layout: FolderLayout = "auto",
    nested: Nested = "auto",
    splits: Mapping[str, str] | None = None,
    leave_out: Collection[str] = (),
    unlabeled: bool = False,
    classes: Sequence[str] | None = None,
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
    unlabeled
        Whether the pool has no labels: all images below its folder are taken, however deep.
    classes
        The classes' names where `unlabeled`, in order; None: those of the other splits, sorted.

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
            what = "one folder of images" if unlabeled else "a folder for each class"
            assumed.append(f"{what}, none for a split")
    kind = "leave-out" if nested == "auto" else nested
    flat = ("pool",) if unlabeled else ()
    listing, folders = _listed(root, chosen == "splits", kind, splits, leave_out, flat)
    labeled = {split: found for split, found in listing.splits.items() if split not in flat}
    images = any(paths for found in labeled.values() for paths in found.values())
    if nested == "auto" and not images and NESTED in listing.left_out.counts:
        listing, folders = _listed(root, chosen == "splits", "inner", splits, leave_out, flat)
        assumed.append(INNER)
    there = {one for found in folders.values() for one in found.values()}
    check_left_out(root, listing.left_out, there, leave_out)
    if chosen == "classes" and not listing.splits["pool"]:
        raise InputError(f"{printable(root)}: holds no class folders{_advice(root)}")
    assumed += take_no_junk(root, listing.splits, folders)
    if layout == "auto" and chosen == "classes" and not unlabeled:
        refuse_only_splits(printable(root), list(listing.splits["pool"]))
    names = None
    if unlabeled:
        names = _classes_beside(root, listing, classes)
    _check_classes(root, listing, folders, allow_missing_classes, names)
    ordered = {split: listing.splits[split] for split in sorted(listing.splits)}
    return Listing(ordered, listing.left_out, listing.broken_links, tuple(assumed), names)


def _classes_beside(root: Path, listing: Listing, given: Sequence[str] | None) -> list[str]:
    """Names of the classes where the pool has no labels; `InputError` if it has no images."""
    if not listing.splits["pool"][""]:
        raise InputError(f"{printable(root)}: the pool has no image; allowed: at least one")
    found = {label for split, one in listing.splits.items() if split != "pool" for label in one}
    if given is None:
        return sorted(found)
    for label in sorted(found - {*given}):
        raise InputError(
            f"{printable(root)}: a class folder is called {printable(label)}, which `classes` does "
            f"not name{did_you_mean(label, given)}; allowed: {listed(given)}"
        )
    return list(given)


def _has_splits(root: Path) -> bool:
    """Whether a folder in `root` is called as a split is, and holds folders."""
    for entry in entries_of(root, "", LeftOut()):
        if is_split_name(entry.name) and is_folder(entry):
            inner = entries_of(root, entry.name, LeftOut())
            images = any(one.name.lower().endswith(READ_SUFFIXES) for one in inner)
            if any(kind_of(one) == "folder" for one in inner) or not images:
                return True
    return False


def _advice(root: Path) -> str:
    """What else a folder without class folders may be."""
    names = [entry.name for entry in entries_of(root, "", LeftOut())]
    if any(name in names for name in ("metadata.csv", "metadata.jsonl")):
        return "; metadata beside images are read by `implementation: hugging-face-folder`"
    if any(name.lower().endswith(READ_SUFFIXES) for name in names):
        return (
            "; images with labels in a table are read by `implementation: table`, without labels "
            "as a pool by `unlabeled: true`"
        )
    return f", but {listed(names[:3])}; `--check` says what reads these" if names else ", nothing"


def _listed(
    root: Path,
    by_split: bool,
    nested: str,
    splits: Mapping[str, str] | None,
    leave_out: Collection[str],
    flat: Collection[str],
) -> tuple[Listing, dict[str, dict[str, str]]]:
    """The images, and split → class → folder's path; splits of `flat` have no class folders."""
    listing = Listing({}, LeftOut(), [])
    folders: dict[str, dict[str, str]] = {}
    if not by_split and "pool" in flat:
        listing.splits["pool"] = {"": list_flat(root, "", listing, leave_out)}
        return listing, folders
    if not by_split:
        folders["pool"], listing.splits["pool"] = _list_split(root, "", listing, leave_out, nested)
        return listing, folders
    entries = entries_of(root, "", listing.left_out)
    meant = dict(splits) if splits is not None else _meant(root, entries)
    _check_splits(root, meant, [entry.name for entry in entries])
    if "pool" not in meant.values():
        wanted = "no folder pool/ or train/" if splits is None else "`splits` names no pool"
        raise InputError(f"{printable(root)}: {wanted}")
    for entry in entries:
        if not is_folder(entry):
            listing.left_out.add(OUTSIDE, entry.name)
        elif entry.name not in meant:
            count, first = files_below(entry.path)
            listing.left_out.add(NO_SPLIT, f"{entry.name}/{first}".rstrip("/"), count or 1)
        else:
            split = meant[entry.name]
            if split in flat:
                found = listing.splits.setdefault(split, {"": []})
                found[""] = sorted([*found[""], *list_flat(root, entry.name, listing, leave_out)])
                continue
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
        split = split_meant(entry.name)
        if not is_folder(entry):
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
    """Class → folder's path, class → paths of its images; `name`: the split's folder, or ""."""
    folders: dict[str, str] = {}
    classes: dict[str, list[str]] = {}
    for entry in entries_of(root, name, listing.left_out):
        path = f"{name}/{entry.name}" if name else entry.name
        if not is_folder(entry):
            listing.left_out.add(OUTSIDE, path)
            continue
        if is_left_out(entry, path, listing.left_out, leave_out):
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
    """Paths of a class's images; all else is counted, except folders if `inner` collects them."""
    left_out = listing.left_out
    for entry in entries_of(root, folder, left_out, counted_in=folder):
        path = f"{folder}/{entry.name}" if folder else entry.name
        suffix = os.path.splitext(entry.name)[1].lower()
        kind = kind_of(entry)
        if kind == "folder" and inner is not None:
            inner.append(entry)
        elif kind == "folder":
            count, first = files_below(entry.path)
            left_out.add(NESTED, f"{path}/{first}" if first else path, count or 1, folder)
        elif suffix not in READ_SUFFIXES:
            left_out.add(REFUSED if suffix in REFUSED_SUFFIXES else NO_IMAGE, path, 1, folder)
        elif kind == "special":
            left_out.add(SPECIAL, path, 1, folder)
        else:
            if kind == "broken link":
                listing.broken_links.append(path)
            yield path


def list_flat(
    root: Path, folder: str, listing: Listing, leave_out: Collection[str] = ()
) -> list[str]:
    """Paths of all images below `folder`, sorted, whatever its folders are called."""
    inner: list[os.DirEntry[str]] = []
    found = list(_list_class(root, folder, listing, inner))
    for entry in inner:
        path = f"{folder}/{entry.name}" if folder else entry.name
        if is_left_out(entry, path, listing.left_out, leave_out):
            continue
        deep = _list_deep(root, path, listing, (), leave_out)
        found += [one for _, paths in deep for one in paths]
    return sorted(found)


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
        if is_left_out(entry, path, listing.left_out, leave_out):
            continue
        yield from _list_deep(root, path, listing, (*above, real), leave_out)


def _check_classes(
    root: Path,
    listing: Listing,
    folders: Mapping[str, Mapping[str, str]],
    allow_missing_classes: bool,
    names: Sequence[str] | None,
) -> None:
    """`InputError` for classes without images; `names`: all classes if the pool has no labels."""
    found = sorted({one for classes in listing.splits.values() for one in classes})
    everything = found if names is None else names
    require_classes(everything, printable(root), labeled=names is None or len(listing.splits) > 1)
    for split, classes in listing.splits.items():
        if names is not None and split == "pool":
            continue
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
            raise lacks_classes(
                printable(root),
                split,
                "image",
                missing,
                "".join(f"{one}, " for one in told),
                may_lack=split != "pool" and any(classes.values()),
            )
