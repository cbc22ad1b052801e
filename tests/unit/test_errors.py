"""How errors show values: on one short line, whatever they are."""

import sys

import pytest
import torch

from labelbench_core.errors import (
    MOST_LINES,
    InputError,
    is_denormal,
    listed,
    number_hint,
    raise_all,
    shown,
    shown_key,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.0, "3.0"),
        ("a\nb", r"'a\nb'"),
        ("\x1b[2J\u202e", r"'\x1b[2J\u202e'"),
        ([1, [2, [3, [4]]]], "[1, [2, [3, [...]]]]"),
    ],
)
def test_values_are_shown_in_one_short_line(value, text):
    assert shown(value) == text


def test_whole_numbers_that_python_does_not_write_are_described():
    assert shown(10**5000) == "a whole number of more than 76 digits"


@pytest.mark.parametrize("value", ["x" * 10**6, list(range(10**6)), {"k" * 500: "v" * 500}])
def test_long_values_are_cut(value):
    assert len(shown(value)) <= 80
    assert len(shown_key("x" * 10**6)) <= 80


def test_long_lists_and_many_errors_are_cut():
    assert listed([]) == "none"
    assert listed(["a", "b"]) == "a, b"
    long = listed([f"name-{n}" for n in range(10_000)])
    assert len(long) < 1600
    assert long.endswith("(10000 in all)")
    with pytest.raises(InputError) as caught:
        raise_all(f"line {n}" for n in range(1000))
    assert len(str(caught.value).splitlines()) == MOST_LINES + 1
    assert str(caught.value).endswith(f"and {1000 - MOST_LINES} more")


@pytest.mark.parametrize("flushed", [False, True])
def test_numbers_that_jobs_may_take_as_0_are_known_to_every_process(flushed):
    least = sys.float_info.min
    torch.set_flush_denormal(flushed)
    assert (5e-324 > 0) != flushed
    denormals = (5e-324, -5e-324, 1e-310, -2.2e-308)
    assert all(map(is_denormal, denormals))
    assert not any(map(is_denormal, (0.0, -0.0, least, -least, 1.0, 0, float("nan"), "1e-310")))
    for value in denormals:
        assert "too small" in number_hint(value, lambda _: True)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (5e-324, True),
        (-1e-310, False),
        ("5e-324", True),
        ("1e-400", True),
        ("0e-400", False),
        ("1e-300", False),
        (0.0, False),
        (1e-300, False),
        ("x", False),
    ],
)
def test_a_number_that_is_too_small_is_told_so_where_a_larger_one_would_do(value, told):
    assert ("too small" in number_hint(value, lambda number: number > 0)) == told
    assert "too small" not in number_hint(value, lambda _: False)
    assert "too small" not in number_hint(value, lambda number: number >= 0.5)
