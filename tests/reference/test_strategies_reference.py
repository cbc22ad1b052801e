"""Fast kernels choose what the plain forms choose."""

from dataclasses import replace

import numpy as np
import plain_strategies as plain
import pytest

from labelbench_core.strategies import _k_center, _seeding, select
from labelbench_core.strategies.testing import awkward_pools, make_pool

SCORES = {
    "confidence": plain.confidence_scores,
    "entropy": plain.entropy_scores,
    "margin": plain.margin_scores,
}


def choose(name, pool, budget, seed=0, **options):
    return select(name, pool, budget, np.random.default_rng(seed), **options)


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("classes", [2, 5, 40])
def test_scores(name, classes):
    pool = make_pool(400, classes=classes, labeled=50)
    expected = plain.by_score(SCORES[name](pool.probabilities), pool.unlabeled(), 100)
    assert np.array_equal(choose(name, pool, 100), expected)


@pytest.mark.parametrize("name", SCORES)
def test_equal_scores_go_to_the_lowest_index(name):
    pool = make_pool(300, labeled=30)
    pool = replace(pool, probabilities=pool.probabilities[np.arange(300) % 7])
    expected = plain.by_score(SCORES[name](pool.probabilities), pool.unlabeled(), 60)
    assert np.array_equal(choose(name, pool, 60), expected)


@pytest.mark.parametrize("name", SCORES)
def test_certain_rows_come_last(name):
    pool = make_pool(50, classes=4, labeled=0)
    probabilities = np.full((50, 4), 0.25, np.float32)
    probabilities[:20] = [1, 0, 0, 0]
    chosen = choose(name, replace(pool, probabilities=probabilities), 50)
    assert chosen.tolist() == [*range(20, 50), *range(20)]


@pytest.mark.parametrize("name", SCORES)
def test_multilabel_scores_depend_on_every_label(name):
    sure, torn = [0.99, 0.01, 0.98], [0.5, 0.5, 0.5]
    rows = np.array([sure, [0.5, 0.01, 0.98], torn, [0.5, 0.5, 0.98]], np.float32)
    pool = make_pool(4, labeled=0)
    pool = replace(pool, probabilities=rows, multilabel=True)
    assert choose(name, pool, 4).tolist() == [2, 3, 1, 0]


@pytest.mark.parametrize("labeled", [0, 1, 40, 300])
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_coreset(labeled, dtype):
    pool = make_pool(900, dims=24, labeled=labeled, dtype=dtype)
    expected = plain.coreset(pool.embeddings, pool.labeled, 250)
    assert np.array_equal(choose("coreset", pool, 250), expected)


@pytest.mark.parametrize("title", awkward_pools())
def test_coreset_on_awkward_pools(title):
    pool = awkward_pools()[title]
    budget = len(pool.unlabeled())
    expected = plain.coreset(pool.embeddings, pool.labeled, budget)
    assert np.array_equal(choose("coreset", pool, budget), expected)


@pytest.mark.parametrize("dims", [1, 2, 5])
def test_coreset_on_a_grid_of_equal_distances(dims):
    # Many rows are equally far, to the last bit: the lowest index decides every time.
    points = np.random.default_rng(0).integers(0, 4, (700, dims)).astype(np.float32)
    pool = make_pool(700, embeddings=points, labeled=3)
    expected = plain.coreset(points, pool.labeled, 400)
    assert np.array_equal(choose("coreset", pool, 400), expected)


def test_coreset_where_distances_differ_by_less_than_float32_shows():
    # All rows lie on one sphere about the labelled row but for one part in 10^7.
    rng = np.random.default_rng(3)
    directions = rng.standard_normal((500, 32))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    points = (directions * (1 + 1e-7 * rng.standard_normal((500, 1)))).astype(np.float32)
    points[0] = 0
    pool = replace(
        make_pool(500, embeddings=points, labeled=0),
        labeled=np.array([0]),
        labels=np.array([0]),
    )
    expected = plain.coreset(points, pool.labeled, 200)
    assert np.array_equal(choose("coreset", pool, 200), expected)


@pytest.mark.parametrize(
    ("block_rows", "first_time", "again", "columns"), [(1, 1, 1, 1), (16, 3, 2, 10)]
)
def test_coreset_with_small_blocks(monkeypatch, block_rows, first_time, again, columns):
    monkeypatch.setattr(_k_center, "BLOCK_ROWS", block_rows)
    monkeypatch.setattr(_k_center, "FIRST_TIME", first_time)
    monkeypatch.setattr(_k_center, "AGAIN", again)
    monkeypatch.setattr(_k_center, "CENTER_COLUMNS", columns)
    monkeypatch.setattr(_k_center, "SKETCH_FROM", 2)
    pool = make_pool(200, dims=5, labeled=20)
    expected = plain.coreset(pool.embeddings, pool.labeled, 100)
    assert np.array_equal(choose("coreset", pool, 100), expected)


def counted(pool, length, draws, **options):
    counts = {}
    for seed in range(draws):
        drawn = tuple(choose("badge", pool, length, seed, **options).tolist())
        counts[drawn] = counts.get(drawn, 0) + 1
    return counts


@pytest.mark.parametrize("first_center", ["uniform", "largest_norm"])
@pytest.mark.parametrize("batch", [1, 2, 32])
def test_badge_draws_by_the_law_of_k_means_plus_plus(monkeypatch, first_center, batch):
    """Pearson's test on drawn sequences; a right kernel fails it once in 10,000 (per case)."""
    from scipy.stats import chi2

    monkeypatch.setattr(_seeding, "SMALLEST_BATCH", batch)
    monkeypatch.setattr(_seeding, "LARGEST_BATCH", batch)
    pool = make_pool(5, dims=2, labeled=0, seed=4)
    points = plain.gradients(pool.embeddings, pool.probabilities)
    first = None
    if first_center == "largest_norm":
        first = int(np.square(points).sum(axis=1).argmax())
    law, draws = plain.seeding_law(points, first, 4), 3000
    counts = counted(pool, 4, draws, first_center=first_center)
    assert set(counts) <= set(law)
    frequent = [sequence for sequence in law if law[sequence] * draws >= 5]
    expected = np.array([law[sequence] * draws for sequence in frequent])
    seen = np.array([counts.get(sequence, 0) for sequence in frequent], float)
    rest = draws - expected.sum()
    statistic = (np.square(seen - expected) / expected).sum()
    if rest > 0:  # all rare sequences together
        statistic += (draws - seen.sum() - rest) ** 2 / rest
    assert statistic < chi2.ppf(1 - 1e-4, len(frequent))


def test_badge_after_many_rejections(monkeypatch):
    """Tight clusters: after one draw from each, old weights are all wrong and must be renewed."""
    rng = np.random.default_rng(0)
    centers = 10 * rng.standard_normal((6, 8))
    points = centers[np.arange(3000) % 6] + 1e-4 * rng.standard_normal((3000, 8))
    pool = make_pool(3000, embeddings=points, labeled=0)
    passes = []
    refresh = _seeding._Seeding.refresh
    monkeypatch.setattr(
        _seeding._Seeding, "refresh", lambda self: (passes.append(self.count), refresh(self))
    )
    chosen = choose("badge", pool, 100)
    assert len(set(chosen.tolist())) == 100
    assert 2 <= len(passes) <= 6


def test_badge_gradient_distances():
    from labelbench_core.strategies._gradients import Gradients

    pool = make_pool(40, dims=7, classes=4, dtype="float16")
    points = plain.gradients(pool.embeddings, pool.probabilities)
    kernel = Gradients(pool.embeddings, pool.probabilities, multilabel=False)
    assert np.allclose(kernel.squared_norms(), np.square(points).sum(axis=1), rtol=1e-12)
    centers = kernel.take(np.array([3, 30]))
    nearest = np.square(points[:, None] - points[[3, 30]]).sum(axis=2).min(axis=1)
    lowered = kernel.lower(np.full(40, np.inf), centers)
    assert np.allclose(lowered, nearest, rtol=1e-10, atol=1e-12)
    assert lowered[3] == lowered[30] == 0
