"""Weighted metrics: scikit-learn's with `sample_weight`, and those of rows that are repeated."""

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from labelbench_core.errors import InputError
from labelbench_core.metrics import evaluate, evaluate_parts
from labelbench_core.metrics.calibration import BINS
from labelbench_core.strategies.testing import Blocks

ROWS, CLASSES = 300, 4


def one_class(seed):
    """Probabilities, labels, groups."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(CLASSES, 0.5), ROWS).astype(np.float32)
    return p, rng.integers(0, CLASSES, ROWS), rng.integers(-1, 3, ROWS)


def several(seed):
    """Probabilities with ties, and labels of 0 and 1; some rows have no class, some all."""
    rng = np.random.default_rng(seed)
    labels = (rng.random((ROWS, CLASSES)) < rng.random(CLASSES)).astype(np.uint8)
    labels[:5], labels[5:9] = 0, 1
    p = np.clip(0.5 * labels + 0.5 * rng.random(labels.shape), 0.01, 0.99)
    return np.round(p, 1).astype(np.float32), labels


def random_weights(seed):
    return np.random.default_rng(seed).lognormal(0, 1.5, ROWS).astype(np.float32)


@pytest.mark.parametrize("seed", range(3))
def test_rows_of_one_class_are_scored_as_by_scikit_learn(seed):
    p, labels, groups = one_class(seed)
    weights = random_weights(seed)
    predicted, w = p.argmax(axis=1), {"sample_weight": weights.astype(np.float64)}
    exact = p.astype(np.float64)
    recalls = sklearn_metrics.recall_score(labels, predicted, average=None, **w)
    balanced = sklearn_metrics.balanced_accuracy_score(labels, predicted, **w)
    expected = {
        "accuracy": sklearn_metrics.accuracy_score(labels, predicted, **w),
        "balanced-accuracy": balanced,
        "min-class-accuracy": recalls.min(),
        "macro-f1": sklearn_metrics.f1_score(labels, predicted, average="macro", **w),
        "nll": sklearn_metrics.log_loss(labels, exact / exact.sum(axis=1, keepdims=True), **w),
        "calibration-error": calibration_error(p, labels, weights),
        "worst-group-accuracy": min(
            sklearn_metrics.accuracy_score(
                labels[groups == one],
                predicted[groups == one],
                sample_weight=weights[groups == one],
            )
            for one in range(3)
        ),
    }
    found = evaluate(p, labels, groups, weights)
    assert found == pytest.approx(expected, rel=1e-5)
    unweighted = evaluate(p, labels, groups)
    assert all(abs(found[name] - unweighted[name]) > 1e-4 for name in found)


def calibration_error(p, labels, weights):
    """Guo et al.'s, a bin at a time."""
    confidence, right = p.max(axis=1).astype(np.float64), p.argmax(axis=1) == labels
    error = 0.0
    for place in range(BINS):
        inside = (confidence > place / BINS) & (confidence <= (place + 1) / BINS)
        if inside.any():
            w = weights[inside].astype(np.float64)
            gap = np.average(confidence[inside], weights=w) - np.average(right[inside], weights=w)
            error += w.sum() / weights.sum(dtype=np.float64) * abs(gap)
    return error


@pytest.mark.parametrize("seed", range(3))
def test_rows_of_any_number_of_classes_are_scored_as_by_scikit_learn(seed):
    p, labels = several(seed)
    weights = random_weights(seed)
    predicted, w = p >= 0.5, {"sample_weight": weights.astype(np.float64)}
    exact = p.astype(np.float64)
    expected = {
        "mean-average-precision": sklearn_metrics.average_precision_score(labels, p, **w),
        "label-accuracy": 1 - sklearn_metrics.hamming_loss(labels, predicted, **w),
        "subset-accuracy": sklearn_metrics.accuracy_score(labels, predicted, **w),
        "ranking-loss": sklearn_metrics.label_ranking_loss(labels, p, **w),
        "macro-f1": sklearn_metrics.f1_score(labels, predicted, average="macro", **w),
        "micro-f1": sklearn_metrics.f1_score(labels, predicted, average="micro", **w),
        "nll": sum(
            sklearn_metrics.log_loss(labels[:, c], exact[:, c], labels=[0, 1], **w)
            for c in range(CLASSES)
        ),
    }
    found = evaluate(p, labels, weights=weights)
    assert found == pytest.approx(expected, rel=1e-5)
    unweighted = evaluate(p, labels)
    assert all(abs(found[name] - unweighted[name]) > 1e-4 for name in found)


@pytest.mark.parametrize("make", [one_class, several])
def test_whole_weights_are_repeated_rows_and_ones_are_no_weights(make):
    p, labels, *groups = make(7)
    weights = np.random.default_rng(7).integers(1, 6, ROWS)
    repeated = [np.repeat(one, weights, axis=0) for one in (p, labels, *groups)]
    others = [None] * (1 - len(groups))
    assert evaluate(p, labels, *groups, *others, weights) == pytest.approx(evaluate(*repeated))
    ones = np.ones(ROWS, np.float32)
    assert evaluate(p, labels, *groups, *others, ones) == pytest.approx(
        evaluate(p, labels, *groups), rel=1e-12
    )


def test_hits_by_class_are_sums_of_weights_and_blocks_change_nothing():
    p, labels, groups = one_class(0)
    weights = random_weights(0)
    found, classes, by_group = evaluate_parts(p, labels, groups, weights)
    assert evaluate_parts(Blocks(p, 7), labels, groups, weights) == (found, classes, by_group)
    right = p.argmax(axis=1) == labels
    for one in range(CLASSES):
        inside = labels == one
        assert classes["rows"][one] == inside.sum()
        assert classes["weights"][one] == pytest.approx(weights[inside].sum(dtype=np.float64))
        assert classes["hits"][one] == pytest.approx(weights[inside & right].sum(dtype=np.float64))
    shares = np.divide(classes["hits"], classes["weights"])
    assert found["balanced-accuracy"] == pytest.approx(shares.mean())
    assert set(evaluate_parts(p, labels)[1]) == {"rows", "hits"}
    for one in range(max(groups) + 1):
        inside = groups == one
        assert by_group["rows"][one] == inside.sum()
        assert by_group["weights"][one] == pytest.approx(weights[inside].sum(dtype=np.float64))
        assert by_group["hits"][one] == pytest.approx(weights[inside & right].sum(dtype=np.float64))


def test_a_share_is_never_above_1_by_rounding():
    labels = np.arange(ROWS) % CLASSES
    p = np.eye(CLASSES, dtype=np.float32)[labels]
    for seed in range(50):
        weights = random_weights(seed)
        assert evaluate(p, labels, weights=weights)["accuracy"] <= 1
        many = evaluate(p, p.astype(np.uint8), weights=weights)
        shares = ("label-accuracy", "subset-accuracy", "micro-f1", "mean-average-precision")
        assert max(many[name] for name in shares) <= 1


@pytest.mark.parametrize(
    ("weights", "told"),
    [
        (np.ones(2), r"weights: shape \(2,\); allowed: \(3,\), one for each label"),
        (np.array([1, 0, 1.0]), r"weights: row 1: 0.0; allowed: finite numbers above 0"),
        (np.array([1, 1, np.nan]), r"weights: row 2: nan; allowed: finite numbers above 0"),
        (np.array([np.inf, 1, 1]), r"weights: row 0: inf; allowed: finite numbers above 0"),
    ],
)
def test_what_is_no_weight_is_refused(weights, told):
    with pytest.raises(InputError, match=told):
        evaluate(np.eye(3, dtype=np.float32), np.arange(3), weights=weights)
