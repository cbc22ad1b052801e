"""How the tests here run a strategy, once or often."""

from collections import Counter
from dataclasses import replace

import numpy as np

from labelbench_core import registry
from labelbench_core.strategies import select
from labelbench_core.strategies.testing import make_pool


def multilabel_pool(rows, **sizes):
    """A pool whose rows can have any number of classes; those labelled have one."""
    pool = make_pool(rows, **sizes)
    labels = np.eye(pool.num_classes, dtype=np.int64)[pool.labels]
    return replace(pool, labels=labels, multilabel=True)


def choose(name, pool, budget, seed=0, **options):
    return select(name, pool, budget, np.random.default_rng(seed), **options)


def assert_drawn_by(law, pool, length, draws, name, **options):
    """Pearson's test of drawn sequences against their law; a right kernel fails once in 10,000.

    Of wrong kernels, 1,000 draws find 99 in 100 whose law q has a divergence Σ (q − p)² / p of 0.1
    from a law p of 120 sequences, 3,000 draws of 0.04 (power of the noncentral χ²). The mildest
    mistake that one may make in BADGE, distances that are not squared, has 0.36 or more.
    """
    from scipy.stats import chi2

    strategy = registry.load("strategies", name)
    drawn = strategy.select(pool, length, np.random.default_rng(0), **options)
    assert np.array_equal(drawn, choose(name, pool, length, seed=0, **options))
    # From here on without the checks of input and output, which take longer than the draws.
    rng = np.random.default_rng(1)
    counts = Counter(
        tuple(strategy.select(pool, length, rng, **options).tolist()) for _ in range(draws)
    )
    assert set(counts) <= set(law)
    frequent = [sequence for sequence in law if law[sequence] * draws >= 5]
    expected = np.array([law[sequence] * draws for sequence in frequent])
    seen = np.array([counts[sequence] for sequence in frequent], float)
    rest = draws - expected.sum()
    statistic = (np.square(seen - expected) / expected).sum()
    if rest > 0.5:  # all rare sequences together
        statistic += (draws - seen.sum() - rest) ** 2 / rest
    assert statistic < chi2.ppf(1 - 1e-4, len(frequent))
