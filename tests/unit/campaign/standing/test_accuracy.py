"""Accuracy of the current model by the audit, and the curve of all models on the same rows."""

import numpy as np
import pytest

from labelbench_core.campaign.audit.estimators import PLAIN, POWERED, plain
from labelbench_core.campaign.audit.prediction_powered import prediction_powered
from labelbench_core.campaign.standing.accuracy import accuracy_now, curve
from labelbench_core.campaign.standing.history import AuditAnswers, PastModel

ROWS = 200


def model(predicted, known=None, batch=2, num_labeled=50, confidence=0.8):
    count = len(predicted)
    known = np.ones(count, bool) if known is None else known
    confidence = np.full(count, confidence, np.float32)
    return PastModel(batch, num_labeled, known, predicted, confidence, None)


@pytest.fixture
def drawn():
    """(predictions, answers of 40 audit rows, strata of all rows); row 3 of the audit is unsure."""
    rng = np.random.default_rng(0)
    truth = rng.integers(3, size=ROWS)
    predicted = np.where(rng.random(ROWS) < 0.8, truth, (truth + 1) % 3)
    stratum = np.repeat([0, 1], [150, 50])
    rows = np.sort(rng.choice(ROWS, 40, replace=False))
    decided = np.ones(40, bool)
    decided[3] = False
    labels = np.where(decided, truth[rows], -1)
    return predicted, AuditAnswers(rows, decided, labels, stratum[rows]), stratum


def test_the_plain_audit(drawn):
    predicted, answers, stratum = drawn
    found = accuracy_now(model(predicted), answers, stratum, PLAIN, 3)
    own = answers.of(answers.decided)
    right = predicted[own.rows] == own.labels
    assert found.estimate == plain(right, own.stratum, [150, 50])
    assert found.estimate.n == 39
    assert found.undecided.undecided == 1
    assert found.undecided.all_wrong.estimate < found.undecided.all_right.estimate
    assert found.f1 is None
    assert [one is not None and one.n for one in found.classes] == [
        (own.labels == label).sum() >= 10 and (own.labels == label).sum() for label in range(3)
    ]


def test_the_model_s_confidence_in_the_pool(drawn):
    predicted, answers, stratum = drawn
    one = model(predicted)
    confidence = np.random.default_rng(1).random(ROWS).astype(np.float32)
    one = PastModel(2, 50, one.known, predicted, confidence, None)
    found = accuracy_now(one, answers, stratum, POWERED, 3)
    own = answers.of(answers.decided)
    right = predicted[own.rows] == own.labels
    whole = [confidence[:150], confidence[150:]]
    assert found.estimate == prediction_powered(right, confidence[own.rows], own.stratum, whole)
    assert found.estimate.name == POWERED


def test_rows_that_a_model_did_not_predict_are_left_out(drawn):
    predicted, answers, stratum = drawn
    known = stratum == 0
    found = accuracy_now(model(predicted, known), answers, stratum, PLAIN, 3)
    own = answers.of(answers.decided & (answers.stratum == 0))
    right = predicted[own.rows] == own.labels
    assert found.estimate == plain(right, own.stratum, [150, 0])


def test_several_labels_a_row(drawn):
    _, answers, stratum = drawn
    rng = np.random.default_rng(2)
    truth, predicted = rng.random((ROWS, 3)) < 0.5, rng.random((ROWS, 3)) < 0.5
    several = AuditAnswers(answers.rows, answers.decided, truth[answers.rows], answers.stratum)
    found = accuracy_now(model(predicted), several, stratum, PLAIN, 3)
    own = several.of(several.decided)
    right = (predicted[own.rows] == own.labels).all(axis=1)
    assert found.estimate == plain(right, own.stratum, [150, 50])
    assert found.f1 is not None
    assert found.estimate.estimate < found.f1.estimate < 1
    assert not found.classes


def test_all_models_of_a_curve_are_measured_on_the_same_rows(drawn):
    predicted, answers, stratum = drawn
    known = stratum == 0
    points = curve(
        [model(predicted, known, 2, 10), model(predicted, None, 3, 20)], answers, stratum
    )
    assert [(one.batch, one.num_labeled) for one in points] == [(2, 10), (3, 20)]
    assert points[0].accuracy == points[1].accuracy
    assert points[0].accuracy.n == (answers.decided & (answers.stratum == 0)).sum()
    assert curve([], answers, stratum) == []
