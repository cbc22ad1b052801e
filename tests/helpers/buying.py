"""Pools, annotators and lines of rows for strategies that buy labels as they choose."""

from dataclasses import replace

import numpy as np

from labelbench_core.strategies.testing import make_pool


class Annotator:
    """Answers from the truth and remembers what it was asked, and how many rows at once."""

    def __init__(self, truth):
        self.truth, self.asked, self.calls = truth, [], []

    def __call__(self, indices):
        self.asked += np.asarray(indices).tolist()
        self.calls.append(len(indices))
        return self.truth[indices]


def truth_and_pool(rows=150, classes=3, labeled=6, seed=0, noise=0.3, kinds=None, multilabel=False):
    """A pool whose labels mostly follow its probabilities; `kinds` distinct rows of them."""
    rng = np.random.default_rng(seed)
    pool = make_pool(rows, classes=classes, labeled=labeled, seed=seed)
    if kinds:
        pool = replace(pool, probabilities=pool.probabilities[np.arange(rows) % kinds])
    if multilabel:
        truth = pool.probabilities + noise * rng.standard_normal((rows, classes)) > 0.4
    else:
        truth = pool.probabilities.argmax(axis=1)
        truth = np.where(rng.random(rows) < noise, rng.integers(0, classes, rows), truth)
    return truth, replace(pool, labels=truth[pool.labeled], multilabel=multilabel)


def lines(pool):
    """Rows in the order of each class."""
    p = pool.probabilities.astype(np.float64)
    rows = range(len(p))
    if pool.multilabel:
        return [sorted(rows, key=lambda i: (p[i, k], i)) for k in range(p.shape[1])]
    return [
        sorted(rows, key=lambda i: (p[i, k] - p[i].max(), p[i].max(), i))
        for k in range(p.shape[1])
    ]  # fmt: skip


def signs(pool, known, k):
    """Whether each row of `known`, which maps rows to labels, is of class k."""
    return {
        row: bool(label[k]) if pool.multilabel else bool(label == k)
        for row, label in known.items()
    }  # fmt: skip
