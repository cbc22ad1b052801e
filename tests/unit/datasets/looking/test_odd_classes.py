"""Names that are probably no classes are told by `--check`."""

import pytest

from labelbench_core.datasets.looking.odd_classes import odd_classes


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["cat", "NaN"], "NaN is a class here: if it means that a label is missing"),
        (["cat", "dog", "Test"], "Test is a class here: if it is a split, put the other classes"),
        (["['a', 'b']", "['a']"], "['a', 'b'] is a class here: if rows have several labels, "),
        (["Cat", "cat"], "'Cat' and 'cat' are two classes here: if they are one, give both one"),
        (["a  b", "a b "], "'a  b' and 'a b ' are two classes here"),
    ],
)
def test_names_that_mean_something_else_are_told(names, told):
    (line,) = odd_classes(names)
    assert line.startswith(told)


def test_other_names_are_not():
    assert list(odd_classes(["0", "1", "10", "testing ground", "a[1]", "none of these"])) == []
