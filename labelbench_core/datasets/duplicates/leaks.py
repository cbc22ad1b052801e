"""The same image where it must not be: in two splits, or under two classes."""

import hashlib
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from labelbench_core.datasets import RawDataset, RawSplit, split_order
from labelbench_core.datasets.duplicates.perceptual_hashes import nearest
from labelbench_core.datasets.files.one_line import one_line
from labelbench_core.datasets.labels.unlabeled import NO_LABEL
from labelbench_core.errors import InputError
from labelbench_core.storage.places import printable

EXAMPLES = 5
PLACES = 10
"""Most names of one content; more are counted."""
PAIRS = 20
"""Most pairs of images that are nearly the same; more are counted."""
SHOWN = 60
"""Characters of a text that stand in its name."""
NAMED = 20
"""Most contents that an error names."""


def find_leaks(raw: RawDataset, most: int | None = EXAMPLES) -> list[dict[str, Any]]:
    """Every kind of leak of a data set, by the content of its rows.

    Parameters
    ----------
    most
        Examples of each kind; None: all.

    Returns
    -------
    list
        One ``{"kind", "count", "examples"}`` for each kind, as manifests hold it. Kinds: ``"pool
        and test"`` (any two splits; the count is of the second's images), ``"two classes"``
        (anywhere; the count is of different images). An example is the names of all rows of one
        content, in the order of splits; of more than ten the last says how many more. ``"of"``:
        "text" or "embedding", where rows are not images.
    """
    order = sorted(raw.splits, key=split_order)
    contents = {split: content_keys(raw.splits[split]) for split in order}
    places = {split: set(keys) for split, keys in contents.items()}
    leaks = []
    for earlier, later in combinations(order, 2):
        known = places[earlier]
        keys = [key for key in contents[later] if key in known]
        if keys:
            kind, shown = f"{earlier} and {later}", list(dict.fromkeys(keys))[:most]
            examples = _names(raw, contents, shown)
            leaks.append({"kind": kind, "count": len(keys), "examples": examples, **_of(raw)})
    return leaks + _under_two_classes(raw, contents, most)


def refuse_leaks(raw: RawDataset) -> None:
    """`InputError` that names the images that are the same by content, if there are any.

    Images in two splits or two classes are meant, as `find_leaks` finds them.
    """
    found: dict[tuple[str, ...], list[str]] = {}
    for leak in find_leaks(raw, None):
        for names in leak["examples"]:
            found.setdefault(tuple(names), []).append(leak["kind"])
    if not found:
        return
    lines = [
        f"  {' and '.join(names)} ({', '.join(kinds)})"
        for names, kinds in list(found.items())[:NAMED]
    ]
    if len(found) > NAMED:
        lines.append(f"  and {len(found) - NAMED} more")
    of = _of(raw).get("of", "image")
    are = f"1 {of} is" if len(found) == 1 else f"{len(found)} {of}s are"
    raise InputError(
        f"{are} in two splits or under two classes, identical in content; remove all but one of "
        "those that a line names here, or set `duplicates: warn` in the data set's entry:\n"
        + "\n".join(lines)
    )


def find_near(raw: RawDataset, most_bits: int) -> list[dict[str, Any]]:
    """Images of a split that look like one of an earlier split, but are not the same by content.

    Their perceptual hashes (`RawSplit.near_hashes`) differ in at most `most_bits` of 64 bits. The
    first 20 are named, each with the closest one of the earlier split.
    """
    order = sorted(raw.splits, key=split_order)
    contents = {split: content_keys(raw.splits[split]) for split in order}
    leaks = []
    for earlier, later in combinations(order, 2):
        same = set(contents[earlier])
        places, bits = nearest(
            raw.splits[earlier].near_hashes or [], raw.splits[later].near_hashes or []
        )
        rows = [
            (int(places[row]), row)
            for row in range(len(places))
            if bits[row] <= most_bits and contents[later][row] not in same
        ]
        if rows:
            kind, examples = f"{earlier} and {later}, nearly", []
            for mine, theirs in rows[:PAIRS]:
                examples.append([_name(raw, earlier, mine), _name(raw, later, theirs)])
            leak = {"kind": kind, "count": len(rows), "examples": examples, **_of(raw)}
            leaks.append(leak | {"most_bits": most_bits})
    return leaks


def content_keys(split: RawSplit) -> list[str]:
    """Keys that are equal for equal rows: the SHA-256 of the file, of the text or of the array."""
    if split.file_sha256 is not None:
        return split.file_sha256
    if split.texts is not None:
        return [hashlib.sha256(text.encode()).hexdigest() for text in split.texts]
    if split.embeddings is not None:
        return [hashlib.sha256(row.tobytes()).hexdigest() for row in split.embeddings]
    return [hashlib.sha256(image.tobytes()).hexdigest() for image in split.images]


def _under_two_classes(
    raw: RawDataset, contents: Mapping[str, Sequence[str]], most: int | None
) -> list[dict[str, Any]]:
    first: dict[str, int] = {}
    several: dict[str, None] = {}
    for split, keys in contents.items():
        for key, label in zip(keys, raw.splits[split].labels.tolist(), strict=True):
            if label != NO_LABEL and first.setdefault(key, label) != label:
                several[key] = None
    if not several:
        return []
    examples = _names(raw, contents, list(several)[:most])
    return [{"kind": "two classes", "count": len(several), "examples": examples, **_of(raw)}]


def _names(
    raw: RawDataset, contents: Mapping[str, Sequence[str]], keys: Sequence[str]
) -> list[list[str]]:
    """The names of all rows that have each of these contents."""
    found: dict[str, list[tuple[str, int]]] = {key: [] for key in keys}
    for split, all_keys in contents.items():
        for row, key in enumerate(all_keys):
            if key in found:
                found[key].append((split, row))
    return [
        [_name(raw, *place) for place in places[:PLACES]]
        + ([f"{len(places) - PLACES:,} more"] if len(places) > PLACES else [])
        for places in found.values()
    ]


def _of(raw: RawDataset) -> dict[str, str]:
    """What leaks if it is not an image, as a leak's entry says it."""
    (of,) = {split.row for split in raw.splits.values()}
    return {} if of == "image" else {"of": of}


def _name(raw: RawDataset, split: str, row: int) -> str:
    """How a row is called: its file, or its number and class, and a text's beginning."""
    entry = raw.splits[split]
    if entry.files is not None:
        return printable(entry.files[row])
    if not entry.has_labels:
        return f"{split}[{row}]"
    label = entry.labels[row]
    classes = np.flatnonzero(label) if label.ndim else [label]
    place = f"{split}[{row}] ({', '.join(raw.class_names[one] for one in classes)})"
    return place if entry.texts is None else f'{place} "{one_line(entry.texts[row], SHOWN)}"'
