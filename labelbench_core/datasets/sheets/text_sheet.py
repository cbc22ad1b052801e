"""The contact sheet of texts, a list of some of each class; and how long texts are."""

from collections.abc import Iterator

import numpy as np

from labelbench_core.datasets import RawDataset
from labelbench_core.datasets.files.one_line import one_line
from labelbench_core.datasets.sheets.drawn_rows import drawn_rows
from labelbench_core.storage.places import printable

LONGEST = 160


def text_sheet(raw: RawDataset) -> str:
    """The name of each class, and below it texts of the pool, drawn at random."""
    lines = []
    for name, split, rows in drawn_rows(raw):
        texts = split.texts or ()
        lines += [printable(name), *(f"  {one_line(texts[row], LONGEST)}" for row in rows), ""]
    return "\n".join(lines)


def text_lengths(raw: RawDataset) -> Iterator[str]:
    """How long the texts of all splits are, in words and in characters; nothing without texts."""
    texts = [text for split in raw.splits.values() for text in split.texts or ()]
    for what, counts in (
        ("words", [len(text.split()) for text in texts]),
        ("characters", [len(text) for text in texts]),
    ):
        if counts:
            least, most, median = min(counts), max(counts), np.median(counts)
            yield f"{least:,} to {most:,} {what}, median {median:,.0f}"
