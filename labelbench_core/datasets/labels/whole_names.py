"""Class names that are numbers, as pandas and spreadsheets write them, and marks of no label."""

import re
from collections.abc import Collection, Iterable, Sequence

_FLOAT = re.compile(r"(-?(?:0|[1-9][0-9]{0,17}))\.0+")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.0+)?")
_BELOW = re.compile(r"-(?:[2-9]|[1-9][0-9]{1,17})(?:\.0+)?")
_MARKS = frozenset({"-1", "nan", "<na>"})
MARKED = (
    "a class in every row: such a cell mostly marks a row without a label, which has to be left "
    "out; a class that is called so needs another name"
)
"""What is allowed in place of a mark."""


def whole_names(values: Sequence[str], known: Collection[str] | None = None) -> list[str]:
    """The values, in order, `1.0` as `1`: integers with missing values are saved as floats.

    Parameters
    ----------
    known
        Names that there are: none of them is changed. None: the names are the values, which are
        changed if all are whole numbers.
    """
    if known is None:
        numbers = [_NUMBER.fullmatch(one) for one in values if one.lower() not in _MARKS]
        return list(map(_whole, values)) if all(numbers) else list(values)
    return [one if one in known else _whole(one) for one in values]


def first_mark(values: Iterable[str]) -> str | None:
    """The first of the values that marks rows without a label; None if there is none.

    `-1` does, as in scikit-learn's semi-supervised methods, unless there are other negative
    numbers, as on a scale from -2 to 2. Among numbers, so do `nan` and `<NA>`, as pandas writes a
    missing value; among names they can be one.
    """
    values = list(values)
    others = [one for one in values if one.lower() not in _MARKS]
    marks = set() if any(map(_BELOW.fullmatch, values)) else {"-1"}
    if others and all(map(_NUMBER.fullmatch, others)):
        marks |= _MARKS - {"-1"}
    return next((one for one in values if _whole(one).lower() in marks), None)


def _whole(text: str) -> str:
    found = _FLOAT.fullmatch(text)
    return found[1] if found else text
