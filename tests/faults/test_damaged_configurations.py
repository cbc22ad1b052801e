"""Damaged configurations give a clear error or a valid plan, never a traceback."""

import collections

import pytest

from benchmarks import configurations


def outcomes(numbers, folder):
    base, counts = configurations.base_of(), collections.Counter()
    for number in numbers:
        kind, told = configurations.outcome(number, folder, base)
        assert kind in ("planned", "refused"), f"case {number}: {kind}: {told}"
        counts[kind] += 1
    return counts


def test_some_damaged_configurations(tmp_path):
    counts = outcomes(range(150), tmp_path)
    assert counts["planned"] >= 5, "hardly anything gets as far as a plan"
    assert counts["refused"] >= 50, "hardly anything is refused"


@pytest.mark.thorough
def test_thousands_of_damaged_configurations(tmp_path):
    outcomes(range(150, 4000), tmp_path)


@pytest.mark.parametrize(
    ("message", "is_clear"),
    [
        ("my.yaml: rounds: 0; allowed: a whole number", True),
        ("", False),
        ("one\n\nthree", False),
        ("x" * (configurations.LONGEST_LINE + 1), False),
        ("bell \x07", False),
        ("\n".join("x" * 100), False),
    ],
)
def test_what_is_clear(message, is_clear):
    assert configurations.is_clear(message) == is_clear
