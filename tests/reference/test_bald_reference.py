"""BALD and power BALD against their plain forms."""

import math
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.plain import bald as plain_bald
from benchmarks.plain._shared import lowest
from helpers import plain_strategies as plain
from helpers.choosing import assert_drawn_by, choose, multilabel_pool
from labelbench_core.errors import InputError
from labelbench_core.strategies import bald
from labelbench_core.strategies.testing import Blocks, make_pool


@pytest.mark.parametrize("classes", [2, 5, 40])
def test_bald(classes):
    pool = make_pool(300, classes=classes, labeled=40)
    scores = plain_bald.disagreements(pool.member_probabilities)
    found = bald.disagreements(pool.member_probabilities, multilabel=False)
    assert np.allclose(found, scores, rtol=1e-9, atol=1e-12)
    expected = lowest(-scores, pool.unlabeled(), 100)
    assert np.array_equal(choose("bald", pool, 100), expected)


def test_bald_reads_members_of_any_kind():
    import torch

    pool = make_pool(97, labeled=10)
    members = pool.member_probabilities
    expected = choose("bald", pool, 50)
    tensors = replace(pool, member_probabilities=torch.from_numpy(members.copy()))
    assert np.array_equal(choose("bald", tensors, 50), expected)
    blocks = [Blocks(member, 8) for member in members]
    found = bald.disagreements(blocks, multilabel=False)
    assert np.array_equal(found, bald.disagreements(members, multilabel=False))


def test_bald_takes_what_members_agree_on_last_and_equal_rows_by_index():
    members = np.repeat(np.random.default_rng(0).dirichlet(np.ones(3), (1, 30)), 3, axis=0)
    members[:, 1::2] = np.eye(3)[:, None]
    pool = replace(make_pool(30, labeled=0), member_probabilities=members.astype(np.float32))
    assert choose("bald", pool, 30).tolist() == [*range(1, 30, 2), *range(0, 30, 2)]
    scores = bald.disagreements(pool.member_probabilities, multilabel=False)
    assert (scores[::2] == 0).all()
    assert np.allclose(scores[1::2], math.log(3))
    chosen = choose("power-bald", pool, 25)
    assert (chosen[:15] % 2 == 1).all()
    assert (chosen[15:] % 2 == 0).all()
    assert chosen[15:].tolist() != sorted(chosen[15:])


def test_bald_of_multilabel_pools_adds_up_labels():
    members = np.random.default_rng(0).random((3, 20, 4)).astype(np.float32)
    pool = replace(multilabel_pool(20, classes=4, labeled=0), member_probabilities=members)
    wide = members.astype(np.float64)
    pairs = np.stack([wide, 1 - wide], axis=-1)  # each label a problem of two classes
    expected = np.sum([plain_bald.disagreements(pairs[:, :, label]) for label in range(4)], axis=0)
    assert np.allclose(bald.disagreements(members, multilabel=True), expected, rtol=1e-9)
    assert choose("bald", pool, 20).tolist() == np.argsort(-expected).tolist()


@pytest.mark.parametrize("power", [0, 1, 3])
def test_power_bald_draws_in_proportion_to_the_power(power):
    members = np.random.default_rng(0).dirichlet(np.ones(3), (4, 5)).astype(np.float32)
    pool = replace(make_pool(5, labeled=0), member_probabilities=members)
    weights = plain_bald.disagreements(members)
    law = plain.drawing_law(weights**power, 3)
    assert_drawn_by(law, pool, 3, 3000, "power-bald", power=power)


@pytest.mark.parametrize("power", [-1, float("inf"), float("nan")])
def test_power_is_checked(power):
    with pytest.raises(InputError, match=r"'power-bald': options\.power: "):
        choose("power-bald", make_pool(20), 3, power=power)
