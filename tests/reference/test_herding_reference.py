"""MaxHerding and UHerding against their plain forms: all gains anew for every pick."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.plain.maxherding import herd
from benchmarks.plain.uherding import temperature
from helpers.choosing import choose
from helpers.distances import squared_distances
from labelbench_core.strategies import MissingInput, uherding
from labelbench_core.strategies.kernels import herding, sphere
from labelbench_core.strategies.testing import make_pool


def plain_herding(embeddings, labeled, budget, bandwidth, weights, targets=None):
    """All gains anew for every pick, from distances by differences."""
    kernel = np.exp(-squared_distances(embeddings) / bandwidth**2)
    kernel = kernel if targets is None else kernel[:, targets]
    weights = np.broadcast_to(weights, kernel.shape[1])
    return herd(kernel, weights, labeled, budget).tolist()


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
