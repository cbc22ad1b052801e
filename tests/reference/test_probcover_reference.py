"""ProbCover, MaxHerding and UHerding against their plain forms: dense matrices, a pass per pick."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.choosing import choose

from benchmarks.plain.maxherding import herd
from benchmarks.plain.probcover import greedy
from benchmarks.plain.uherding import temperature
from labelbench_core.errors import InputError
from labelbench_core.strategies import MissingInput, probcover, uherding
from labelbench_core.strategies.kernels import balls as balls_module
from labelbench_core.strategies.kernels import herding, sphere
from labelbench_core.strategies.testing import awkward_pools, make_pool


def squared_distances(embeddings):
    points = embeddings.astype(np.float64)
    norms = np.linalg.norm(points, axis=1, keepdims=True)
    points = points / np.where(norms > 0, norms, 1)
    return np.stack([np.square(points - point).sum(axis=1) for point in points])


def plain_probcover(embeddings, labeled, budget, delta, targets=None):
    """The authors' loop on distances by differences; stops when everything is covered."""
    near = np.sqrt(squared_distances(embeddings)) < delta
    near = near if targets is None else near[:, targets]
    return greedy(*np.nonzero(near), len(near), labeled, budget).tolist()


def plain_herding(embeddings, labeled, budget, bandwidth, weights, targets=None):
    """All gains anew for every pick, from distances by differences."""
    kernel = np.exp(-squared_distances(embeddings) / bandwidth**2)
    kernel = kernel if targets is None else kernel[:, targets]
    weights = np.broadcast_to(weights, kernel.shape[1])
    return herd(kernel, weights, labeled, budget).tolist()


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


@pytest.mark.parametrize("title", awkward_pools())
def test_probcover_on_awkward_pools(title):
    pool = awkward_pools()[title]
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


@pytest.mark.parametrize("densest", [0, 0.05, 1])  # all gains from bounds, some, none
@pytest.mark.parametrize("labeled", [0, 1, 40])
@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("bandwidth", [0.3, 1.0])
def test_maxherding(monkeypatch, densest, labeled, dtype, bandwidth):
    monkeypatch.setattr(herding, "DENSEST", densest)
    pool = make_pool(400, dims=16, labeled=labeled, dtype=dtype)
    expected = plain_herding(pool.embeddings, pool.labeled, 120, bandwidth, 1)
    assert choose("maxherding", pool, 120, bandwidth=bandwidth).tolist() == expected


def test_maxherding_on_a_sample_of_targets():
    pool = make_pool(300, dims=8, labeled=10)
    targets = np.random.default_rng(0).permutation(300)[:90]
    expected = plain_herding(pool.embeddings, pool.labeled, 50, 1, 1, targets)
    assert choose("maxherding", pool, 50, targets=90).tolist() == expected
    assert set(expected) - set(targets)


@pytest.mark.parametrize("densest", [0, 1])
@pytest.mark.parametrize("tile", [1, 30])
def test_maxherding_with_tiles_of_any_size(monkeypatch, densest, tile):
    monkeypatch.setattr(herding, "DENSEST", densest)
    monkeypatch.setattr(herding, "FEWEST", 1)
    monkeypatch.setattr(herding, "MOST", 5)
    monkeypatch.setattr(herding, "PATIENCE", 9)
    monkeypatch.setattr(sphere, "TILE", tile)
    monkeypatch.setattr("labelbench_core.strategies.arrays.CHUNK_VALUES", 700)
    pool = make_pool(100, dims=16, labeled=12)
    expected = plain_herding(pool.embeddings, pool.labeled, 50, 1, 1)
    assert choose("maxherding", pool, 50).tolist() == expected


@pytest.mark.parametrize("densest", [0, 1])
@pytest.mark.parametrize("bandwidth", [0.001, 0.01, 0.1])
def test_herding_where_float32_cannot_tell(monkeypatch, densest, bandwidth):
    """Narrow kernels, and rows nearer to one another than the error of a float32 product."""
    monkeypatch.setattr(herding, "DENSEST", densest)
    rng = np.random.default_rng(0)
    points = 1000 + rng.standard_normal((200, 6)).astype(np.float32)
    pool = make_pool(embeddings=points, labeled=12)
    weights = rng.random(200)
    kernel = squared_distances(points)
    assert 1e-8 < np.median(kernel) < 1e-5
    expected = plain_herding(points, pool.labeled, 40, bandwidth, weights)
    found = herding.greedy_coverage(pool, 40, rng, np.arange(200), weights, bandwidth)
    assert found.tolist() == expected


def test_bounds_of_gains_hold_and_are_tight():
    pool = make_pool(400, dims=96, labeled=20)
    rows, targets = pool.unlabeled(), np.arange(50, 350)
    for bandwidth in (0.05, 1.0, 30.0):
        weights = np.random.default_rng(0).random(300)
        coverage = herding._Coverage(pool.embeddings, targets, weights, bandwidth)
        bounds = coverage.bounds(rows)
        for some in (pool.labeled[:1], pool.labeled[1:]):
            before = coverage.covered
            coverage.add(some)
            bounds -= coverage.falls(rows, before)
            gains = coverage.gains(rows)
            assert (bounds >= gains).all()
            assert (bounds <= gains + 0.003).all()


def test_maxherding_computes_few_of_the_gains(monkeypatch):
    looked_at = []
    gains = herding._Coverage.gains

    def counted(self, rows):
        looked_at.append(len(rows))
        return gains(self, rows)

    monkeypatch.setattr(herding._Coverage, "gains", counted)
    monkeypatch.setattr(herding, "DENSEST", 0)
    pool = make_pool(2000, dims=16, labeled=20, classes=10)
    choose("maxherding", pool, 50)
    assert sum(looked_at) < 0.02 * 50 * 2000


@pytest.mark.parametrize("name", ["maxherding", "uherding"])
def test_herding_gives_equal_rows_to_the_lowest_index_and_takes_none_twice(name):
    kinds = np.random.default_rng(0).integers(-50, 50, (12, 96))
    order = np.random.default_rng(1).integers(0, 12, 100)
    factors = np.random.default_rng(2).choice([1, 3, 5, 7], (100, 1))  # other last bits
    pool = make_pool(embeddings=factors * kinds[order], labeled=0)
    chosen = choose(name, pool, 60)
    first = [int(np.flatnonzero(order == kind)[0]) for kind in order[chosen[:12]]]
    assert chosen[:12].tolist() == first  # one of each kind, of equal rows the lowest
    assert len(set(order[chosen[:12]])) == 12
    assert chosen[12:].tolist() != sorted(chosen[12:])  # copies only: drawn
    assert chosen[12:].tolist() != choose(name, pool, 60, 1)[12:].tolist()


@pytest.mark.parametrize("classes", [2, 3, 10])
@pytest.mark.parametrize("labeled", [1, 8, 60])
@pytest.mark.parametrize("calibration", ["held_out", "training"])
def test_uherding(classes, labeled, calibration):
    pool = make_pool(300, dims=6, classes=classes, labeled=labeled, seed=1)
    known, labels = pool.probabilities[pool.labeled], pool.labels
    if calibration == "held_out":
        known, labels = pool.held_out(0.3)
        assert len(labels) == max(1, int(0.3 * labeled))
    warmth = temperature(known, labels) if labeled > 1 or calibration == "training" else 1
    if labeled > 1:
        assert uherding.temperature(known.astype(np.float64), labels) == pytest.approx(warmth)
    scaled = np.exp(np.log(pool.probabilities.astype(np.float64)) / warmth)
    scaled = np.sort(scaled / scaled.sum(axis=1, keepdims=True), axis=1)
    weights = 1 - (scaled[:, -1] - scaled[:, -2])
    apart = np.sqrt(squared_distances(pool.embeddings[pool.labeled]))
    bandwidth = apart[apart > 0.001].min() if labeled > 1 else 1
    assert uherding.smallest_distance(pool.embeddings, pool.labeled) == pytest.approx(bandwidth)
    expected = plain_herding(pool.embeddings, pool.labeled, 60, bandwidth, weights)
    assert choose("uherding", pool, 60, calibration=calibration).tolist() == expected


def test_uherding_is_calibrated_on_the_rows_bought_last():
    pool = make_pool(200, labeled=25)
    asked = []

    def held_out(share):
        asked.append(share)
        return pool.held_out(share)

    chosen = choose("uherding", replace(pool, held_out=held_out), 30)
    assert asked == [0.3]
    assert np.array_equal(chosen, choose("uherding", pool, 30))
    on_training_rows = choose("uherding", pool, 30, calibration="training")
    assert not np.array_equal(chosen, on_training_rows)
    without = replace(pool, held_out=None)
    assert np.array_equal(on_training_rows, choose("uherding", without, 30, calibration="training"))
    with pytest.raises(MissingInput, match=r"`held_out`.*`calibration: training`"):
        choose("uherding", without, 30)


def test_temperature_is_above_one_only_where_the_model_is_too_sure():
    rng = np.random.default_rng(0)
    logits = 2 * rng.standard_normal((4000, 3))
    honest = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (honest.cumsum(axis=1) < rng.random((4000, 1))).sum(axis=1)
    sure = honest**3 / (honest**3).sum(axis=1, keepdims=True)
    assert uherding.temperature(honest, labels) < 1.3
    assert 2.5 < uherding.temperature(sure, labels) < 3.6


def test_uherding_of_nothing_labelled_is_maxherding():
    pool = make_pool(200, labeled=0)
    assert choose("uherding", pool, 50).tolist() == choose("maxherding", pool, 50).tolist()


def test_uherding_does_not_take_copies_for_a_distance():
    points = np.random.default_rng(0).standard_normal((40, 5))
    points[1], points[2] = points[0], points[0] * 7
    apart = np.sqrt(squared_distances(points[:6]))
    found = uherding.smallest_distance(points, np.arange(6))
    assert found == pytest.approx(apart[apart > 1e-6].min(), rel=1e-12)
    assert uherding.smallest_distance(points, np.arange(3)) == 1


def test_uherding_of_rows_that_are_certain_and_calibrated_draws():
    pool = make_pool(60, labeled=20)
    certain = np.eye(3, dtype=np.float32)[np.arange(60) % 3]
    pool = replace(pool, probabilities=certain, labels=pool.labeled % 3)
    chosen = choose("uherding", pool, 30)
    assert chosen.tolist() != sorted(chosen)
    assert chosen.tolist() != choose("uherding", pool, 30, 1).tolist()


def test_uherding_refuses_multilabel_pools():
    pool = make_pool(30)
    pool = replace(pool, multilabel=True, labels=np.zeros((9, 3), np.int64))
    with pytest.raises(InputError, match="multi-label"):
        choose("uherding", pool, 3)
    assert len(choose("maxherding", pool, 3)) == len(choose("probcover", pool, 3)) == 3


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        ("probcover", "delta", 0),
        ("probcover", "delta", float("inf")),
        ("probcover", "purity", 0),
        ("probcover", "purity", 1.1),
        ("probcover", "targets", 0),
        ("probcover", "max_edges", 0),
        ("maxherding", "bandwidth", 0),
        ("maxherding", "bandwidth", float("nan")),
        ("maxherding", "targets", 0),
        ("uherding", "targets", 0),
        ("uherding", "calibration", "test"),
    ],
)
def test_options_are_checked(name, option, value):
    with pytest.raises(InputError, match=f"{name}.*{option}: "):
        choose(name, make_pool(20), 3, **{option: value})
