"""Metrics against scikit-learn, and the cases where LabelBench's own go wrong."""

import numpy as np
import pytest
from sklearn import metrics as reference

from labelbench_core.metrics import evaluate, evaluate_parts
from labelbench_core.strategies.testing import Blocks


def example(num_classes, rows=400, seed=0):
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(num_classes) * 0.5, rows).astype(np.float32)
    return probabilities, rng.integers(0, num_classes, rows)


@pytest.mark.parametrize("num_classes", [2, 3, 10])
def test_agrees_with_scikit_learn(num_classes):
    probabilities, labels = example(num_classes)
    predicted = probabilities.argmax(axis=1)
    exact = probabilities.astype(np.float64)
    found = evaluate(probabilities, labels)
    assert found["accuracy"] == pytest.approx(reference.accuracy_score(labels, predicted))
    assert found["balanced-accuracy"] == pytest.approx(
        reference.balanced_accuracy_score(labels, predicted)
    )
    assert found["macro-f1"] == pytest.approx(
        reference.f1_score(labels, predicted, average="macro")
    )
    recalls = reference.recall_score(labels, predicted, average=None)
    assert found["min-class-accuracy"] == pytest.approx(recalls.min())
    assert found["nll"] == pytest.approx(
        reference.log_loss(labels, exact / exact.sum(axis=1, keepdims=True)),
        rel=1e-5,
    )


def test_classes_that_a_split_lacks_have_no_accuracy():
    probabilities = np.eye(3, dtype=np.float32)[[0, 0, 1, 1]]
    found = evaluate(probabilities, np.array([0, 0, 1, 0]))
    assert found["balanced-accuracy"] == pytest.approx((2 / 3 + 1) / 2)
    assert found["min-class-accuracy"] == pytest.approx(2 / 3)


def test_calibration_error_of_a_hand_computed_case():
    # Two bins in use: .9 (one of two right) and .6 (both right).
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.6, 0.4]], np.float32)
    found = evaluate(probabilities, np.array([0, 1, 0, 0]))
    assert found["calibration-error"] == pytest.approx((2 * 0.4 + 2 * 0.4) / 4, abs=1e-6)


def test_a_probability_of_zero_costs_much_but_not_infinity():
    found = evaluate(np.array([[1.0, 0.0]], np.float32), np.array([1]))
    assert 80 < found["nll"] < 100


@pytest.mark.parametrize("block_rows", [1, 7, 400])
def test_rows_read_in_blocks_give_the_same_bytes(block_rows):
    probabilities, labels = example(10)
    expected = evaluate(probabilities, labels)
    assert evaluate(Blocks(probabilities, block_rows), labels) == expected


def test_hits_by_class_are_counted():
    probabilities, labels = example(4)
    labels[labels == 2] = 0
    found, classes, groups = evaluate_parts(probabilities, labels)
    assert groups == {}
    assert found == evaluate(probabilities, labels)
    hit = probabilities.argmax(axis=1) == labels
    assert classes["rows"] == [int((labels == one).sum()) for one in range(4)]
    assert classes["hits"] == [int((hit & (labels == one)).sum()) for one in range(4)]
    assert classes["rows"][2] == classes["hits"][2] == 0
    several = np.zeros((400, 4), np.int64)
    several[np.arange(400), labels] = 1
    assert evaluate_parts(probabilities, several)[1:] == ({}, {})


def test_hits_by_group_are_counted_and_rows_of_no_group_left_out():
    probabilities, labels = example(3)
    hit = probabilities.argmax(axis=1) == labels
    groups = np.random.default_rng(1).integers(-1, 4, 400)
    groups[groups == 1] = 2  # a group without rows
    groups[hit & (groups == 3)] = -1  # one without a hit
    found, _, by_group = evaluate_parts(probabilities, labels, groups)
    assert by_group["rows"] == [int((groups == one).sum()) for one in range(4)]
    assert by_group["hits"] == [int((hit & (groups == one)).sum()) for one in range(4)]
    assert (by_group["rows"][1], by_group["hits"][3]) == (0, 0)
    assert found["worst-group-accuracy"] == 0
    nowhere = evaluate_parts(probabilities, labels, np.full(400, -1))
    assert nowhere[2] == {}
    assert "worst-group-accuracy" not in nowhere[0]
