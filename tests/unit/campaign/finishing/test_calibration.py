"""Probabilities that mean what they say: a temperature that is found again, and its limits."""

import math

import numpy as np
import pytest

from labelbench_core.campaign.finishing.calibration import (
    LEAST,
    calibrate,
    confidence,
    with_temperature,
)


def drawn(count, classes, seed, sharpness):
    """(probabilities that are too sure by `sharpness`, labels drawn from the right ones)."""
    rng = np.random.default_rng(seed)
    right = with_temperature(rng.dirichlet(np.full(classes, 0.5), count), 1.0, multilabel=False)
    labels = np.array([rng.choice(classes, p=row / row.sum()) for row in right.astype(np.float64)])
    return with_temperature(right, 1 / sharpness, multilabel=False), labels


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 3.0])
def test_the_temperature_that_was_used_is_found(sharpness):
    told, labels = drawn(4000, 5, 0, sharpness)
    found = calibrate(told, labels, np.ones(4000), np.random.default_rng(0))
    assert found.temperature == pytest.approx(sharpness, rel=0.1)
    assert found.rows == 4000
    assert found.loss_after <= found.loss_before + 1e-3
    assert found.confidence_after == pytest.approx(found.accuracy, abs=0.02)
    if sharpness == 3.0:
        assert found.confidence_before > found.accuracy + 0.1
        assert found.loss_after < found.loss_before - 0.1


def test_of_several_labels_each_class_has_its_own_logit():
    rng = np.random.default_rng(1)
    right = rng.uniform(0.02, 0.98, (3000, 4))
    labels = rng.random((3000, 4)) < right
    told = with_temperature(right, 0.4, multilabel=True)
    found = calibrate(told, labels, np.ones(3000), np.random.default_rng(0))
    assert found.temperature == pytest.approx(2.5, rel=0.1)
    again = with_temperature(told, found.temperature, multilabel=True)
    assert np.abs(again - right).max() < 0.03
    assert found.loss_after < found.loss_before


def test_a_temperature_changes_no_prediction_and_1_changes_nothing():
    told, _ = drawn(500, 7, 2, 2.0)
    for temperature in (0.3, 1.0, 4.0):
        again = with_temperature(told, temperature, multilabel=False)
        assert (again.argmax(axis=1) == told.argmax(axis=1)).all()
        assert again.sum(axis=1) == pytest.approx(1)
    assert with_temperature(told, 1.0, multilabel=False) == pytest.approx(told, abs=1e-6)


def test_few_rows_that_are_all_right_do_not_make_it_certain():
    told = np.full((8, 2), [0.6, 0.4])
    found = calibrate(told, np.zeros(8, np.int64), np.ones(8), np.random.default_rng(0))
    assert found.accuracy == 1
    surest = with_temperature(told[:1], found.temperature, multilabel=False)
    # By Laplace's rule of succession, eight of eight are 9 / 10.
    assert surest.max() == pytest.approx(0.9, abs=0.03)


def test_rows_count_by_their_weights():
    told, labels = drawn(1000, 3, 3, 3.0)
    other, wrong = drawn(1000, 3, 4, 0.5)
    both, all_labels = np.concatenate([told, other]), np.concatenate([labels, wrong])
    rng = np.random.default_rng
    light = np.repeat([1.0, 1e-6], 1000)
    alone = calibrate(told, labels, np.ones(1000), rng(0)).temperature
    assert calibrate(both, all_labels, light, rng(0)).temperature == pytest.approx(alone, rel=0.1)


def test_none_and_one_row_and_certain_ones():
    nothing = calibrate(np.zeros((0, 3)), np.zeros(0, int), np.zeros(0), np.random.default_rng(0))
    assert (nothing.temperature, nothing.rows) == (1.0, 0)
    assert math.isnan(nothing.loss_after)
    certain = np.eye(3)[[0]]
    one = calibrate(certain, np.array([1]), np.ones(1), np.random.default_rng(0))
    assert one.temperature > 1
    assert one.loss_before == pytest.approx(-math.log(LEAST))
    assert np.isfinite(with_temperature(certain, one.temperature, multilabel=False)).all()


def test_certain_predictions_of_many_classes_stay_certain():
    logits = np.zeros((1, 1000))
    logits[0, 0] = 30
    told = np.exp(logits - 30) / np.exp(logits - 30).sum()
    for temperature in (2.0, 3.0):
        expected = 1 / (1 + 999 * np.exp(-30 / temperature))
        found = with_temperature(told, temperature, multilabel=False)
        assert found[0, 0] == pytest.approx(expected, abs=1e-5)


def test_of_several_labels_that_go_together_the_whole_row_is_calibrated():
    rng = np.random.default_rng(5)
    right = np.repeat(rng.random((800, 1)) < 0.85, 40, axis=1)  # all classes of a row, or none
    labels = np.zeros((800, 40), bool)
    told = np.where(right, 0.02, 0.98) * np.ones((800, 40))
    told = np.where(rng.random((800, 1)) < 0.15, 1 - told, told)
    labels[(told > 0.5).any(axis=1)] = True
    flipped = rng.random(800) < 0.1
    labels[flipped] = ~labels[flipped]
    found = calibrate(told, labels, np.ones(800), np.random.default_rng(0))
    assert found.confidence_after == pytest.approx(found.accuracy, abs=0.03)
    assert found.exponent < 0.5  # independent classes would make nearly every row unsure


def test_confidence_of_several_labels_is_that_all_are_right():
    p = np.array([[0.9, 0.2], [0.5, 0.5]])
    assert confidence(p, multilabel=True) == pytest.approx([0.72, 0.25])
    assert confidence(p, multilabel=False) == pytest.approx([0.9, 0.5])
