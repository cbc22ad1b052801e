"""Which rows a strategy chooses among, and what it does where those are too few.

A candidate set that silently widens, or shrinks, makes a method into another one; each strategy's
docstring says what happens, and these tests hold it to that on pools where it does.
"""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.plain import alfa_mix as plain_alfa_mix
from benchmarks.plain import dropquery as plain_dropquery
from helpers.choosing import choose
from labelbench_core.strategies import Head, alfa_mix
from labelbench_core.strategies.kernels import kmeans
from labelbench_core.strategies.kernels.fill import fill_at_random
from labelbench_core.strategies.margin import margins
from labelbench_core.strategies.testing import make_pool


def certain_pool(rows=200, doubtful=30, labeled=0, seed=0):
    """A pool whose first rows may change class under dropout; all others cannot."""
    rng = np.random.default_rng(seed)
    points = 0.01 * rng.standard_normal((rows, 16))
    points[doubtful:] += 5  # of the first class, which all features dropped leave too
    weights = np.stack([np.ones(16), -np.ones(16)], axis=1).astype(np.float32)
    pool = make_pool(classes=2, labeled=labeled, embeddings=points, seed=seed)
    head = Head(weights, np.zeros(2, np.float32))
    return replace(pool, head=head, probabilities=head.predict_proba(pool.embeddings))


def changes(pool, passes=3, seed=0):
    return plain_dropquery.changed_classes(pool, passes, 0.75, np.random.default_rng(seed))


@pytest.mark.parametrize("passes", [1, 2, 3, 7])
@pytest.mark.parametrize("per_pick", [1, 25])
def test_dropquery_never_prefers_rows_that_never_change(passes, per_pick):
    pool = certain_pool()
    changed = np.flatnonzero(changes(pool, passes) > 0)
    assert 5 < len(changed) < len(changed) * 25
    for budget in (1, 5, len(changed)):
        options = {"passes": passes, "candidates_per_pick": per_pick}
        assert np.isin(choose("dropquery", pool, budget, **options), changed).all()


def test_dropquery_takes_all_that_change_and_draws_the_rest():
    pool = certain_pool()
    drawn = []
    for seed in range(3):
        changed = np.flatnonzero(changes(pool, seed=seed) > 0)
        chosen = choose("dropquery", pool, len(changed) + 60, seed=seed)
        assert np.array_equal(chosen[: len(changed)], changed)
        drawn.append(chosen[len(changed) :])
        assert not np.isin(drawn[-1], changed).any()
    assert len({tuple(sorted(rest)) for rest in drawn}) == 3


def test_dropquery_where_no_class_changes_draws_like_random():
    pool = certain_pool(doubtful=0)
    assert not changes(pool).any()
    counts = np.zeros(200)
    for seed in range(200):
        counts[choose("dropquery", pool, 20, seed=seed)] += 1
    assert counts.min() > 3  # of 20 expected; a preferred part would leave the others at 0
    assert counts.max() < 45


def test_dropquery_counts_unlabelled_rows_only():
    pool = certain_pool()
    changed = np.flatnonzero(changes(pool) > 0)
    known = replace(pool, labeled=changed[:-2], labels=np.zeros(len(changed) - 2, np.int64))
    chosen = choose("dropquery", known, 10)
    assert np.array_equal(chosen[:2], changed[-2:])
    assert not np.isin(chosen, changed[:-2]).any()


def test_alfa_mix_where_no_class_changes_draws_like_random():
    pool = replace(make_pool(100), head=Head(np.zeros((6, 3), np.float32), np.float32([1, 0, 0])))
    assert np.isinf(alfa_mix.changing_caps(pool)).all()
    picks = {tuple(choose("alfa-mix", pool, 20, seed=seed)) for seed in range(5)}
    assert len(picks) == 5
    assert all(len(set(chosen)) == 20 for chosen in picks)  # the authors' code can repeat a row


def test_alfa_mix_takes_all_that_change_and_draws_the_rest():
    pool = make_pool(150, dims=64, classes=4, labeled=25)
    pool = replace(pool, head=Head(pool.head.weights / 8, pool.head.bias))
    free = pool.unlabeled()
    changing = free[alfa_mix.changing_caps(pool)[free] <= 1]
    assert len(changing) < len(free) - 1
    picks = [choose("alfa-mix", pool, len(changing) + 1, seed=seed) for seed in range(8)]
    assert all(np.array_equal(chosen[: len(changing)], changing) for chosen in picks)
    assert len({int(chosen[-1]) for chosen in picks}) > 1


@pytest.mark.parametrize("cap", [0.1, 0.5, 1.0])
def test_an_anchor_for_classes_without_labels_would_change_no_candidate(cap):
    # What the authors' code does: their anchor is the mean of all labelled rows.
    pool = make_pool(150, dims=64, classes=6, labeled=25)
    missing = replace(pool, labels=pool.labels % 3)
    with_theirs = plain_alfa_mix.changed_by_mixing(missing, cap)
    with_theirs |= plain_alfa_mix.changed_by_mixing(replace(pool, labels=pool.labels * 0), cap)
    free = pool.unlabeled()
    assert np.array_equal(alfa_mix.changing_caps(missing)[free] <= cap, with_theirs[free])
    assert with_theirs.any()


@pytest.mark.parametrize("oversample", [1.0, 2.0, 10.0])
def test_cluster_margin_chooses_among_the_smallest_margins_only(oversample):
    pool = make_pool(200, labeled=20)
    free = pool.unlabeled()
    scores = margins(pool.probabilities.T.astype(np.float64))[free]
    candidates = free[np.argsort(scores, kind="stable")[: int(oversample * 15)]]
    assert np.isin(choose("cluster-margin", pool, 15, oversample=oversample), candidates).all()


def test_cluster_margin_near_the_end_of_the_pool_has_all_rows_for_candidates():
    pool = make_pool(60, labeled=30)
    picks = {row for seed in range(40) for row in choose("cluster-margin", pool, 6, seed=seed)}
    more = choose("cluster-margin", pool, 6, oversample=1000.0)
    assert np.array_equal(more, choose("cluster-margin", pool, 6, oversample=5.0))
    assert picks <= set(pool.unlabeled())


def test_cluster_margin_visits_few_clusters_the_more_often():
    # Two places only: two clusters, whatever is asked for.
    pool = make_pool(embeddings=np.eye(4)[np.arange(50) % 2], labeled=0)
    chosen = choose("cluster-margin", pool, 20, clusters=20)
    assert sorted(np.bincount(chosen % 2).tolist()) == [10, 10]


def test_typiclust_with_fewer_distinct_rows_than_clusters():
    # Three places: three clusters, visited in turn.
    pool = make_pool(embeddings=np.eye(4)[np.arange(60) % 3], labeled=0)
    chosen = choose("typiclust", pool, 12)
    assert [sorted(visit % 3) for visit in np.split(chosen, 4)] == [[0, 1, 2]] * 4


def test_typiclust_comes_to_small_clusters_last():
    points = np.concatenate([np.tile([1.0, 0], (20, 1)), np.tile([0, 1.0], (4, 1))])
    points += 0.001 * np.random.default_rng(0).standard_normal(points.shape)
    pool = make_pool(embeddings=points, labeled=0)
    chosen = choose("typiclust", pool, 24, max_clusters=2)
    assert set(chosen[:20]) == set(range(20))


def test_nearest_to_centers_of_coinciding_candidates_fills_up_among_them():
    points = np.eye(3, dtype=np.float32)[np.arange(30) % 3]
    candidates = np.arange(0, 30, 2)
    chosen = kmeans.nearest_to_centers(points, candidates, 10, np.random.default_rng(0))
    assert len(set(chosen)) == 10
    assert np.isin(chosen, candidates).all()
    assert {int(row) % 3 for row in chosen[:3]} == {0, 1, 2}


def test_falcun_where_no_relevance_is_left_draws_uniformly():
    pool = make_pool(60, labeled=0)
    pool = replace(pool, probabilities=np.tile(np.float32([1, 0, 0]), (60, 1)))
    counts = np.zeros(60)
    for seed in range(200):
        counts[choose("falcun", pool, 12, seed=seed)] += 1
    assert counts.min() > 15  # of 40 expected
    assert counts.max() < 75


def test_refine_keeps_at_least_the_budget_and_at_most_its_largest_pool():
    pool = make_pool(80, labeled=10)
    options = {"depth": 2, "batches": 9, "first_subset": 1, "largest_pool": 1}
    # Subsets and pools are never smaller than the batch, whatever is asked for.
    assert len(set(choose("refine", pool, 20, **options))) == 20
    assert len(set(choose("refine", pool, 70, **options))) == 70


@pytest.mark.parametrize(
    "candidates", [("margin",), ("margin", "typiclust"), ("dropquery", "alfa-mix")]
)
def test_tailors_candidates_never_propose_a_row_twice(candidates):
    pool = make_pool(60, labeled=5)
    chosen = choose("tailor", pool, 55, candidates=candidates)
    assert sorted(chosen) == pool.unlabeled().tolist()


def test_filling_up_draws_uniformly_among_the_others():
    unlabeled, counts = np.arange(2, 12), np.zeros(12)
    for seed in range(600):
        filled = fill_at_random(np.array([5, 3]), unlabeled, 6, np.random.default_rng(seed))
        assert filled[:2].tolist() == [5, 3]
        assert len(set(filled.tolist())) == 6
        counts[filled[2:]] += 1
    assert counts[[0, 1, 3, 5]].sum() == 0
    assert counts[[2, 4, *range(6, 12)]].min() > 240  # of 300
    rng = np.random.default_rng(0)
    assert fill_at_random(unlabeled[:4], unlabeled, 4, rng).tolist() == [2, 3, 4, 5]
    assert rng.random() == np.random.default_rng(0).random()
