"""Optimal designs pick what is found by inverting every candidate's matrix."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from helpers.choosing import choose, multilabel_pool
from labelbench_core.errors import InputError
from labelbench_core.strategies import bait as bait_module
from labelbench_core.strategies.kernels import design, swap
from labelbench_core.strategies.testing import awkward_pools, make_pool


def first_largest(gains):
    """The lowest index of those whose gains are largest, but for rounding."""
    best = max(gains)
    return next(i for i, gain in enumerate(gains) if gain >= best - 1e-9 * abs(best))


def binary_informations(pool):
    """(N, D, D) Fisher information of the predicted class against the rest."""
    p, h = pool.probabilities.astype(np.float64), pool.embeddings.astype(np.float64)
    weight = (p * (1 - p)).mean(axis=1) if pool.multilabel else p.max(axis=1) * (1 - p.max(axis=1))
    return weight[:, None, None] * h[:, :, None] * h[:, None, :]


def forward(informations, labeled, unlabeled, budget, ridge):
    """Greedily the smallest trace of inverse times target: one inverse per candidate."""
    target = informations.mean(axis=0)
    matrix = ridge * np.eye(len(target)) + informations[labeled].sum(axis=0)
    left, chosen = list(unlabeled), []
    for _ in range(budget):
        before = np.trace(np.linalg.solve(matrix, target))
        after = [np.trace(np.linalg.solve(matrix + informations[i], target)) for i in left]
        chosen.append(left.pop(first_largest([before - trace for trace in after])))
        matrix = matrix + informations[chosen[-1]]
    return chosen


def trace(informations, labeled, rows, ridge=1.0):
    """The objective with `rows` bought: smaller is better."""
    matrix = ridge * np.eye(informations.shape[1]) + informations[[*labeled, *rows]].sum(axis=0)
    return np.trace(np.linalg.solve(matrix, informations.mean(axis=0)))


def backward(informations, labeled, taken, budget, ridge):
    """Gives back, one by one, the row that raises the trace least; the last of equal ones."""
    kept = list(taken)
    while len(kept) > budget:
        rises = [trace(informations, labeled, [i for i in kept if i != row], ridge) for row in kept]
        before = trace(informations, labeled, kept, ridge)
        kept.pop(len(kept) - 1 - first_largest([before - rise for rise in rises[::-1]]))
    return kept


def forward_backward(informations, labeled, unlabeled, budget, ridge, oversample=2.0):
    """The better of what is left of the rows taken, and of the first of them."""
    count = int(min(oversample * budget, len(unlabeled)))
    taken = forward(informations, labeled, unlabeled, count, ridge)
    kept = backward(informations, labeled, taken, budget, ridge)
    after, before = (trace(informations, labeled, rows, ridge) for rows in (kept, taken[:budget]))
    return taken[:budget] if before < (1 - 1e-9) * after else kept


PLAIN = {"forward": forward, "forward_backward": forward_backward}


def both_binary(pool, budget, ridge, steps):
    """Picks of bait-binary, and of its plain form."""
    chosen = choose("bait-binary", pool, budget, ridge=ridge, steps=steps).tolist()
    arguments = pool.labeled, pool.unlabeled(), budget, ridge
    return chosen, PLAIN[steps](binary_informations(pool), *arguments)


@pytest.mark.parametrize("steps", PLAIN)
@pytest.mark.parametrize("refresh_after", [1, 7, 1000])
@pytest.mark.parametrize("labeled", [0, 30])
@pytest.mark.parametrize("ridge", [1e-2, 1.0, 50.0])
def test_bait_binary(labeled, ridge, refresh_after, steps, monkeypatch):
    monkeypatch.setattr("labelbench_core.strategies.bait_binary.REFRESH_AFTER", refresh_after)
    pool = make_pool(100, dims=5, classes=4, labeled=labeled)
    chosen, expected = both_binary(pool, 25, ridge, steps)
    assert chosen == expected


@pytest.mark.parametrize("steps", PLAIN)
def test_bait_binary_multilabel(steps):
    pool = multilabel_pool(80, dims=5, classes=4, labeled=10)
    chosen, expected = both_binary(pool, 25, 1.0, steps)
    assert chosen == expected


@pytest.mark.parametrize("oversample", [1, 1.5, 4, 1000])
def test_bait_binary_takes_more_than_it_keeps(oversample):
    pool = make_pool(60, dims=4, labeled=5)
    arguments = binary_informations(pool), pool.labeled, pool.unlabeled(), 12, 1.0
    expected = forward_backward(*arguments, oversample)
    assert choose("bait-binary", pool, 12, oversample=oversample).tolist() == expected


def test_bait_binary_with_the_options_left_out():
    pool = make_pool(400, dims=32, classes=4, labeled=0)
    chosen = choose("bait-binary", pool, 40)
    options = {"ridge": 1, "steps": "forward_backward", "oversample": 2}
    assert np.array_equal(chosen, choose("bait-binary", pool, 40, **options))
    for other in ({"ridge": 1e3}, {"steps": "forward"}, {"oversample": 1.1}):
        assert not np.array_equal(chosen, choose("bait-binary", pool, 40, **other))


@pytest.mark.parametrize("budget", [3, 12, 50])
@pytest.mark.parametrize("dims", [4, 32])
@pytest.mark.parametrize("ridge", [0.05, 1.0])
def test_steps_back_never_end_worse_than_steps_forward(ridge, dims, budget):
    better = 0
    for seed in range(5):
        pool = make_pool(400, dims=dims, classes=4, labeled=0, seed=seed)
        informations = binary_informations(pool)
        both, alone = (
            trace(
                informations, [], choose("bait-binary", pool, budget, ridge=ridge, **steps), ridge
            )
            for steps in ({}, {"steps": "forward"})
        )
        assert both <= alone * (1 + 1e-9)
        better += both < 0.99 * alone
    assert better >= 3 or (dims, budget) != (32, 50)


@pytest.mark.parametrize("steps", PLAIN)
@pytest.mark.parametrize("title", ["duplicated points", "certain", "all zero", "one feature"])
def test_bait_binary_gives_equal_gains_to_the_lowest_index(title, steps):
    pool = awkward_pools("bait-binary")[title]
    for budget in (len(pool.unlabeled()) // 3, len(pool.unlabeled())):
        chosen, expected = both_binary(pool, budget, 1.0, steps)
        assert chosen == expected


@pytest.mark.parametrize("steps", PLAIN)
@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_bait_binary_where_digits_are_lost(scale, steps):
    # With long embeddings and nothing labelled, the first picks lower the trace by many orders.
    pool = make_pool(100, dims=6, labeled=0)
    pool = replace(pool, embeddings=(scale * pool.embeddings).astype(np.float32))
    chosen, expected = both_binary(pool, 25, 1.0, steps)
    assert chosen == expected


def smallest_ridge(informations, pool, count):
    """1e-7 of the size of the matrix when `count` rows have been bought."""
    known = informations[pool.labeled].sum(axis=0)
    return 1e-7 * np.linalg.norm(known + count * informations.mean(axis=0))


def flat_pool(labeled):
    """Embeddings one column of which is always zero: no information is known of it."""
    pool = make_pool(60, dims=4, labeled=labeled)
    return replace(pool, embeddings=pool.embeddings * np.float32([1, 0, 1, 1]))


# Ridges that double precision cannot tell from none.
TINY = [sys.float_info.min, 1e-100, 1e-20, 1e-12]


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("labeled", [0, 1, 20])
@pytest.mark.parametrize("ridge", TINY)
def test_bait_binary_with_a_ridge_that_is_lost_in_rounding(ridge, labeled):
    pool = flat_pool(labeled)
    informations = binary_informations(pool)
    smallest = smallest_ridge(informations, pool, 24)
    expected = forward_backward(informations, pool.labeled, pool.unlabeled(), 12, smallest)
    assert choose("bait-binary", pool, 12, ridge=ridge).tolist() == expected


@pytest.mark.parametrize("ridge", [0, -1.0, float("nan")])
def test_bait_binary_ridge_is_checked(ridge):
    with pytest.raises(InputError, match="ridge"):
        choose("bait-binary", make_pool(), 3, ridge=ridge)


@pytest.mark.parametrize("option", [{"steps": "backward"}, {"oversample": 0.5}], ids=str)
def test_bait_binary_options_are_checked(option):
    with pytest.raises(InputError, match=next(iter(option))):
        choose("bait-binary", make_pool(), 3, **option)


def test_contenders_are_equal_but_for_rounding():
    gains = np.array([-np.inf, 1 - 1e-6, 1 - 1e-12, 1.0, 1 - 1e-12])
    assert design.contenders(gains).tolist() == [2, 3, 4]


def full_informations(pool, dims):
    """(N, C D, C D) Fisher information of the last layer, on the leading directions."""
    p, h = pool.probabilities.astype(np.float64), pool.embeddings.astype(np.float64)
    if h.shape[1] > dims:
        h = h @ np.linalg.svd(h, full_matrices=False)[2][:dims].T
    informations = []
    for row, point in zip(p, h, strict=True):
        covariance = (
            np.diag(row * (1 - row)) if pool.multilabel else np.diag(row) - np.outer(row, row)
        )
        informations.append(np.kron(covariance, np.outer(point, point)))
    return np.array(informations)


def without_common_direction(informations, classes):
    """The same without the direction in which all classes' weights move together.

    It carries no information, so it leaves the traces alone; but beside very long embeddings it
    costs the inverses of this plain form the digits that decide.
    """
    basis = np.linalg.svd(np.ones((1, classes)))[2][1:]
    basis = np.kron(basis, np.eye(informations.shape[1] // classes))
    return basis @ informations @ basis.T


def bait(pool, budget, ridge=1.0, dims=30, oversample=2, reduced=False):
    """Forward by one inverse per candidate, then backward in the same way."""
    informations = full_informations(pool, dims)
    if reduced:
        informations = without_common_direction(informations, pool.num_classes)
    unlabeled = pool.unlabeled()
    count = min(int(oversample * budget), len(unlabeled))
    taken = forward(informations, pool.labeled, unlabeled, count, ridge)
    return backward(informations, pool.labeled, taken, budget, ridge)


@pytest.mark.parametrize("refresh_after", [1, 5, 1000])
@pytest.mark.parametrize("labeled", [0, 1, 20])
@pytest.mark.parametrize("ridge", [0.05, 1.0])
@pytest.mark.parametrize("classes", [2, 4])
def test_bait(classes, labeled, ridge, refresh_after, monkeypatch):
    monkeypatch.setattr("labelbench_core.strategies.bait.REFRESH_AFTER", refresh_after)
    pool = make_pool(60, dims=3, classes=classes, labeled=labeled)
    assert choose("bait", pool, 12, ridge=ridge).tolist() == bait(pool, 12, ridge)


def test_bait_gives_something_back():
    pool = make_pool(60, dims=3, labeled=0)
    assert choose("bait", pool, 12).tolist() != choose("bait", pool, 12, oversample=1).tolist()


@pytest.mark.parametrize("oversample", [1, 1.5, 3])
def test_bait_takes_more_than_it_keeps(oversample):
    pool = make_pool(50, dims=3, labeled=5)
    assert choose("bait", pool, 10, oversample=oversample).tolist() == bait(
        pool, 10, oversample=oversample
    )


@pytest.mark.parametrize("dims", [1, 3, 8])
def test_bait_on_the_leading_directions(dims):
    pool = make_pool(50, dims=8, labeled=5)
    pool = replace(pool, embeddings=pool.embeddings + np.float32(1))
    assert choose("bait", pool, 8, dims=dims).tolist() == bait(pool, 8, dims=dims)


def test_bait_projects_on_30_directions_by_default():
    pool = make_pool(80, dims=40, classes=2, labeled=5)
    assert np.array_equal(choose("bait", pool, 10), choose("bait", pool, 10, dims=30))
    assert not np.array_equal(choose("bait", pool, 10), choose("bait", pool, 10, dims=5))


def test_bait_in_chunks(monkeypatch):
    pool = make_pool(50, dims=3, labeled=5)
    expected = choose("bait", pool, 12).tolist()
    for module in ("bait", "kernels.last_layer"):
        monkeypatch.setattr(f"labelbench_core.strategies.{module}.chunk_rows", lambda values: 7)
    assert choose("bait", pool, 12).tolist() == expected


def test_bait_multilabel():
    pool = multilabel_pool(50, dims=3, labeled=5)
    assert choose("bait", pool, 12).tolist() == bait(pool, 12)


@pytest.mark.parametrize("title", ["duplicated points", "certain", "all zero", "one feature"])
def test_bait_gives_equal_gains_to_the_lowest_index(title):
    pool = awkward_pools("bait")[title]
    assert choose("bait", pool, 14).tolist() == bait(pool, 14)


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_bait_where_digits_are_lost(scale):
    pool = make_pool(60, dims=3, labeled=0)
    pool = replace(pool, embeddings=(scale * pool.embeddings).astype(np.float32))
    assert choose("bait", pool, 12).tolist() == bait(pool, 12, reduced=True)


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("labeled", [0, 1, 20])
@pytest.mark.parametrize("ridge", TINY)
def test_bait_with_a_ridge_that_is_lost_in_rounding(ridge, labeled):
    pool = flat_pool(labeled)
    smallest = smallest_ridge(full_informations(pool, 30), pool, 24)
    assert choose("bait", pool, 12, ridge=ridge).tolist() == bait(pool, 12, smallest, reduced=True)


@pytest.mark.parametrize(
    "option",
    [{"ridge": 0}, {"dims": 0}, {"oversample": 0.5}, {"proposals": 0}, {"method": "other"}],
    ids=str,
)
def test_bait_options_are_checked(option):
    with pytest.raises(InputError, match=next(iter(option))):
        choose("bait", make_pool(), 3, **option)


def bait_by_swaps(pool, budget, seed, dims=30, proposals=10):
    """LabelBench's pass of swaps: one inverse for every candidate of every swap."""
    rng = np.random.default_rng(seed)
    centered = replace(pool, embeddings=pool.embeddings - pool.embeddings.mean(axis=0, dtype=float))
    informations = full_informations(centered, dims)
    if not pool.multilabel:
        informations = without_common_direction(informations, pool.num_classes)
    target, unlabeled = informations.mean(axis=0), pool.unlabeled()
    batch = rng.choice(len(unlabeled), budget, replace=False).tolist()
    known = informations[pool.labeled].sum(axis=0)
    for _ in range(budget):
        outside = [i for i in range(len(unlabeled)) if i not in batch]
        drawn = rng.choice(outside, min(proposals, len(outside)), replace=False)
        dropped = batch.pop(0)
        traces = []
        for joined in [dropped, *drawn]:
            rows = unlabeled[[*batch, joined]]
            traces.append(np.trace(np.linalg.solve(known + informations[rows].sum(axis=0), target)))
        batch.append([dropped, *drawn][first_largest([-trace for trace in traces])])
    return unlabeled[batch].tolist()


@pytest.mark.parametrize("refresh_after", [1, 5, 1000])
@pytest.mark.parametrize("labeled", [0, 1, 30])
@pytest.mark.parametrize("classes", [2, 4])
def test_bait_by_swaps(classes, labeled, refresh_after, monkeypatch):
    monkeypatch.setattr(swap, "REFRESH_AFTER", refresh_after)
    pool = make_pool(80, dims=3, classes=classes, labeled=labeled)
    assert choose("bait", pool, 20, 3, method="swap").tolist() == bait_by_swaps(pool, 20, 3)


@pytest.mark.parametrize("proposals", [1, 4, 100])
def test_bait_by_swaps_with_other_numbers_of_proposals(proposals):
    pool = make_pool(60, dims=3, labeled=10)
    expected = bait_by_swaps(pool, 15, 3, proposals=proposals)
    assert choose("bait", pool, 15, 3, method="swap", proposals=proposals).tolist() == expected


def test_bait_by_swaps_on_principal_components():
    pool = make_pool(80, dims=8, labeled=20)
    pool = replace(pool, embeddings=pool.embeddings + np.float32(3))
    expected = bait_by_swaps(pool, 15, 3, dims=2)
    assert choose("bait", pool, 15, 3, method="swap", dims=2).tolist() == expected


def test_bait_by_swaps_multilabel():
    pool = multilabel_pool(60, dims=3, labeled=10)
    assert choose("bait", pool, 15, 3, method="swap").tolist() == bait_by_swaps(pool, 15, 3)


def test_bait_by_swaps_where_nothing_is_known_of_a_direction():
    # The information of the rows drawn has no inverse; whatever row mends that joins the batch.
    points = np.zeros((60, 2))
    points[:50, 0] = np.tile([1, -1], 25)
    points[50:, 1] = np.tile([1, -1], 5)
    pool = make_pool(embeddings=points, labeled=0)
    drawn = np.random.default_rng(3).choice(60, 4, replace=False)
    assert (drawn < 50).all()
    chosen = choose("bait", pool, 4, 3, method="swap", proposals=56)
    assert set(chosen >= 50) == {True, False}


def test_bait_by_swaps_is_better_than_random_and_greedy_better_than_swaps():
    pool = make_pool(150, dims=4, labeled=10)
    informations = full_informations(pool, 30)
    target = informations.mean(axis=0)

    def trace(rows):
        matrix = np.eye(len(target)) + informations[[*pool.labeled, *rows]].sum(axis=0)
        return np.trace(np.linalg.solve(matrix, target))

    drawn = pool.unlabeled()[np.random.default_rng(3).choice(140, 25, replace=False)]
    swapped = choose("bait", pool, 25, 3, method="swap")
    assert trace(choose("bait", pool, 25)) < trace(swapped) < trace(drawn)


def test_bait_computes_few_of_the_gains(monkeypatch):
    looked_at = []
    gains = bait_module._Design._gains

    def counted(self, rows, seen, bar):
        looked_at.append(len(rows))
        return gains(self, rows, seen, bar)

    monkeypatch.setattr(bait_module._Design, "_gains", counted)
    pool = make_pool(2000, dims=6, labeled=200, classes=5)
    choose("bait", pool, 20, oversample=1)
    assert sum(looked_at) < 0.5 * 20 * 2000
