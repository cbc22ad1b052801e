"""Names of classes that more often mean something else: told by `--check`, and never changed."""

from collections.abc import Iterator, Sequence

from labelbench_core.datasets.folders.split_names import is_split_name
from labelbench_core.storage.places import printable

MISSING = ("nan", "na", "n/a", "null", "none", "<na>")
"""What programs write for a label that is missing."""


def odd_classes(names: Sequence[str]) -> Iterator[str]:
    """A line for the first class of each kind that is probably not meant as one."""
    for is_odd, told in (
        (_is_missing, "if it means that a label is missing, leave such rows out"),
        (is_split_name, "if it is a split, put the other classes beside it into a folder train/"),
        (_is_list, "if rows have several labels, separate these by one character in each cell, as "
                   "in a;b, and name it by `label_separator`"),
    ):  # fmt: skip
        first = next((name for name in names if is_odd(name)), None)
        if first is not None:
            yield f"{printable(first)} is a class here: {told}"
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(" ".join(name.split()).casefold(), name)
        if other != name:
            yield (
                f"{printable(other)!r} and {printable(name)!r} are two classes here: if they are "
                "one, give both one name"
            )
            return


def _is_missing(name: str) -> bool:
    return name.lower() in MISSING


def _is_list(name: str) -> bool:
    return name.startswith("[") and name.endswith("]")
