"""Your own images in folders, by class: `CLASS/*.jpg`, or `SPLIT/CLASS/*.jpg`, or deeper.

Splits are called `pool` or `train`, `test`, optionally `val`; every other folder beside them is a
test split under distribution shift. Where there is no test, one is drawn. Images are listed, never
copied, and decoded when they are embedded. Everything else (other files, hidden files) is counted
and named.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np

from labelbench_core.datasets import POOL, RawDataset, RawSplit, Source
from labelbench_core.datasets.files.names import below
from labelbench_core.datasets.folders.listed_once import kept
from labelbench_core.datasets.folders.listing import Listing, list_images
from labelbench_core.datasets.labels.unlabeled import refuse_given, unknown
from labelbench_core.datasets.splits.dividing import divided, groups_by_pattern
from labelbench_core.datasets.splits.draw_options import among, asked_draw, asking, refuse_unused
from labelbench_core.datasets.table import common_folder, read_class_names
from labelbench_core.errors import InputError, shown
from labelbench_core.registry.options import Interval, Pixels
from labelbench_core.storage.places import is_folder, printable

INFO = {
    "summary": "your own images in folders, one folder per class",
    "license": "your own",
    "paper": "",
    "required": ["folder"],
    "in_files": True,
    "unlabeled_by": ["unlabeled"],
    "options_of": "labelbench_core.datasets.splits.draw_options:options",
}


def check(
    data_dir: Path, *, corrupt: Literal["error", "skip"] = "error", **options: Any
) -> dict[str, int]:
    """Sizes of the splits, by listing folders; `InputError` if a split or a class is missing."""
    raw, listing = _read(data_dir, **options)
    if listing.broken_links and corrupt == "error":
        links = listing.broken_links
        raise InputError(
            f"{printable(_root(data_dir, options['folder']) / links[0])}: a broken link "
            f"({len(links)} in all); fix or remove it, or leave such images out with the option "
            "`corrupt: skip`"
        )
    return {split: len(entry.labels) for split, entry in raw.splits.items()}


def load(
    data_dir: Path,
    *,
    folder: str = "",
    layout: Literal["auto", "splits", "classes"] = "auto",
    nested: Literal["auto", "leave-out", "outer", "inner"] = "auto",
    splits: Mapping[str, str] | None = None,
    image_size: Pixels = 256,
    allow_missing_classes: bool = False,
    corrupt: Literal["error", "skip"] = "error",
    ground: Literal["white", "black"] = "white",
    together_pattern: str | None = None,
    near_together: Annotated[int, Interval(ge=0, le=32)] | None = None,
    leave_out: Sequence[str] | None = None,
    unlabeled: bool = False,
    classes: str | None = None,
    **draw: Any,
) -> RawDataset:
    """The index of all images, sorted by split, class and file name; none is opened.

    Parameters
    ----------
    data_dir
        `folder` is relative to it.
    folder
        Folder with the images, relative to the data directory; a whole path is taken, too, and then
        stands in the results. Default: ours.
    layout
        "classes": `folder` has one sub-folder per class; "splits": one per split, with one per
        class in each. "auto": "splits" where a sub-folder is called `pool`, `train`, `test` or
        `val` and holds folders, else "classes". Default: ours.
    nested
        What becomes of images in sub-folders of a class folder: they belong to its class
        ("outer"), to a class named after the folder that holds them ("inner"), or are left out,
        counted and named. "auto": "inner" where no class folder holds an image itself, else left
        out. Default: ours.
    splits
        Folder in `folder` → the split that it is (pool, test or val; any other name is a shifted
        split); several folders can be one split, images of other folders are left out. null:
        folders have the names of splits. Default: ours.
    image_size
        Side, in pixels, of the squares that images are turned into, in the way of the backbone's
        `resize_mode` (by default, the central square). Default: ours.
    allow_missing_classes
        Whether `val` and `test` may lack classes; the pool never may. Default: ours.
    corrupt
        What happens to files that cannot be read or decoded: "error" stops and names them; "skip"
        leaves them out, counted and named. Default: ours.
    ground
        Background colour of transparent parts of an image. Default: ours.
    together_pattern
        Regular expression that finds in an image's path the group that it belongs to (an animal, a
        patient, a scene), by its first group in parentheses or as a whole: images of one group are
        drawn together. null: there are no groups. Default: ours.
    near_together
        Images whose perceptual hashes differ in at most this many of 64 bits are drawn together,
        too (needs the package imagehash). null: hashes are not compared. Default: ours.
    leave_out
        Names of class folders that are not used; null: none. Default: ours.
    unlabeled
        Whether the pool has no labels, so that an annotator's are needed: all images below its
        folder are taken, no split is drawn, and classes are those of `classes` or of the other
        splits. Default: ours.
    classes
        With `unlabeled`: text file below the data directory with the classes' names in order, one
        per line. null: the class folders of the other splits. Default: ours.
    """
    raw, _ = _read(
        data_dir,
        folder=folder,
        layout=layout,
        nested=nested,
        splits=splits,
        allow_missing_classes=allow_missing_classes,
        **draw,
        together_pattern=together_pattern,
        near_together=near_together,
        leave_out=leave_out,
        unlabeled=unlabeled,
        classes=classes,
    )
    return replace(raw, image_size=image_size, ground=ground, skip_corrupt=corrupt == "skip")


def source_files(data_dir: Path, *, folder: str = "", **options: Any) -> Source | None:
    """All images; None if the folder is missing or empty (for example, not mounted)."""
    root = Path(data_dir, folder)
    if not folder or not is_folder(root) or not any(root.iterdir()):
        return None
    names, shared, inner, beside = _named(data_dir, folder, **options)
    splits = _listing(root, names=names, **options).splits
    paths = [path for classes in splits.values() for images in classes.values() for path in images]
    return Source(Path(data_dir, shared), sorted([*(inner + path for path in paths), *beside]))


def pool_labels(
    data_dir: Path, *, corrupt: Literal["error", "skip"] = "error", **options: Any
) -> tuple[np.ndarray, list[str]] | None:
    """(N,) labels of the pool and the classes' names, by listing (for `variants`).

    None where files may still be left out, when they are read.
    """
    if corrupt == "skip":
        return None
    raw, _ = _read(data_dir, **options)
    return raw.splits[POOL].labels, raw.class_names


def _listing(
    root: Path,
    *,
    layout: Literal["auto", "splits", "classes"] = "auto",
    nested: Literal["auto", "leave-out", "outer", "inner"] = "auto",
    splits: Mapping[str, str] | None = None,
    allow_missing_classes: bool = False,
    leave_out: Sequence[str] | None = None,
    unlabeled: bool = False,
    names: Sequence[str] | None = None,
    **_others: Any,
) -> Listing:
    asked: dict[str, Any] = {
        "allow_missing_classes": allow_missing_classes,
        "layout": layout,
        "nested": nested,
        "splits": splits,
        "leave_out": leave_out or (),
        "unlabeled": unlabeled,
        "classes": names,
    }
    return kept((root, repr(asked)), lambda: list_images(root, **asked))


def _read(
    data_dir: Path,
    *,
    folder: str = "",
    together_pattern: str | None = None,
    near_together: int | None = None,
    allow_missing_classes: bool = False,
    **options: Any,
) -> tuple[RawDataset, Listing]:
    """The index of all images, with splits drawn where needed, and the listing behind it."""
    root = _root(data_dir, folder)
    names, shared, inner, _ = _named(data_dir, folder, **options)
    listing = _listing(root, names=names, allow_missing_classes=allow_missing_classes, **options)
    raw = RawDataset(
        class_names=listing.class_names,
        splits={split: _index(listing, split, inner) for split in listing.splits},
        root=shared,
        left_out=listing.left_out.described(),
        splits_note="; ".join(listing.assumed).capitalize(),
    )
    draw_options = among(options)
    if options.get("unlabeled"):
        refuse_given(
            **asking(draw_options), together_pattern=together_pattern, near_together=near_together
        )
        return raw, listing
    draw = asked_draw(
        has=list(raw.splits),
        where=printable(root),
        near_bits=near_together,
        by="" if together_pattern is None else f"`{together_pattern}` in paths",
        may_lack=allow_missing_classes,
        **draw_options,
    )
    if draw is None:
        refuse_unused(together_pattern=together_pattern, near_together=near_together)
        return raw, listing
    groups = None
    if together_pattern is not None:
        groups = groups_by_pattern(together_pattern, raw.splits[POOL].files or [])
    try:
        return divided(raw, draw, groups), listing
    except InputError as error:
        raise InputError(f"{printable(root)}: {error}") from error


def _named(
    data_dir: Path,
    folder: str,
    *,
    unlabeled: bool = False,
    classes: str | None = None,
    **_others: Any,
) -> tuple[list[str] | None, str, str, list[str]]:
    """What the file `classes` says, if any, and where it is.

    Names of the classes; the deepest folder that has the images and the file; what paths of images
    begin with there; the file's path there, if there is one.
    """
    if classes is None:
        return None, folder, "", []
    if not unlabeled:
        told = f"options.classes: {shown(classes)}; class folders name the classes of the pool"
        raise InputError(f"{told}; allowed: leave it out, or `unlabeled: true`")
    below(data_dir, "folder", folder)
    names = read_class_names(data_dir, classes)
    shared, (inner, file) = common_folder(folder, classes)
    return names, shared, "" if inner == "." else f"{inner}/", [file]


def _index(listing: Listing, split: str, inner: str) -> RawSplit:
    """Labels and paths of a split, class by class; paths begin with `inner`."""
    if listing.classes is not None and split == POOL:
        files = [inner + path for path in listing.splits[split][""]]
        return RawSplit(unknown(len(files)), files=files)
    classes = [listing.splits[split].get(name, []) for name in listing.class_names]
    labels = np.repeat(np.arange(len(classes), dtype=np.int64), [len(paths) for paths in classes])
    return RawSplit(labels, files=[inner + path for paths in classes for path in paths])


def _root(data_dir: Path, folder: str) -> Path:
    """The data set's folder; `InputError` if it is not there."""
    root = Path(data_dir, folder)
    if not folder or not is_folder(root):
        wrong = f"{shown(folder)}: {printable(root)} is not a folder" if folder else "missing"
        raise InputError(
            f"options.folder: {wrong}; allowed: a folder with CLASS/*.jpg, or with "
            "pool/CLASS/*.jpg and test/CLASS/*.jpg (relative paths start at LABELBENCH_DATA)"
        )
    return root
