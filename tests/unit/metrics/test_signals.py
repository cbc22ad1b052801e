"""Signals for stopping, against plain forms of their definitions."""

import math

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from labelbench_core.metrics.signals import (
    OF_BATCH,
    OF_STOP_SET,
    cohens_kappa,
    of_batch,
    of_stop_set,
)


def probabilities(rows: int, classes: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.full(classes, 0.5), rows).astype(np.float32)


@pytest.mark.parametrize("classes", [2, 10, 200])
def test_stop_set_by_the_plain_definitions(classes: int) -> None:
    p, rng = probabilities(300, classes), np.random.default_rng(1)
    before = np.where(rng.random(300) < 0.7, p.argmax(axis=1), rng.integers(0, classes, 300))
    unlabeled = rng.random(300) < 0.6
    found = of_stop_set(p, before.astype(np.uint16), unlabeled)
    assert tuple(found) == OF_STOP_SET
    assert found["kappa"] == pytest.approx(cohen_kappa_score(p.argmax(axis=1), before))
    rows = [row for row in range(300) if unlabeled[row]]
    changed = [int(p[row].argmax()) != before[row] for row in rows]
    assert found["changed"] == pytest.approx(sum(changed) / len(rows))
    parts = [-sum(q * math.log(q) for q in map(float, p[row]) if q > 0) for row in rows]
    assert found["entropy"] == pytest.approx(sum(parts) / len(rows) / math.log(classes), rel=1e-5)
    tops = [float(max(p[row])) for row in rows]
    mean = sum(tops) / len(tops)
    assert found["confidence"] == pytest.approx(mean)
    spread = sum((top - mean) ** 2 for top in tops) / len(tops)
    assert found["confidence_variance"] == pytest.approx(spread)


def test_batch_by_the_plain_definitions() -> None:
    p, labels = probabilities(50, 4), np.random.default_rng(2).integers(0, 4, 50)
    found = of_batch(p, labels)
    assert tuple(found) == OF_BATCH
    entropies = [-sum(q * math.log(q) for q in map(float, row) if q > 0) for row in p]
    assert found["batch_entropy"] == pytest.approx(max(entropies) / math.log(4), rel=1e-5)
    hits = [int(row.argmax()) == label for row, label in zip(p, labels, strict=True)]
    assert found["batch_accuracy"] == pytest.approx(sum(hits) / 50)
    doubts = [1 - float(max(row)) for row in p]
    wrong = sum(doubt for doubt, hit in zip(doubts, hits, strict=True) if not hit)
    assert found["contradiction"] == pytest.approx(wrong / (sum(doubts) / 50))


def test_what_is_not_known_is_left_out() -> None:
    p = probabilities(20, 3)
    everything, nothing = np.ones(20, bool), np.zeros(20, bool)
    assert set(of_stop_set(p, None, everything)) == {"entropy", "confidence", "confidence_variance"}
    assert set(of_stop_set(p, p.argmax(axis=1), nothing)) == {"kappa"}


def test_certain_predictions_are_finite() -> None:
    p = np.eye(3, dtype=np.float32)[[0, 0, 0]]
    assert cohens_kappa(np.zeros(3, int), np.zeros(3, int), 3) == 1.0
    found = of_stop_set(p, np.zeros(3, int), np.ones(3, bool)) | of_batch(p, np.zeros(3, int))
    assert found["entropy"] == found["batch_entropy"] == found["contradiction"] == 0
    assert all(math.isfinite(value) for value in found.values())
