"""TypiClust, DropQuery and ALFA-Mix against their plain forms; k-means against scikit-learn."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.plain import alfa_mix as plain_alfa_mix
from benchmarks.plain import dropquery as plain_dropquery
from benchmarks.plain import typiclust
from benchmarks.plain._shared import unit
from helpers.choosing import choose
from labelbench_core.errors import InputError
from labelbench_core.strategies import Head, alfa_mix, dropquery
from labelbench_core.strategies.kernels import kmeans
from labelbench_core.strategies.testing import make_pool
from labelbench_core.strategies.typiclust import _most_of_each


@pytest.mark.parametrize("distance", ["euclidean", "squared"])
@pytest.mark.parametrize("at_once", [2, 64])
@pytest.mark.parametrize("labeled", [0, 7, 100])
def test_typiclust(monkeypatch, labeled, at_once, distance):
    monkeypatch.setattr("labelbench_core.strategies.typiclust.AT_ONCE", at_once)
    pool = make_pool(300, labeled=labeled)
    count = min(labeled + 60, 25)
    clusters = kmeans.cluster(pool.embeddings, count, np.random.default_rng(0)).labels
    min_size = int(np.sort(np.bincount(clusters))[10])  # a size that occurs
    options = {"max_clusters": 25, "neighbors": 8, "min_size": min_size, "distance": distance}
    expected = typiclust.from_clusters(pool, clusters, 60, 8, min_size, distance)
    assert np.array_equal(choose("typiclust", pool, 60, **options), expected)


def test_typiclust_of_plain_and_of_squared_distances_by_hand():
    # One cluster on a small arc. Two neighbours each, at distances 1 and 1 of one row (mean 1, of
    # squares 1), and 0.2 and 1.6 of another (mean 0.9, of squares 1.3).
    places = np.array([0.0, 1.0, -1.0, 9.0, 9.2, 7.4, 20, 21.9, 23.7])
    points = np.column_stack([np.cos(1e-3 * places), np.sin(1e-3 * places)])
    pool = make_pool(embeddings=points, labeled=0)
    options = {"max_clusters": 1, "neighbors": 2}
    assert choose("typiclust", pool, 1, **options).tolist() == [3]
    assert choose("typiclust", pool, 1, distance="squared", **options).tolist() == [0]
    with pytest.raises(InputError, match=r"distance: 'cosine'; allowed: euclidean, squared"):
        choose("typiclust", pool, 1, distance="cosine")


@pytest.mark.parametrize("lloyd_rows", [0, 10_000])
def test_k_means_is_as_good_as_scikit_learn(monkeypatch, lloyd_rows):
    from sklearn.cluster import KMeans

    monkeypatch.setattr(kmeans, "LLOYD_ROWS", lloyd_rows)
    pool = make_pool(6000, dims=12, classes=15)
    points = unit(pool.embeddings).astype(np.float32)
    found = kmeans.cluster(pool.embeddings, 40, np.random.default_rng(0))
    known = KMeans(40, n_init=1, random_state=0).fit(points)
    spread = np.square(points - found.centers[found.labels]).sum()
    assert spread < 1.05 * known.inertia_


def test_k_means_finds_the_nearest_center_exactly():
    # Centers in pairs that float32 products cannot tell apart.
    rng = np.random.default_rng(0)
    points = unit(rng.standard_normal((400, 16))).astype(np.float32)
    centers = unit(rng.standard_normal((30, 16))).astype(np.float32)
    centers = np.concatenate([centers, np.nextafter(centers, 2), centers])
    wide = points[:, None].astype(np.float64) - centers.astype(np.float64)
    expected = np.square(wide).sum(axis=2).argmin(axis=1)
    assert np.array_equal(kmeans.nearest_centers(points, centers), expected)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_dropquery_counts_changed_classes(dtype):
    pool = make_pool(120, dims=13, dtype=dtype)
    expected = plain_dropquery.changed_classes(pool, 4, 0.5, np.random.default_rng(1))
    found = dropquery.changed_classes(pool, 4, 0.5, np.random.default_rng(1))
    assert np.array_equal(found, expected)
    assert 0 < np.count_nonzero(expected) < 120


def test_dropquery_takes_the_nearest_row_of_each_cluster():
    pool = make_pool(300, labeled=30)
    rng = np.random.default_rng(0)
    changes = plain_dropquery.changed_classes(pool, 3, 0.75, rng)
    free = pool.unlabeled()
    candidates = free[changes[free] > 1]
    assert len(candidates) >= 40  # the bar need not be lowered
    clusters = kmeans.cluster(pool.embeddings, 20, rng, candidates)
    apart = unit(pool.embeddings[candidates])
    apart = np.square(apart - clusters.centers[clusters.labels]).sum(axis=1)
    expected = {
        candidates[members[apart[members].argmin()]]
        for members in (np.flatnonzero(clusters.labels == label) for label in range(20))
    }
    chosen = choose("dropquery", pool, 20, candidates_per_pick=2)
    assert set(chosen) == expected


def test_of_two_rows_that_make_up_a_cluster_the_first_is_taken():
    rng = np.random.default_rng(0)
    pairs = np.repeat(10 * np.eye(30, dtype=np.float32), 2, axis=0)
    pairs += 0.02 * rng.standard_normal(pairs.shape, dtype=np.float32)
    chosen = kmeans.nearest_to_centers(pairs, np.arange(60), 30, rng)
    assert sorted(chosen) == list(range(0, 60, 2))


@pytest.mark.parametrize(("per_pick", "bar"), [(1, 1), (4, 0)])
def test_dropquery_lowers_the_bar(per_pick, bar):
    pool = make_pool(100, labeled=0)
    changes = plain_dropquery.changed_classes(pool, 3, 0.75, np.random.default_rng(0))
    sizes = {b: int((changes > b).sum()) for b in (1, 0)}
    assert sizes[1] < sizes[0] < 100
    budget = {1: sizes[1], 0: sizes[0] // 4}[bar]
    assert bar == 1 or budget * per_pick > sizes[1]
    chosen = choose("dropquery", pool, budget, candidates_per_pick=per_pick)
    assert (changes[chosen] > bar).all()


@pytest.mark.parametrize("cap", [0.125, 0.5, 1.0])
def test_alfa_mix_finds_the_rows_that_change_class(cap):
    pool = make_pool(150, dims=64, classes=4, labeled=25)
    pool = replace(pool, head=Head(pool.head.weights / 8, pool.head.bias))
    expected = plain_alfa_mix.changed_by_mixing(pool, cap)
    free = pool.unlabeled()
    assert np.array_equal(alfa_mix.changing_caps(pool)[free] <= cap, expected[free])
    assert 0 < np.count_nonzero(expected) < 125


def test_alfa_mix_grows_the_cap_until_there_are_enough():
    pool = make_pool(150, dims=64, classes=4, labeled=25)
    caps = alfa_mix.changing_caps(pool)
    free = pool.unlabeled()
    cap = next(c for c in np.arange(1, 33) / 32 if (caps[free] <= c).sum() >= 30)
    chosen = choose("alfa-mix", pool, 30)
    assert (caps[chosen] <= cap).all()
    few = int((caps[free] <= 1).sum())
    assert few < len(free)
    chosen = choose("alfa-mix", pool, len(free))
    assert (caps[chosen[:few]] <= 1).all()


def test_typiclust_represents_large_clusters_by_random_rows(monkeypatch):
    sizes = np.array([5, 40, 12])
    assert _most_of_each(sizes, 5**2 + 40**2 + 12**2) == 40
    assert _most_of_each(sizes, 5**2 + 40**2 + 12**2 - 1) == 39
    assert _most_of_each(sizes, 5**2 + 2 * 12**2) == 12
    assert _most_of_each(sizes, 5**2 + 2 * 12**2 - 1) == 11
    assert _most_of_each(sizes, 3 * 4**2) == 4
    # Two thirds of the rows stand in the middle of their cluster, which random rows show, too.
    rng = np.random.default_rng(0)
    wide = np.eye(3, 8)[np.arange(600) % 3] + rng.normal(size=(600, 8)) * 0.3
    wide[200:] = np.eye(3, 8)[np.arange(200, 600) % 3] + rng.normal(size=(400, 8)) * 0.01
    pool = make_pool(embeddings=wide, labeled=0)
    whole = choose("typiclust", pool, 3)
    monkeypatch.setattr("labelbench_core.strategies.typiclust.PAIRS", 3 * 60**2)
    some = choose("typiclust", pool, 3)
    assert (some != whole).any()
    assert sorted(some % 3) == [0, 1, 2]
    assert (some >= 200).all()
    # As many as are asked for are found, in the order of visits, and none twice.
    many = choose("typiclust", pool, 400)
    assert len(set(many.tolist())) == 400
