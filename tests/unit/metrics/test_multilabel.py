"""Metrics of rows that belong to any number of classes, against scikit-learn's."""

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from labelbench_core import metrics
from labelbench_core.errors import InputError
from labelbench_core.metrics.known import METRICS
from labelbench_core.storage.rows import ArrayRows


def random_case(rows=200, classes=6, seed=0, *, ties=False):
    rng = np.random.default_rng(seed)
    labels = (rng.random((rows, classes)) < rng.random(classes)).astype(np.uint8)
    p = np.clip(0.5 * labels + 0.5 * rng.random((rows, classes)), 0.01, 0.99)
    return (np.round(p, 1) if ties else p).astype(np.float32), labels


def by_sklearn(p, labels):
    predicted = p >= 0.5
    occurs = labels.any(axis=0)
    p64 = p.astype(np.float64)
    found = {
        "mean-average-precision": sklearn_metrics.average_precision_score(
            labels[:, occurs], p[:, occurs], average="macro"
        ),
        "label-accuracy": 1 - sklearn_metrics.hamming_loss(labels, predicted),
        "subset-accuracy": sklearn_metrics.accuracy_score(labels, predicted),
        "ranking-loss": sklearn_metrics.label_ranking_loss(labels, p),
        "nll": sum(
            sklearn_metrics.log_loss(labels[:, c], p64[:, c], labels=[0, 1])
            for c in range(labels.shape[1])
        ),
    }
    for average in ("macro", "micro"):
        found[f"{average}-f1"] = sklearn_metrics.f1_score(
            labels, predicted, average=average, zero_division=np.nan
        )
    return found


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_they_are_scikit_learns(seed, ties):
    p, labels = random_case(seed=seed, ties=ties)
    assert metrics.evaluate(p, labels) == pytest.approx(by_sklearn(p, labels), abs=1e-6)


def test_classes_and_rows_without_labels():
    p, labels = random_case(rows=40)
    labels[:, 2] = 0
    labels[:5] = 0
    labels[5:9] = 1
    p[:, 3], labels[:, 3] = 0.1, 0  # neither occurs nor is predicted
    assert metrics.evaluate(p, labels) == pytest.approx(by_sklearn(p, labels), abs=1e-6)


def test_nothing_occurs_and_nothing_is_predicted():
    found = metrics.evaluate(np.full((3, 2), 0.1, np.float32), np.zeros((3, 2), np.uint8))
    assert found["mean-average-precision"] == found["macro-f1"] == found["micro-f1"] == 0
    assert found["subset-accuracy"] == 1


def test_rows_in_blocks_give_the_same():
    p, labels = random_case()
    assert metrics.evaluate(ArrayRows(p), labels) == metrics.evaluate(p, labels)


def test_known_metrics_are_those_that_are_measured():
    measured = {*metrics.evaluate(*random_case())}
    assert measured == {name for name, one in METRICS.items() if one.applies(multilabel=True)}
    one_class = {
        *metrics.evaluate(np.eye(3, dtype=np.float32), np.arange(3), np.zeros(3, np.int64))
    }
    assert one_class == {name for name, one in METRICS.items() if one.applies(multilabel=False)}


@pytest.mark.parametrize(
    ("p", "labels", "told"),
    [
        (np.full((2, 3), 0.5), np.zeros((2, 2), int), "labels: shape (2, 2); allowed: (2, 3)"),
        (np.full((2, 3), 0.5), np.full((2, 3), 2), "labels: 2; allowed: 0 to 1"),
        (np.full((2, 3), 1.5), np.zeros((2, 3), int), "row 0 holds 1.5; allowed: 0 to 1"),
        (np.full(3, 0.5), np.zeros((1, 3), int), "shape (3,); allowed: (N, C)"),
    ],
)
def test_what_is_no_prediction_is_refused(p, labels, told):
    with pytest.raises(InputError) as error:
        metrics.evaluate(p, labels)
    assert told in str(error.value)
