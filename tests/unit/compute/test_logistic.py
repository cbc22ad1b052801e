"""The solver from far out: where its start leads nowhere, it begins anew."""

import sys

import numpy as np
import pytest

from labelbench_core.compute.logistic import solve


def loss(found, rows, labels):
    """Negative log-likelihood per row, in double precision."""
    logits = rows.astype(np.float64) @ found.weights + found.bias
    if labels.ndim == 2:
        return np.logaddexp(0, np.where(labels, -logits, logits)).sum(axis=1).mean()
    return (np.logaddexp.reduce(logits, axis=1) - logits[np.arange(len(rows)), labels]).mean()


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("multilabel", [False, True])
@pytest.mark.parametrize("penalty", [sys.float_info.min, 1e-100, 1e-30, 1e-3])
def test_a_start_far_out_whose_labels_have_changed_ends_at_the_minimum(penalty, multilabel):
    rng = np.random.default_rng(0)
    for size in np.repeat(10.0 ** np.arange(9), 10):
        rows = rng.normal(size=(int(rng.integers(20, 60)), 3)).astype(np.float32)
        truth = rng.normal(size=(3, 3))
        labels = (
            (rows @ truth > 0).astype(np.int64) if multilabel else (rows @ truth).argmax(axis=1)
        )
        changed = rng.permutation(len(rows))[:10]
        labels[changed] = 1 - labels[changed] if multilabel else (labels[changed] + 1) % 3
        start = np.vstack([truth, np.zeros(3)]) * size
        found = solve(rows, labels, 3, penalty, 1e-4, 1000, start=start)
        anew = solve(rows, labels, 3, penalty, 1e-4, 1000)
        assert found.converged
        assert anew.converged
        assert abs(loss(found, rows, labels) - loss(anew, rows, labels)) < 1e-3


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("penalty", [sys.float_info.min, 1e-250, 1e-100, 1e-30, 1e-10])
def test_labels_that_rows_tell_apart_are_learned_without_a_penalty(penalty):
    rows = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
    labels = (rows[:, 0] > 0).astype(np.int64)
    found = solve(rows, labels, 2, penalty, 1e-4, 500)
    assert found.converged
    assert ((rows @ found.weights + found.bias).argmax(axis=1) == labels).all()


def test_a_good_start_is_kept_where_the_iterations_do_not_suffice():
    rng = np.random.default_rng(0)
    rows = (rng.normal(size=(2000, 100)) * np.logspace(0, -2, 100)).astype(np.float32)
    truth = rng.normal(size=(100, 10)) * 10
    labels = (rows @ truth + rng.gumbel(size=(2000, 10))).argmax(axis=1)
    known = solve(rows, labels, 10, 1e-2, 1e-4, 5000)
    labels[:5] = (labels[:5] + 1) % 10
    start = np.vstack([known.weights, known.bias])
    found = solve(rows, labels, 10, 1e-2, 1e-4, 5, start=start)
    assert not found.converged
    assert found.iterations == 5
    assert found.flops == 4 * 2000 * 100 * 10 * 6
    assert found.gradient_ratio < 0.02
    # One that is too far out costs nothing but its logits.
    plain = solve(rows, labels, 10, 1e-2, 1e-4, 5)
    for far in (start * 1e6, start * 1e300, start * np.nan):
        assert solve(rows, labels, 10, 1e-2, 1e-4, 5, start=far).flops == plain.flops


def test_features_that_say_the_same_do_not_matter_without_a_penalty():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(900, 6)).astype(np.float32)
    rows[:, 3], rows[:, 5] = rows[:, 2], 0
    found = solve(rows, rng.integers(100, size=900), 100, 1e-20, 1e-3, 500)
    assert found.converged
