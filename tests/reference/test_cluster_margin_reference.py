"""Cluster-Margin chooses what its plain form does: linkage merge by merge, turns one by one."""

from itertools import combinations

import numpy as np
import pytest

from benchmarks.plain._shared import lowest, unit
from benchmarks.plain.cluster_margin import in_turn
from benchmarks.plain.margin import margins
from helpers.choosing import choose, multilabel_pool
from labelbench_core.errors import InputError
from labelbench_core.strategies import cluster_margin
from labelbench_core.strategies.testing import make_pool


def linked(points, count):
    """Lists of rows: always join the two clusters with the smallest mean distance."""
    between = np.linalg.norm(points[:, None] - points[None], axis=2)
    clusters = [[i] for i in range(len(points))]
    while len(clusters) > count:
        a, b = min(combinations(clusters, 2), key=lambda two: between[np.ix_(*two)].mean())
        clusters.remove(a)
        clusters.remove(b)
        clusters.append(a + b)
    return clusters


def turns(pool, scores, budget, clusters, oversample, seed):
    labels = np.empty(pool.num_rows, np.int64)
    for number, rows in enumerate(clusters):
        labels[rows] = number
    candidates = lowest(scores, pool.unlabeled(), int(np.ceil(oversample * budget)))
    return in_turn(candidates, labels, np.random.default_rng(seed))[:budget].tolist()


@pytest.mark.parametrize("clusters", [0, 1, 3, 25])
@pytest.mark.parametrize("oversample", [1, 1.25, 2.4])
def test_cluster_margin(clusters, oversample):
    pool = make_pool(70, dims=4, labeled=8)
    rows = linked(unit(pool.embeddings), clusters or 15)
    scores = margins(pool.probabilities)
    options = {"clusters": clusters, "oversample": oversample}
    expected = turns(pool, scores, 15, rows, oversample, 3)
    assert choose("cluster-margin", pool, 15, 3, **options).tolist() == expected


def test_cluster_margin_multilabel():
    pool = multilabel_pool(60, classes=4, labeled=8)
    scores = np.abs(2 * pool.probabilities.astype(np.float64) - 1).mean(axis=1)
    expected = turns(pool, scores, 10, linked(unit(pool.embeddings), 10), 2, 3)
    assert choose("cluster-margin", pool, 10, 3, oversample=2).tolist() == expected


def test_cluster_margin_defaults():
    pool = make_pool(300, labeled=8)
    stated = choose("cluster-margin", pool, 12, 3, oversample=10, clusters=12)
    assert np.array_equal(choose("cluster-margin", pool, 12, 3), stated)
    for other in ({"oversample": 2}, {"clusters": 3}):
        assert not np.array_equal(choose("cluster-margin", pool, 12, 3, **other), stated)


def test_large_pools_are_grouped_before_they_are_linked(monkeypatch):
    # Five far bundles: whatever groups k-means makes, average linkage puts each bundle together.
    rng = np.random.default_rng(0)
    bundle = np.arange(200) % 5
    points = np.eye(5)[bundle] + 0.01 * rng.standard_normal((200, 5))
    monkeypatch.setattr(cluster_margin, "LINKED_ROWS", 199)
    monkeypatch.setattr(cluster_margin, "GROUPS", 40)
    labels = cluster_margin.linked_clusters(points.astype(np.float32), 5)
    assert len(set(zip(labels.tolist(), bundle.tolist(), strict=True))) == 5
    assert len(set(labels.tolist())) == 5
    again = cluster_margin.linked_clusters(points.astype(np.float32), 5)
    assert np.array_equal(labels, again)


def test_each_cluster_is_drawn_from_at_random():
    pool = make_pool(60, labeled=0)
    picks = {
        choose("cluster-margin", pool, 1, seed, clusters=1, oversample=5).item()
        for seed in range(60)
    }
    candidates = lowest(margins(pool.probabilities), pool.unlabeled(), 5)
    assert picks == set(candidates.tolist())


@pytest.mark.parametrize("option", [{"oversample": 0.9}, {"clusters": -1}], ids=str)
def test_cluster_margin_options_are_checked(option):
    with pytest.raises(InputError, match=next(iter(option))):
        choose("cluster-margin", make_pool(), 3, **option)
