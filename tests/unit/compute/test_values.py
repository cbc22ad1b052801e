"""Only classes and probabilities enter the library: logits, NaN and labels out of range do not."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from labelbench_core import metrics
from labelbench_core.errors import InputError
from labelbench_core.proxies import Statistics, TrainingSet
from labelbench_core.selection import pool_rows
from labelbench_core.strategies import Head, select
from labelbench_core.strategies.testing import Blocks, make_pool

KINDS = {
    "numpy": lambda array: array,
    "torch": torch.from_numpy,
    "blocks": lambda array: Blocks(array, 6),
    "half": lambda array: array.astype(np.float16),
}


def probabilities_with(row, values):
    array = make_pool(20, labeled=4).probabilities.copy()
    array[row] = values
    return array


@pytest.mark.parametrize("wrap", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([4.0, -2.0, 1.0], r"row 13 holds -2; allowed: 0 to 1 \(for logits, pass their softmax\)"),
        ([2.5, 0.0, 0.0], "row 13 holds 2.5; allowed: 0 to 1"),
        ([0.5, 0.25, 0.0], r"row 13 sums to 0.75; allowed: 1"),
        ([0.75, 0.75, 0.75], r"row 13 sums to 2.25; allowed: 1"),
        ([np.nan, 0.5, 0.5], "row 13 holds a value that is NaN"),
    ],
)
def test_what_is_no_probability_is_named(wrap, values, told):
    pool = replace(make_pool(20, labeled=4), probabilities=wrap(probabilities_with(13, values)))
    with pytest.raises(InputError, match=rf"^probabilities: {told}"):
        select("margin", pool, 3, np.random.default_rng(0))


def test_members_and_other_kinds_are_checked_where_they_are_needed():
    pool = make_pool(20, labeled=4)
    members = pool.member_probabilities.copy()
    members[1, 5] = [0.5, 0.0, 0.0]
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match=r"member_probabilities: row 5 sums to 0\.5"):
        select("bald", replace(pool, member_probabilities=members), 3, rng)
    many = np.eye(1000, dtype=np.float32)[np.arange(20)] * 0.5 + 0.0005
    other = {"num_classes": 1000, "head": None, "member_probabilities": None}
    rounded = replace(pool, probabilities=many.astype(np.float16), **other)
    assert len(select("margin", rounded, 3, rng)) == 3
    several = replace(
        pool,
        probabilities=probabilities_with(3, [1, 1, 0.5]),
        labels=np.zeros((4, 3), np.int64),
        multilabel=True,
    )
    assert len(select("margin", several, 3, rng)) == 3


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"labels": np.array([0, 1, 2, 3])}, "labels: 3; allowed: 0 to 2"),
        ({"labels": np.array([0, -1, 2, 1])}, "labels: -1; allowed: 0 to 2"),
        (
            {"labels": np.array([0.0, 1.0, 2.0, 1.0])},
            "labels: float64; allowed: an array of whole numbers",
        ),
        ({"labels": np.zeros((4, 3), np.int64)}, r"labels: shape \(4, 3\); allowed: \(4,\)"),
        ({"labels": np.full((4, 3), 2), "multilabel": True}, "labels: 2; allowed: 0 to 1"),
        ({"labels": [0, 1, 2, 1]}, "labels: list; allowed: a NumPy array"),
        ({"labeled": [0, 1, 2, 3]}, "labeled: list; allowed: a NumPy array"),
        ({"num_classes": 3.0}, "num_classes: 3.0; allowed: a whole number"),
        ({"head": Head(np.zeros((4, 3)), np.zeros(3))}, r"head.weights: shape \(4, 3\)"),
        ({"head": Head(np.zeros((6, 3)), np.zeros(4))}, r"head.bias: shape \(4,\)"),
        (
            {"member_probabilities": np.zeros((2, 20, 3), int)},
            "member_probabilities: int64; allowed: fl",
        ),
    ],
)
def test_a_pool_of_something_else_is_refused(changes, told):
    pool = make_pool(20, dims=6, labeled=4)
    with pytest.raises(InputError, match=told):
        replace(pool, **changes)


@pytest.mark.parametrize("rng", [0, None, np.random.RandomState(0)])
def test_randomness_comes_from_a_generator(rng):
    with pytest.raises(InputError, match=r"^rng: .*; allowed: a numpy\.random\.Generator"):
        select("random", make_pool(20, labeled=4), 3, rng)


@pytest.mark.parametrize(
    ("probabilities", "labels", "told"),
    [
        ([[3.0, -1.0], [0.5, 0.5]], [0, 1], "row 0 holds -1"),
        ([[0.5, 0.5], [0.5, 0.25]], [0, 1], "row 1 sums to 0.75"),
        ([[np.nan, 0.5], [0.5, 0.5]], [0, 1], "row 0 holds nan"),
        ([[0.5, 0.5], [0.5, 0.5]], [0, 2], "labels: 2; allowed: 0 to 1"),
        ([[0.5, 0.5], [0.5, 0.5]], [0, -1], "labels: -1"),
        (
            [[0.5, 0.5], [0.5, 0.5]],
            [0.0, 1.0],
            "labels: float64; allowed: an array of whole numbers",
        ),
        ([[0.5, 0.5], [0.5, 0.5]], [0], r"labels: shape \(1,\); allowed: \(2,\)"),
        ([0.5, 0.5], [0, 1], r"probabilities: shape \(2,\)"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(probabilities, labels, told):
    with pytest.raises(InputError, match=told):
        metrics.evaluate(np.array(probabilities, np.float32), np.array(labels))


@pytest.mark.parametrize(
    ("indices", "labels", "told"),
    [
        ([0, 1], [0, 5], "labels: 5; allowed: 0 to 2"),
        ([0, 9], [0, 1], "indices: 9; allowed: 0 to 8"),
        ([0, 1], [0.0, 1.0], "labels: float64; allowed: an array of whole numbers"),
        ([0, 1], [0], "two vectors of one length"),
    ],
)
def test_what_cannot_be_trained_on_is_refused(indices, labels, told):
    pool = np.zeros((9, 4), np.float32)
    statistics = Statistics(np.zeros(4), np.ones(4))
    with pytest.raises(InputError, match=told):
        TrainingSet(pool, np.array(indices), np.array(labels), 3, statistics)


class Logits:
    """A proxy that forgot the softmax."""

    def predict_proba(self, rows):
        return rows.astype(np.float32)


def test_a_proxys_logits_are_named_when_they_are_read():
    rows = Blocks(np.linspace(-3, 3, 60).reshape(20, 3).astype(np.float32), 6)
    seen = pool_rows.PredictedRows(Logits(), rows)
    with pytest.raises(InputError, match="probabilities: row 0 holds -3; allowed: 0 to 1"):
        seen.load()
    sure = Blocks(np.ones((20, 3), np.float32), 6)
    assert pool_rows.PredictedRows(Logits(), sure, multilabel=True).load().shape == (20, 3)
    with pytest.raises(InputError, match="row 0 sums to 3; allowed: 1"):
        pool_rows.PredictedRows(Logits(), sure).load()
