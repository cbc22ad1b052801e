"""Farthest first picks what the plain algorithm picks, to the last tie."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers import plain_strategies as plain
from helpers.choosing import choose
from labelbench_core.strategies.kernels import k_center
from labelbench_core.strategies.kernels import sketch as sketch_module
from labelbench_core.strategies.testing import awkward_pools, make_pool


@pytest.mark.parametrize("labeled", [0, 1, 40, 300])
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_coreset(labeled, dtype):
    pool = make_pool(900, dims=24, labeled=labeled, dtype=dtype)
    expected = plain.coreset(pool.embeddings, pool.labeled, 250)
    assert np.array_equal(choose("coreset", pool, 250), expected)


@pytest.mark.parametrize("title", awkward_pools("coreset"))
def test_coreset_on_awkward_pools(title):
    pool = awkward_pools("coreset")[title]
    budget = len(pool.unlabeled())
    expected = plain.coreset(pool.embeddings, pool.labeled, budget)
    assert np.array_equal(choose("coreset", pool, budget), expected)


@pytest.fixture(params=[None, (1, 1, 1, 1), (16, 3, 2, 10)], ids=["usual", "one", "few"])
def block_sizes(request, monkeypatch):
    """Run with the usual sizes of blocks, and with sizes at which every edge is met."""
    if request.param:
        names = ("BLOCK_ROWS", "FIRST_TIME", "AGAIN", "CENTER_COLUMNS")
        for name, size in zip(names, request.param, strict=True):
            monkeypatch.setattr(k_center, name, size)
        monkeypatch.setattr(k_center, "SKETCH_FROM", 2)
        monkeypatch.setattr(k_center, "REFINED_ROWS", 8)
        monkeypatch.setattr(sketch_module, "GROUPED_FROM", 4)


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
    search = k_center.FarthestFirst(points, labeled, unlabeled, 1)
    vectors = search.shifted(rows)
    search.update(unlabeled, rows, vectors, k_center.squared_norms(vectors))
    wide = points.astype(np.float64)
    expected = np.square(wide[300:, None] - wide[None, :300]).sum(axis=2).min(axis=1)
    assert np.array_equal(search.exact[unlabeled], expected)


@pytest.mark.usefixtures("block_sizes")
def test_coreset_on_tensors():
    pool = make_pool(200, labeled=60)
    expected = plain.coreset(pool.embeddings, pool.labeled, 80)
    tensors = replace(pool, embeddings=torch.from_numpy(pool.embeddings))
    assert np.array_equal(choose("coreset", tensors, 80), expected)


def test_guesses_in_all_dimensions_and_groups_are_the_nearest_centers(monkeypatch):
    monkeypatch.setattr(sketch_module, "GROUPED_FROM", 50)
    rng = np.random.default_rng(0)
    centers, rows = (rng.standard_normal((count, 8)).astype(np.float32) for count in (50, 400))
    distances = np.square(rows[:, None] - centers).sum(axis=2)
    nearest = distances.argmin(axis=1)
    sketch = sketch_module.Sketch(centers)
    assert np.array_equal(sketch.guess(rows), nearest)
    share = [np.mean(sketch.first_guess(rows) == nearest)]
    monkeypatch.setattr(sketch_module, "PROBES", 50)
    assert np.array_equal(sketch.first_guess(rows), nearest)
    assert share[0] > 0.5


def test_groups_about_equal_centers(monkeypatch):
    monkeypatch.setattr(sketch_module, "GROUPED_FROM", 9)
    sketch = sketch_module.Sketch(np.ones((9, 3), np.float32))
    assert set(sketch.first_guess(np.zeros((5, 3), np.float32))) <= set(range(9))
