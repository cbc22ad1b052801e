"""ProbCover against its plain form on a dense matrix, and its balls against brute force."""

import numpy as np
import pytest

from benchmarks.plain.probcover import greedy
from helpers.choosing import choose
from helpers.distances import squared_distances
from labelbench_core.strategies import probcover
from labelbench_core.strategies.kernels import balls as balls_module
from labelbench_core.strategies.kernels import sphere
from labelbench_core.strategies.testing import awkward_pools, make_pool


def plain_probcover(embeddings, labeled, budget, delta, targets=None):
    """The authors' loop on distances by differences; stops when everything is covered."""
    near = np.sqrt(squared_distances(embeddings)) < delta
    near = near if targets is None else near[:, targets]
    return greedy(*np.nonzero(near), len(near), labeled, budget).tolist()


def covered(balls):
    """(N, count) which of the targets each row covers, by places."""
    near = np.zeros((len(balls.sizes), len(balls.sizes)), bool)
    for place in range(len(near)):
        near[place, balls.around(place)] = True
    assert np.array_equal(near[:, : balls.count].sum(axis=1), balls.sizes)
    return near[:, : balls.count]


def purest_radius(distances, clusters, targets, purity):
    """The largest radius at which that share of the targets has no row of another cluster near."""
    mixed = clusters[targets][:, None] != clusters
    nearest = np.where(mixed, distances[targets], np.inf).min(axis=1)
    pure = [(nearest >= radius * (1 - 1e-12)).mean() for radius in nearest]
    return nearest[np.array(pure) >= purity - 1e-12].max()


def middle_radius(embeddings, share):
    """A radius that keeps clear of every distance, so that rounding decides nothing."""
    distances = np.unique(np.round(np.sqrt(squared_distances(embeddings)), 9))
    place = int(share * (len(distances) - 1))
    pair = [*distances, distances[-1] + 0.1][place : place + 2]
    return sum(pair) / 2


@pytest.mark.parametrize("labeled", [0, 30])
@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("share", [0.01, 0.05, 0.2])
def test_probcover(labeled, dtype, share):
    pool = make_pool(700, dims=12, labeled=labeled, dtype=dtype)
    delta = middle_radius(pool.embeddings, share)
    expected = plain_probcover(pool.embeddings, pool.labeled, 150, delta)
    assert choose("probcover", pool, 150, delta=delta)[: len(expected)].tolist() == expected
    assert len(expected) > 5


@pytest.mark.parametrize("title", awkward_pools("probcover"))
def test_probcover_on_awkward_pools(title):
    pool = awkward_pools("probcover")[title]
    delta = middle_radius(pool.embeddings, 0.2)
    budget = len(pool.unlabeled())
    expected = plain_probcover(pool.embeddings, pool.labeled, budget, delta)
    assert choose("probcover", pool, budget, delta=delta)[: len(expected)].tolist() == expected


@pytest.mark.parametrize(("tile", "chunk_values"), [(1, 1), (30, 4000)])
def test_probcover_with_blocks_of_any_size(monkeypatch, tile, chunk_values):
    monkeypatch.setattr(sphere, "TILE", tile)
    monkeypatch.setattr("labelbench_core.strategies.arrays.CHUNK_VALUES", chunk_values)
    pool = make_pool(131, labeled=10)
    delta = middle_radius(pool.embeddings, 0.1)
    expected = plain_probcover(pool.embeddings, pool.labeled, 121, delta)
    assert choose("probcover", pool, 121, delta=delta)[: len(expected)].tolist() == expected
    last = range(100, 131)  # rows that a truncated last block would leave out
    assert set(choose("probcover", pool, 121)) & set(last)


def test_probcover_draws_the_rest_at_random_when_everything_is_covered():
    pool = make_pool(200, labeled=5)
    delta = middle_radius(pool.embeddings, 0.5)
    expected = plain_probcover(pool.embeddings, pool.labeled, 100, delta)
    assert len(expected) < 10
    picks = [choose("probcover", pool, 100, seed, delta=delta).tolist() for seed in (0, 1)]
    assert picks[0] != picks[1]
    assert all(len(set(chosen)) == 100 for chosen in picks)
    assert all(chosen[: len(expected)] == expected for chosen in picks)


@pytest.mark.parametrize("tile", [7, 100])
@pytest.mark.parametrize("count", [150, 240])
@pytest.mark.parametrize(
    ("sample", "classes", "purity"), [(1024, 2, 1.0), (1024, 7, 0.9), (20, 7, 0.95), (20, 2, 0.6)]
)
def test_balls_are_the_largest_of_the_purity_wanted(
    monkeypatch, tile, count, sample, classes, purity
):
    monkeypatch.setattr(sphere, "TILE", tile)
    monkeypatch.setattr(balls_module, "SAMPLE", sample)
    monkeypatch.setattr(balls_module, "WAITING", 5 * tile)
    pool = make_pool(240, dims=5, classes=classes)
    distances = np.sqrt(squared_distances(pool.embeddings))
    clusters = np.random.default_rng(0).integers(0, classes, 240)
    clusters[:120] = distances[:120, :classes].argmin(axis=1)  # some in order, some not
    order = np.random.default_rng(1).permutation(240)
    radius = purest_radius(distances, clusters, order[:count], purity)
    expected = distances[order][:, order[:count]] < radius * (1 - 1e-12)
    for max_pairs in (10**6, expected.sum()):  # there are more pairs within the radius at first
        found = balls_module.NearPairs(pool.embeddings, order, count)
        balls = found.purest_balls(clusters, purity, max_pairs)
        assert balls.count == count
        assert np.array_equal(covered(balls), expected)


def test_a_sample_that_misleads_is_enlarged(monkeypatch):
    monkeypatch.setattr(balls_module, "SAMPLE", 4)
    rng = np.random.default_rng(0)
    points = rng.standard_normal((200, 5)).astype(np.float32)
    distances = np.sqrt(squared_distances(points))
    clusters = np.arange(200) % 2
    nearest = np.where(clusters[:, None] == clusters, np.inf, distances).min(axis=1)
    order = np.argsort(nearest, kind="stable")  # those sampled are nearer than all others
    balls = balls_module.NearPairs(points, order, 200).purest_balls(clusters, 0.5, 10**6)
    radius = np.sort(nearest)[100]
    expected = distances[order][:, order] < radius * (1 - 1e-12)
    assert np.array_equal(covered(balls), expected)


@pytest.mark.parametrize("purity", [0.9, 0.3, 1.0])
def test_purest_balls_where_float32_cannot_tell(purity):
    rng = np.random.default_rng(0)
    points = rng.standard_normal((201, 300))
    points[1:] -= (points[1:] @ points[0])[:, None] * points[0] / (points[0] @ points[0])
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    points[1:] = 0.9 * points[0] + np.sqrt(0.19) * points[1:]  # all equally far from row 0
    points = points.astype(np.float32)
    clusters = np.minimum(np.arange(201), 1)
    distances = np.sqrt(squared_distances(points))
    balls = balls_module.NearPairs(points, np.arange(201), 201).purest_balls(
        clusters, purity, 10**6
    )
    radius = purest_radius(distances, clusters, np.arange(201), purity)
    assert np.array_equal(covered(balls), distances < radius * (1 - 1e-12))


@pytest.mark.parametrize("radius", [0.9, 1.0, 1.1])
def test_balls_of_zero_rows(radius):
    points = np.random.default_rng(0).standard_normal((60, 8)).astype(np.float32)
    points[::9] = 0
    order = np.random.default_rng(1).permutation(60)
    near = np.sqrt(squared_distances(points))[order][:, order[:40]] < radius
    assert np.array_equal(
        covered(balls_module.NearPairs(points, order, 40).balls(radius, 10**6)), near
    )


def test_probcover_finds_its_radius_itself():
    pool = make_pool(300, dims=4)
    rng = np.random.default_rng(0)
    targets = sphere.draw_targets(pool.embeddings, 300, rng)
    clusters = probcover.cluster(pool.embeddings, pool.num_classes, rng).labels
    distances = np.sqrt(squared_distances(pool.embeddings))
    others = np.where(clusters[:, None] == clusters, np.inf, distances).min(axis=1)
    delta = np.sort(others)[15]
    assert sorted(targets) == list(range(300))
    expected = plain_probcover(pool.embeddings, pool.labeled, 60, delta * (1 - 1e-12))
    assert choose("probcover", pool, 60)[: len(expected)].tolist() == expected


@pytest.mark.parametrize("offset", [0, 1000])
def test_probcover_where_float32_cannot_tell(offset):
    """Pairs on both sides of the radius by one part in a thousand million; rows far off zero."""
    rng = np.random.default_rng(0)
    points = offset + rng.standard_normal((150, 6)).astype(np.float32)
    pool = make_pool(embeddings=points, labeled=6)
    distances = np.sort(np.sqrt(squared_distances(pool.embeddings))[np.triu_indices(150, 1)])
    for place in (300, 900):
        for delta in (distances[place] * (1 - 1e-9), distances[place] * (1 + 1e-9)):
            expected = plain_probcover(pool.embeddings, pool.labeled, 40, delta)
            chosen = choose("probcover", pool, 40, delta=delta)
            assert chosen[: len(expected)].tolist() == expected
            balls = balls_module.NearPairs(points, np.arange(150), 150).balls(delta, 10**6)
            assert covered(balls).sum() == 150 + 2 * np.count_nonzero(distances < delta)


@pytest.mark.parametrize("tile", [7, 2048])
def test_probcover_keeps_to_the_memory_it_may_use(monkeypatch, tile):
    monkeypatch.setattr(sphere, "TILE", tile)
    pool = make_pool(256, labeled=5)
    delta = middle_radius(pool.embeddings, 0.3)
    drawn = np.random.default_rng(0).permutation(256)[:200]
    order = np.concatenate([drawn, np.setdiff1d(np.arange(256), drawn)])
    near = (np.sqrt(squared_distances(pool.embeddings)) < delta)[order][:, order]
    edges = int(near[:, :50].sum())
    balls = balls_module.NearPairs(pool.embeddings, order, 200).balls(delta, edges)
    assert balls.count == 50
    assert np.array_equal(covered(balls), near[:, :50])
    options = {"delta": delta, "targets": 200, "max_edges": edges}
    expected = plain_probcover(pool.embeddings, pool.labeled, 30, delta, drawn[:50])
    assert choose("probcover", pool, 30, **options)[: len(expected)].tolist() == expected
