"""Rows that an experiment needs of a split, where only preparing it tells how many there are.

A plan counts files. Which of them are alike, and so drawn together, or cannot be decoded, and so
left out, is known only once they have been read: preparing a data set then compares the sizes of
its splits with what is needed.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple


class NeededRows(NamedTuple):
    """What a key of an experiment needs.

    Attributes
    ----------
    split
        The split whose rows are needed.
    least
        How many rows of it are needed.
    told
        The message up to the number of rows that there are: file, key and value.
    unit
        The message after that number.
    allowed
        What is allowed, up to a number.
    first, step
        What is allowed is (rows - `first`) // `step`.
    """

    split: str
    least: int
    told: str
    unit: str = ""
    allowed: str = "at most"
    first: int = 0
    step: int = 1

    def line(self, rows: int) -> str:
        """The message, where there are only that many rows."""
        most = (rows - self.first) // self.step
        return f"{self.told} has {rows}{self.unit}; allowed: {self.allowed} {most}"


def shortages(needed: Iterable[NeededRows], sizes: Mapping[str, int]) -> Iterator[str]:
    """A line for each split that has fewer rows than needed; splits of unknown size have enough."""
    for one in needed:
        rows = sizes.get(one.split)
        if rows is not None and rows < one.least:
            yield one.line(rows)
