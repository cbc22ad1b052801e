"""Fast kernels choose what the plain forms choose."""

from dataclasses import replace

import numpy as np
import plain_strategies as plain
import pytest

from labelbench_core.strategies import (
    Head,
    _k_center,
    _kmeans,
    _seeding,
    alfa_mix,
    dropquery,
    select,
)
from labelbench_core.strategies._gradients import Gradients
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


@pytest.fixture(params=[None, (1, 1, 1, 1), (16, 3, 2, 10)], ids=["usual", "one", "few"])
def block_sizes(request, monkeypatch):
    """Run with the usual sizes of blocks, and with sizes at which every edge is met."""
    if request.param:
        names = ("BLOCK_ROWS", "FIRST_TIME", "AGAIN", "CENTER_COLUMNS")
        for name, size in zip(names, request.param, strict=True):
            monkeypatch.setattr(_k_center, name, size)
        monkeypatch.setattr(_k_center, "SKETCH_FROM", 2)


@pytest.mark.usefixtures("block_sizes")
@pytest.mark.parametrize("labeled", [0, 20])
@pytest.mark.parametrize("scale", [1e-4, 1, 1e4])
def test_coreset_with_blocks_of_any_size(labeled, scale):
    points = scale * np.random.default_rng(0).standard_normal((120, 5))
    pool = make_pool(embeddings=points, labeled=labeled)
    expected = plain.coreset(pool.embeddings, pool.labeled, 60)
    assert np.array_equal(choose("coreset", pool, 60), expected)


@pytest.mark.usefixtures("block_sizes")
@pytest.mark.parametrize("dims", [1, 2, 5])
def test_coreset_on_a_grid_of_equal_distances(dims):
    # Many rows are equally far, to the last bit: the lowest index decides every time.
    points = np.random.default_rng(0).integers(0, 4, (150, dims)).astype(np.float32)
    pool = make_pool(embeddings=points, labeled=3)
    expected = plain.coreset(points, pool.labeled, 100)
    assert np.array_equal(choose("coreset", pool, 100), expected)


def sphere(rows, scale=1.0):
    """Points at distance 1 from the origin but for one part in 10^7, which float32 cannot tell."""
    rng = np.random.default_rng(3)
    directions = rng.standard_normal((rows, 32))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    radius = 1 + 1e-7 * rng.standard_normal((rows, 1))
    return (scale * radius * directions).astype(np.float32)


@pytest.mark.usefixtures("block_sizes")
@pytest.mark.parametrize("scale", [1e-4, 1, 1e4])
def test_coreset_where_float32_cannot_tell_the_farthest_row(scale):
    points = np.concatenate([np.zeros((1, 32), np.float32), sphere(200, scale)])
    pool = make_pool(embeddings=points, labeled=0)
    pool = replace(pool, labeled=np.array([0]), labels=np.array([0]))
    expected = plain.coreset(points, pool.labeled, 100)
    assert np.array_equal(choose("coreset", pool, 100), expected)


@pytest.mark.parametrize("scale", [1e-4, 1, 1e4])
def test_coreset_where_float32_cannot_tell_the_nearest_center(scale):
    centers = sphere(300, scale)
    rows = (1e-7 * scale * np.random.default_rng(4).standard_normal((50, 32))).astype(np.float32)
    points = np.concatenate([centers, rows])
    labeled, unlabeled = np.arange(300), np.arange(300, 350)
    search = _k_center.FarthestFirst(points, labeled, unlabeled, 1)
    vectors = search.shifted(rows)
    search.update(unlabeled, rows, vectors, _k_center.squared_norms(vectors))
    wide = points.astype(np.float64)
    expected = np.square(wide[300:, None] - wide[None, :300]).sum(axis=2).min(axis=1)
    assert np.array_equal(search.exact[unlabeled], expected)


def assert_drawn_by(law, pool, length, draws, name, **options):
    """Pearson's test of drawn sequences against their law; a right kernel fails once in 10,000."""
    from scipy.stats import chi2

    counts = {}
    for seed in range(draws):
        drawn = tuple(choose(name, pool, length, seed, **options).tolist())
        counts[drawn] = counts.get(drawn, 0) + 1
    assert set(counts) <= set(law)
    frequent = [sequence for sequence in law if law[sequence] * draws >= 5]
    expected = np.array([law[sequence] * draws for sequence in frequent])
    seen = np.array([counts.get(sequence, 0) for sequence in frequent], float)
    rest = draws - expected.sum()
    statistic = (np.square(seen - expected) / expected).sum()
    if rest > 0.5:  # all rare sequences together
        statistic += (draws - seen.sum() - rest) ** 2 / rest
    assert statistic < chi2.ppf(1 - 1e-4, len(frequent))


@pytest.mark.parametrize("first_center", ["uniform", "largest_norm"])
@pytest.mark.parametrize("batch", [1, 2, 32])
def test_badge_draws_by_the_law_of_k_means_plus_plus(monkeypatch, first_center, batch):
    monkeypatch.setattr(_seeding, "SMALLEST_BATCH", batch)
    monkeypatch.setattr(_seeding, "LARGEST_BATCH", batch)
    pool = make_pool(5, dims=2, labeled=0, seed=4)
    points = plain.gradients(pool.embeddings, pool.probabilities)
    first = None
    if first_center == "largest_norm":
        first = int(np.square(points).sum(axis=1).argmax())
    law = plain.seeding_law(points, first, 4)
    assert_drawn_by(law, pool, 4, 3000, "badge", first_center=first_center)


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
    pool = make_pool(40, dims=7, classes=4, dtype="float16")
    points = plain.gradients(pool.embeddings, pool.probabilities)
    kernel = Gradients(pool.embeddings, pool.probabilities, multilabel=False)
    assert np.allclose(kernel.squared_norms(), np.square(points).sum(axis=1), rtol=1e-12)
    centers = kernel.take(np.array([3, 30]))
    nearest = np.square(points[:, None] - points[[3, 30]]).sum(axis=2).min(axis=1)
    lowered = kernel.lower(np.full(40, np.inf), centers)
    assert np.allclose(lowered, nearest, rtol=1e-10, atol=1e-12)
    assert lowered[3] == lowered[30] == 0


def test_badge_takes_equal_rows_for_one_point():
    rng = np.random.default_rng(0)
    kinds = 0.1 * rng.standard_normal((3, 300))
    pool = make_pool(embeddings=kinds[np.arange(90) % 3], labeled=0)
    kernel = Gradients(pool.embeddings, pool.probabilities, multilabel=False)
    lowered = kernel.lower(np.full(90, np.inf), kernel.take(np.array([0, 1])))
    assert (lowered[np.arange(90) % 3 < 2] == 0).all()
    assert (lowered[2::3] > 0).all()
    assert set(choose("badge", pool, 3) % 3) == {0, 1, 2}


@pytest.mark.parametrize("power", [0, 1, 3])
def test_power_margin_draws_in_proportion_to_the_power(power):
    pool = make_pool(5, labeled=0, classes=3, seed=2)
    weights = 1 - plain.margin_scores(pool.probabilities)
    law = plain.drawing_law(weights**power, 3)
    assert_drawn_by(law, pool, 3, 3000, "power-margin", power=power)


def test_power_margin_draws_certain_rows_last():
    pool = make_pool(40, labeled=0)
    probabilities = np.full((40, 3), 1 / 3, np.float32)
    probabilities[::2] = [1, 0, 0]
    chosen = choose("power-margin", replace(pool, probabilities=probabilities), 30)
    assert (chosen[:20] % 2 == 1).all()
    assert (chosen[20:] % 2 == 0).all()
    assert chosen[20:].tolist() != sorted(chosen[20:])


@pytest.mark.parametrize("labeled", [0, 7, 100])
def test_typiclust(labeled):
    pool = make_pool(300, labeled=labeled)
    options = {"max_clusters": 25, "neighbors": 8, "min_size": 6}
    count = min(labeled + 60, 25)
    clusters = _kmeans.cluster(pool.embeddings, count, np.random.default_rng(0)).labels
    expected = plain.typiclust(pool.embeddings, clusters, pool.labeled, 60, 8, 6)
    assert np.array_equal(choose("typiclust", pool, 60, **options), expected)


@pytest.mark.parametrize("lloyd_rows", [0, 10_000])
def test_k_means_is_as_good_as_scikit_learn(monkeypatch, lloyd_rows):
    from sklearn.cluster import KMeans

    monkeypatch.setattr(_kmeans, "LLOYD_ROWS", lloyd_rows)
    pool = make_pool(6000, dims=12, classes=15)
    points = plain.unit(pool.embeddings)
    found = _kmeans.cluster(pool.embeddings, 40, np.random.default_rng(0))
    known = KMeans(40, n_init=1, random_state=0).fit(points)
    spread = np.square(points - found.centers[found.labels]).sum()
    assert spread < 1.05 * known.inertia_


def test_k_means_finds_the_nearest_center_exactly():
    # Centers in pairs that float32 products cannot tell apart.
    rng = np.random.default_rng(0)
    points = plain.unit(rng.standard_normal((400, 16)))
    centers = plain.unit(rng.standard_normal((30, 16)))
    centers = np.concatenate([centers, np.nextafter(centers, 2), centers])
    wide = points[:, None].astype(np.float64) - centers.astype(np.float64)
    expected = np.square(wide).sum(axis=2).argmin(axis=1)
    assert np.array_equal(_kmeans.nearest_centers(points, centers), expected)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_dropquery_counts_changed_classes(dtype):
    pool = make_pool(120, dims=13, dtype=dtype)
    expected = plain.changed_classes(pool, 4, 0.5, np.random.default_rng(1))
    found = dropquery.changed_classes(pool, 4, 0.5, np.random.default_rng(1))
    assert np.array_equal(found, expected)
    assert 0 < np.count_nonzero(expected) < 120


def test_dropquery_takes_the_nearest_row_of_each_cluster():
    pool = make_pool(300, labeled=30)
    rng = np.random.default_rng(0)
    changes = plain.changed_classes(pool, 3, 0.75, rng)
    free = pool.unlabeled()
    candidates = free[changes[free] > 1]
    assert len(candidates) >= 40  # the bar need not be lowered
    clusters = _kmeans.cluster(pool.embeddings, 20, rng, candidates)
    apart = plain.unit(pool.embeddings[candidates]).astype(np.float64)
    apart = np.square(apart - clusters.centers[clusters.labels]).sum(axis=1)
    expected = {
        candidates[members[apart[members].argmin()]]
        for members in (np.flatnonzero(clusters.labels == label) for label in range(20))
    }
    chosen = choose("dropquery", pool, 20, candidates_per_pick=2)
    assert set(chosen) == expected


@pytest.mark.parametrize(("per_pick", "bar"), [(1, 1), (4, 0), (25, -1)])
def test_dropquery_lowers_the_bar(per_pick, bar):
    pool = make_pool(100, labeled=0)
    changes = plain.changed_classes(pool, 3, 0.75, np.random.default_rng(0))
    sizes = {b: int((changes > b).sum()) for b in (1, 0, -1)}
    budget = {1: sizes[1], 0: sizes[0] // 4, -1: 10}[bar]
    assert bar == 1 or budget * per_pick > sizes[bar + 1]
    chosen = choose("dropquery", pool, budget, candidates_per_pick=per_pick)
    assert (changes[chosen] > bar).all()


@pytest.mark.parametrize("cap", [0.125, 0.5, 1.0])
def test_alfa_mix_finds_the_rows_that_change_class(cap):
    pool = make_pool(150, dims=64, classes=4, labeled=25)
    pool = replace(pool, head=Head(pool.head.weights / 8, pool.head.bias))
    expected = plain.changes_by_mixing(pool, cap)
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


def test_badge_of_multilabel_pools_takes_each_label_for_a_problem_of_its_own():
    rng = np.random.default_rng(0)
    probabilities = rng.random((30, 4)).astype(np.float32)
    pool = make_pool(30, classes=4, labeled=0)
    pool = replace(pool, probabilities=probabilities, multilabel=True)
    wide = probabilities.astype(np.float64)
    residuals = wide - (wide > 0.5)
    norms = (residuals**2).sum(axis=1) * (pool.embeddings.astype(np.float64) ** 2).sum(axis=1)
    kernel = Gradients(pool.embeddings, probabilities, multilabel=True)
    assert np.allclose(kernel.squared_norms(), norms, rtol=1e-12)
    chosen = choose("badge", pool, 5, first_center="largest_norm")
    assert chosen[0] == norms.argmax()
