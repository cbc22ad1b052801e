"""The same image where it must not be: in two splits, or under two classes."""

import hashlib
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from labelbench_core.datasets import RawDataset, RawSplit, split_order
from labelbench_core.datasets._near import nearest
from labelbench_core.datasets.names import printable
from labelbench_core.datasets.one_line import one_line
from labelbench_core.datasets.unlabeled import NO_LABEL
from labelbench_core.errors import InputError

EXAMPLES = 5
SHOWN = 60
"""Characters of a text that stand in its name."""
NAMED = 20
"""Most pairs that an error names."""


def find_leaks(raw: RawDataset, most: int | None = EXAMPLES) -> list[dict[str, Any]]:
    """Every kind of leak of a data set, by the content of its images.

    Parameters
    ----------
    most
        Examples of each kind; None: all.

    Returns
    -------
    list
        Of ``{"kind", "count", "examples"}``, as manifests hold it. Kinds: ``"pool and test"`` (any
        two splits; the count is of the second's images), ``"two classes"`` (anywhere; the count is
        of different images). An example is the pair of names. ``"of"``: "text" or "embedding",
        where rows are not images.
    """
    order = sorted(raw.splits, key=split_order)
    contents = {split: content_keys(raw.splits[split]) for split in order}
    places = {
        split: {key: row for row, key in reversed(list(enumerate(keys)))}
        for split, keys in contents.items()
    }
    leaks = []
    for earlier, later in combinations(order, 2):
        known = places[earlier]
        rows = [(known[key], row) for row, key in enumerate(contents[later]) if key in known]
        if rows:
            leaks.append(_leak(raw, f"{earlier} and {later}", [earlier, later], rows, most))
    return leaks + _under_two_classes(raw, contents, most)


def refuse_leaks(raw: RawDataset) -> None:
    """`InputError` that names the pairs of images that are the same by content, if there are any.

    Those of two splits or two classes, as `find_leaks` finds them.
    """
    pairs: dict[tuple[str, ...], list[str]] = {}
    for leak in find_leaks(raw, None):
        for pair in leak["examples"]:
            pairs.setdefault(tuple(pair), []).append(leak["kind"])
    if not pairs:
        return
    lines = [
        f"  {first} and {second} ({', '.join(kinds)})"
        for (first, second), kinds in list(pairs.items())[:NAMED]
    ]
    if len(pairs) > NAMED:
        lines.append(f"  and {len(pairs) - NAMED} more")
    of = f"{_of(raw).get('of', 'image')}s"
    are = f"1 pair of {of} is" if len(pairs) == 1 else f"{len(pairs)} pairs of {of} are"
    raise InputError(
        f"{are} identical in content, in two splits or under two classes; remove one of each pair "
        "named here, or set `duplicates: warn` in the data set's entry:\n" + "\n".join(lines)
    )


def find_near(raw: RawDataset, most_bits: int) -> list[dict[str, Any]]:
    """Images of a split that look like one of an earlier split, but are not the same by content.

    Their perceptual hashes (`RawSplit.near_hashes`) differ in at most `most_bits` of 64 bits.
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
            leak = _leak(raw, f"{earlier} and {later}, nearly", [earlier, later], rows)
            leaks.append(leak | {"most_bits": most_bits})
    return leaks


def content_keys(split: RawSplit) -> list[str]:
    """Keys that are equal for equal images: the SHA-256 of the file, or of the array's bytes."""
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
    first: dict[str, tuple[str, int, int]] = {}
    other: dict[str, tuple[str, int]] = {}
    for split, keys in contents.items():
        for row, (key, label) in enumerate(
            zip(keys, raw.splits[split].labels.tolist(), strict=True)
        ):
            if label == NO_LABEL:
                continue
            if key not in first:
                first[key] = split, row, label
            elif first[key][2] != label:
                other.setdefault(key, (split, row))
    if not other:
        return []
    examples = [
        [_name(raw, *first[key][:2]), _name(raw, *other[key])] for key in list(other)[:most]
    ]
    return [{"kind": "two classes", "count": len(other), "examples": examples, **_of(raw)}]


def _leak(
    raw: RawDataset,
    kind: str,
    splits: Sequence[str],
    rows: Sequence[tuple[int, int]],
    most: int | None = EXAMPLES,
) -> dict[str, Any]:
    earlier, later = splits
    examples = [
        [_name(raw, earlier, mine), _name(raw, later, theirs)] for mine, theirs in rows[:most]
    ]
    return {"kind": kind, "count": len(rows), "examples": examples, **_of(raw)}


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
