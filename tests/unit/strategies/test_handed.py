"""What a caller's functions, labels and heads hand in is checked, and named where it is wrong."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from labelbench_core.errors import InputError
from labelbench_core.strategies import Head, select
from labelbench_core.strategies.testing import make_pool, run

LABELS = np.arange(60) % 3


def told_of(strategy, changes=None, **handed):
    """What is said of a pool and of what is handed in with it."""
    pool = replace(make_pool(), **(changes or {}))
    with pytest.raises(InputError) as caught:
        select(strategy, pool, 15, np.random.default_rng(0), **handed)
    return str(caught.value)


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda rows: LABELS[rows][1:], "ask: shape ("),
        (lambda rows: LABELS[rows][:, None], "ask: shape ("),
        (lambda rows: LABELS[rows] * 0 + 7, "ask: 7; allowed: 0 to 2"),
        (lambda rows: LABELS[rows] * 0 - 1, "ask: -1; allowed: 0 to 2"),
        (lambda rows: LABELS[rows] + 0.5, "ask: float64; allowed: an array of whole numbers"),
        (lambda rows: None, "ask: NoneType; allowed: an array of whole numbers"),
        ("x", "ask: 'x'; allowed: a function"),
    ],
)
@pytest.mark.parametrize("strategy", ["direct", "galaxy"])
def test_labels_asked_for_are_those_of_the_rows(strategy, ask, told):
    assert told_of(strategy, ask=ask).startswith(told)


@pytest.mark.parametrize("score", [np.nan, np.inf, None, "1", np.zeros(3), True])
def test_a_fit_is_a_number(score):
    told = told_of("look-ahead", truth=LABELS, fit=lambda rows: score)
    assert told.startswith("fit: ")
    assert told.endswith("for 15 rows; allowed: a number")


@pytest.mark.parametrize(
    ("truth", "told"),
    [
        (LABELS[:20], "truth: shape (20,); allowed: (60,)"),
        (LABELS + 1, "truth: 3; allowed: 0 to 2"),
        (LABELS.tolist(), "truth: list; allowed: an array of whole numbers"),
    ],
)
def test_the_truth_is_a_label_of_each_row(truth, told):
    assert told_of("look-ahead", truth=truth, fit=lambda rows: 0.0) == told


GOOD = np.full((2, 3), 1 / 3, np.float32)


@pytest.mark.parametrize(
    ("held_out", "told"),
    [
        (lambda share: (GOOD * np.nan, LABELS[:2]), "held_out: probabilities: row 0 holds nan"),
        (lambda share: (GOOD * 30, LABELS[:2]), "held_out: probabilities: row 0 holds 10; allowed"),
        (lambda share: (GOOD / 2, LABELS[:2]), "held_out: probabilities: row 0 sums to 0.5"),
        (lambda share: (GOOD[:, :2], LABELS[:2]), "held_out: probabilities: shape (2, 2)"),
        (lambda share: (GOOD[:0], LABELS[:0]), "held_out: probabilities: shape (0, 3)"),
        (lambda share: (GOOD.tolist(), LABELS[:2]), "held_out: probabilities: list; allowed: a "),
        (lambda share: (GOOD, LABELS[:1]), "held_out: labels: shape (1,); allowed: (2,)"),
        (lambda share: (GOOD, LABELS[:2] + 7), "held_out: labels: 7; allowed: 0 to 2"),
        (lambda share: None, "held_out: None; allowed: probabilities and labels"),
        (0.3, "held_out: 0.3; allowed: a function"),
    ],
)
def test_what_is_held_out_are_probabilities_and_labels(held_out, told):
    assert told_of("uherding", {"held_out": held_out}).startswith(told)


@pytest.mark.parametrize("part", ["weights", "bias"])
@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy])
@pytest.mark.parametrize("strategy", ["dropquery", "alfa-mix"])
def test_a_heads_values_are_numbers(strategy, part, kind):
    values = {"weights": np.ones((6, 3), np.float32), "bias": np.zeros(3, np.float32)}
    values[part][-1] = np.nan
    head = Head(**{name: kind(array) for name, array in values.items()})
    assert (
        told_of(strategy, {"head": head})
        == f"head.{part}: holds a value that is NaN or infinite; allowed: finite numbers"
    )
    # Only those that need the head look at it.
    assert len(run("margin", replace(make_pool(), head=head), 3, {})) == 3
