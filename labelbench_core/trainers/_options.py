"""Checks of the options that trainers have in common: one message for all that are wrong."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from labelbench_core.errors import InputError


class Rule(NamedTuple):
    """What an option may be, in words and as a test."""

    allowed: str
    is_good: Callable[[Any], bool]


def _number(allowed: str, is_good: Callable[[float], bool]) -> Rule:
    def test(value: Any) -> bool:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return is_number and math.isfinite(value) and is_good(value)

    return Rule(allowed, test)


def one_of(*values: str) -> Rule:
    """One of these words."""
    return Rule(", ".join(values), lambda value: value in values)


SHARE = _number("from 0 to 1", lambda value: 0 <= value <= 1)
SHARE_BELOW_1 = _number("from 0 to less than 1", lambda value: 0 <= value < 1)
AT_LEAST_0 = _number("at least 0", lambda value: value >= 0)
MORE_THAN_0 = _number("more than 0", lambda value: value > 0)
STEPS = _number("a number of steps, or below 1 a share of them", lambda value: value >= 0)
FLAG = Rule("true, false", lambda value: isinstance(value, bool))


def check_options(
    *, unlabeled_weight: float, label_smoothing: float, **others: tuple[Any, Rule]
) -> None:
    """`InputError` with a line for every option that is out of its range.

    Parameters
    ----------
    unlabeled_weight, label_smoothing
        What every semi-supervised trainer has.
    others
        Value and rule of the trainer's own options.
    """
    given = {
        **others,
        "unlabeled_weight": (unlabeled_weight, AT_LEAST_0),
        "label_smoothing": (label_smoothing, SHARE_BELOW_1),
    }
    wrong = [
        f"options.{name}: {value!r}; allowed: {rule.allowed}"
        for name, (value, rule) in given.items()
        if not rule.is_good(value)
    ]
    if wrong:
        raise InputError("; ".join(wrong))
