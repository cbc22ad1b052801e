"""BADGE and Falcun draw by the law of their papers."""

from dataclasses import replace

import numpy as np
import pytest

from helpers import plain_strategies as plain
from helpers.choosing import assert_drawn_by, choose, multilabel_pool
from labelbench_core.strategies.kernels import seeding
from labelbench_core.strategies.kernels.gradients import Gradients
from labelbench_core.strategies.testing import make_pool


@pytest.mark.parametrize("first_center", ["uniform", "largest_norm"])
@pytest.mark.parametrize("batch", [1, 2, 32])
def test_badge_draws_by_the_law_of_k_means_plus_plus(monkeypatch, first_center, batch):
    monkeypatch.setattr(seeding, "SMALLEST_BATCH", batch)
    monkeypatch.setattr(seeding, "LARGEST_BATCH", batch)
    pool = make_pool(5, dims=2, labeled=0, seed=4)
    points = plain.gradients(pool.embeddings, pool.probabilities)
    first = None
    if first_center == "largest_norm":
        first = int(np.square(points).sum(axis=1).argmax())
    law = plain.seeding_law(points, first, 4)
    assert_drawn_by(law, pool, 4, 1000, "badge", first_center=first_center)


def test_badge_after_many_rejections(monkeypatch):
    """Tight clusters: after one draw from each, old weights are all wrong and must be renewed."""
    rng = np.random.default_rng(0)
    centers = 10 * rng.standard_normal((6, 8))
    points = centers[np.arange(3000) % 6] + 1e-4 * rng.standard_normal((3000, 8))
    pool = make_pool(3000, embeddings=points, labeled=0)
    passes = []
    refresh = seeding._Seeding.refresh
    monkeypatch.setattr(
        seeding._Seeding, "refresh", lambda self: (passes.append(self.count), refresh(self))
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


@pytest.mark.parametrize("gamma", [1, 10])
@pytest.mark.parametrize("batch", [1, 32])
def test_falcun_draws_by_its_law(monkeypatch, gamma, batch):
    monkeypatch.setattr(seeding, "SMALLEST_BATCH", batch)
    monkeypatch.setattr(seeding, "LARGEST_BATCH", batch)
    rows = np.random.default_rng(0).dirichlet(np.full(3, 5), 5).astype(np.float32)
    pool = replace(make_pool(5, labeled=0), probabilities=rows)
    law = plain.falcun_law(rows, gamma, 3)
    assert_drawn_by(law, pool, 3, 1000, "falcun", gamma=gamma)


def test_badge_of_multilabel_pools_takes_each_label_for_a_problem_of_its_own():
    rng = np.random.default_rng(0)
    probabilities = rng.random((30, 4)).astype(np.float32)
    pool = multilabel_pool(30, classes=4, labeled=0)
    pool = replace(pool, probabilities=probabilities)
    wide = probabilities.astype(np.float64)
    residuals = wide - (wide > 0.5)
    norms = (residuals**2).sum(axis=1) * (pool.embeddings.astype(np.float64) ** 2).sum(axis=1)
    kernel = Gradients(pool.embeddings, probabilities, multilabel=True)
    assert np.allclose(kernel.squared_norms(), norms, rtol=1e-12)
    chosen = choose("badge", pool, 5, first_center="largest_norm")
    assert chosen[0] == norms.argmax()
