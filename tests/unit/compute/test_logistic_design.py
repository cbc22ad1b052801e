"""Products of the logistic regression's design, against plain ones in double precision."""

import numpy as np
import pytest

from labelbench_core.compute import logistic_design
from labelbench_core.compute.likelihoods import softmax
from labelbench_core.compute.logistic_design import BLOCK_ROWS, WORTH_THREADS, Design


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    ("rows", "dims", "classes", "at_once"),
    [
        (1, 1280, 10, 64),
        (63, 1280, 10, 64),
        (BLOCK_ROWS + 65, 1280, 10, 64),
        (2 * BLOCK_ROWS, 300, 3, 1024),
        (BLOCK_ROWS + 1, 700, 100, BLOCK_ROWS),  # too many classes for products without packing
        (100, 1, 1, 1024),
    ],
)
def test_logits_and_gradients_are_those_of_whole_products(
    rows, dims, classes, at_once, threads, monkeypatch
):
    monkeypatch.setattr(logistic_design, "WORTH_THREADS", 0)
    rng = np.random.default_rng(0)
    features = rng.normal(size=(rows, dims)).astype(np.float32)
    labels, point = rng.integers(classes, size=rows), rng.normal(size=(dims + 1, classes))
    weights = rng.uniform(0.5, 2, rows).astype(np.float32)
    design = Design(features, labels, classes, threads, weights)
    assert (design.rows_at_once, design.threads) == (at_once, threads)
    logits = design.times(point)
    plain = features.astype(np.float64) @ point[:-1] + point[-1]
    assert np.allclose(logits, plain, rtol=1e-4, atol=1e-4 * np.sqrt(dims))
    residual = (softmax(plain) - np.eye(classes)[labels]) * weights[:, None]
    padded = np.hstack([features, np.ones((rows, 1))])
    expected = padded.T @ residual + 0.5 * point
    found = design.gradient(plain.astype(np.float32), point, 0.5)
    assert np.allclose(found, expected, rtol=1e-4, atol=1e-4 * np.sqrt(rows))


def test_short_products_are_made_by_one_thread():
    rows, classes = 100, 10
    for dims, threads in ((10, 1), (WORTH_THREADS // rows // classes, 2)):
        features = np.zeros((rows, dims), np.float32)
        assert Design(features, np.zeros(rows, np.int64), classes, 2).threads == threads
