"""Damaged configurations give a clear error or a valid plan, never a traceback."""

import collections
import re
import subprocess
import sys

import pytest

from benchmarks import configurations
from helpers.project import PROJECT


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
def test_thousands_of_damaged_configurations():
    """In a process of its own, which counts no lines: it takes less than half the time."""
    command = [sys.executable, "-m", "benchmarks.configurations", "--first=150", "--count=3850"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    counts = {kind: int(count) for count, kind in re.findall(r"(\d+) (\w+)", done.stdout)}
    assert set(counts) == {"planned", "refused"}
    assert sum(counts.values()) == 3850


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
