"""Accuracy of the current model by the audit, and the curve of all models on the same rows."""

from dataclasses import replace

import numpy as np
import pytest

from labelbench_core.campaign.audit.estimators import PLAIN, POWERED, plain
from labelbench_core.campaign.audit.intervals import clopper_pearson, exact_interval
from labelbench_core.campaign.audit.prediction_powered import prediction_powered
from labelbench_core.campaign.standing.accuracy import accuracy_now, curve
from labelbench_core.campaign.standing.history import AuditAnswers, BoughtRows, PastModel

ROWS = 200


def bought_of(rows, labels, batch, reserved=(), apart=()):
    """What was bought: rows, their labels, their batch; rows reserved for the audit, and apart."""
    mask, other = np.zeros((2, ROWS), bool)
    mask[list(reserved)] = True
    other[list(apart)] = True
    rows, labels = np.asarray(rows, np.int64), np.asarray(labels)
    return BoughtRows(rows, labels, np.broadcast_to(np.int64(batch), rows.shape), mask, other)


NOTHING = bought_of([], np.zeros(0, np.int64), 1)


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
    found = accuracy_now(model(predicted), answers, NOTHING, stratum, PLAIN, 3)
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
    found = accuracy_now(one, answers, NOTHING, stratum, POWERED, 3)
    own = answers.of(answers.decided)
    right = predicted[own.rows] == own.labels
    whole = [confidence[:150], confidence[150:]]
    assert found.estimate == prediction_powered(right, confidence[own.rows], own.stratum, whole)
    assert found.estimate.name == POWERED


def test_rows_that_a_model_did_not_predict_are_left_out(drawn):
    predicted, answers, stratum = drawn
    known = stratum == 0
    found = accuracy_now(model(predicted, known), answers, NOTHING, stratum, PLAIN, 3)
    own = answers.of(answers.decided & (answers.stratum == 0))
    right = predicted[own.rows] == own.labels
    assert found.estimate == plain(right, own.stratum, [150, 0])


def test_several_labels_a_row(drawn):
    _, answers, stratum = drawn
    rng = np.random.default_rng(2)
    truth, predicted = rng.random((ROWS, 3)) < 0.5, rng.random((ROWS, 3)) < 0.5
    several = AuditAnswers(answers.rows, answers.decided, truth[answers.rows], answers.stratum)
    nothing = bought_of([], np.zeros((0, 3), bool), 1)
    found = accuracy_now(model(predicted), several, nothing, stratum, PLAIN, 3)
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
        [model(predicted, known, 2, 10), model(predicted, None, 3, 20)], answers, NOTHING, stratum
    )
    assert [(one.batch, one.num_labeled) for one in points] == [(2, 10), (3, 20)]
    assert points[0].accuracy == points[1].accuracy
    assert points[0].accuracy.n == (answers.decided & (answers.stratum == 0)).sum()
    assert curve([], answers, NOTHING, stratum) == []


@pytest.fixture
def easy():
    """(truth, confidence, predictions, audit rows): a campaign has bought the 60 hardest others."""
    rng = np.random.default_rng(3)
    truth, confidence = rng.integers(3, size=ROWS), rng.random(ROWS).astype(np.float32)
    predicted = np.where(rng.random(ROWS) < confidence, truth, (truth + 1) % 3)
    audit = rng.permutation(ROWS)[:60]
    others = np.setdiff1d(np.arange(ROWS), audit)
    bought = others[np.argsort(confidence[others])[:60]]
    predicted[bought], confidence[bought] = truth[bought], 1.0  # they trained the model
    model_of = PastModel(3, 60, np.ones(ROWS, bool), predicted, confidence, None)
    return truth, model_of, audit, bought_of(bought, truth[bought], 1, audit)


def test_rows_that_were_bought_are_known_and_the_rest_is_what_the_strategy_left(easy):
    truth, one, audit, bought = easy
    stratum = np.zeros(ROWS, np.int64)
    answers = AuditAnswers(audit, np.ones(60, bool), truth[audit], stratum[audit])
    right = one.predicted == truth
    rest = np.setdiff1d(np.arange(ROWS), bought.rows)
    found = accuracy_now(one, answers, bought, stratum, PLAIN, 3)
    own, f = right[audit].astype(float), one.confidence.astype(float)
    slope = np.cov(own, f[audit], bias=True)[0, 1] / f[audit].var()
    shift = slope * (f[rest].mean() - f[audit].mean())
    assert found.estimate.estimate == pytest.approx((60 + 140 * (own.mean() + shift)) / 200)
    assert found.undecided.decided == found.estimate
    low, high = exact_interval(int(own.sum()), 60, 140)
    assert found.estimate.low == pytest.approx((60 + 140 * (low + shift)) / 200)
    assert found.estimate.high == pytest.approx((60 + 140 * (high + shift)) / 200)
    # The share of right rows in the audit alone is far below: nothing there trained the model.
    assert own.mean() < found.estimate.low < right.mean() < found.estimate.high
    powered = accuracy_now(one, answers, bought, stratum, POWERED, 3).estimate
    by_hand = prediction_powered(right[audit], one.confidence[audit], stratum[audit], [f[rest]])
    beyond = max(slope - 1, 0) * (f[rest].mean() - f[audit].mean())
    expected = (60 + 140 * (by_hand.estimate + beyond)) / 200
    assert powered.estimate == pytest.approx(expected, abs=1e-6)
    assert powered.low < right.mean() < powered.high


def test_what_a_model_s_own_batch_and_later_ones_brought_is_not_known_to_it(easy):
    truth, one, audit, bought = easy
    stratum = np.zeros(ROWS, np.int64)
    answers = AuditAnswers(audit, np.ones(60, bool), truth[audit], stratum[audit])
    later = replace(bought, batch=bought.batch + 2)
    assert accuracy_now(one, answers, later, stratum, PLAIN, 3) != accuracy_now(
        one, answers, bought, stratum, PLAIN, 3
    )
    [before, now] = curve([one, replace(one, batch=4)], answers, later, stratum)
    assert (
        before.accuracy
        == curve([one], answers, bought_of([], np.zeros(0, np.int64), 1, audit), stratum)[
            0
        ].accuracy
    )
    assert now.accuracy == accuracy_now(one, answers, bought, stratum, PLAIN, 3).estimate
    right = one.predicted[audit] == truth[audit]
    assert now.unseen == plain(right, answers.stratum, [140])
    assert now.paired == 0
    assert before.paired == pytest.approx(np.sqrt(1 / (60 * 59)))  # no row differs: half and half


def test_classes_and_rows_with_several_labels_are_counted_with_those_that_were_bought(easy):
    truth, one, audit, bought = easy
    stratum = np.zeros(ROWS, np.int64)
    answers = AuditAnswers(audit, np.ones(60, bool), truth[audit], stratum[audit])
    right, own = one.predicted == truth, truth[audit] == 1
    found = accuracy_now(one, answers, bought, stratum, PLAIN, 3).classes[1]
    assert found is not None
    assert found.n == own.sum()
    assert right[audit][own].mean() < found.estimate
    assert found.low < right[truth == 1].mean() < found.high
    # How much easier the rest of one class is is not known: the lower end is that without a shift.
    low, _ = clopper_pearson(right[audit][own].sum(), own.sum())
    rest, learned = 140 * own.mean(), (bought.labels == 1).sum()
    assert found.low == pytest.approx((learned + rest * low) / (learned + rest))
    several = np.eye(3, dtype=bool)
    model_of = replace(one, predicted=several[one.predicted])
    told = AuditAnswers(answers.rows, answers.decided, several[truth[audit]], answers.stratum)
    of_several = replace(bought, labels=several[bought.labels])
    both = accuracy_now(model_of, told, of_several, stratum, PLAIN, 3)
    alone = accuracy_now(one, answers, bought, stratum, PLAIN, 3).estimate
    assert both.estimate == alone
    assert both.f1 is not None
    assert both.f1.estimate == pytest.approx(alone.estimate)  # one class a row: F1 is 0 or 1


def test_what_is_right_of_rows_that_people_can_decide_counts_no_others():
    """Half of the rest can be decided, and the model is right on three fifths of that half."""
    rows = np.arange(1000)
    audit = rows[100:200]
    decided = np.arange(100) % 2 == 0
    right = np.arange(100) % 10 < 6
    predicted = np.zeros(1000, np.int64)
    model = PastModel(
        batch=2,
        num_labeled=100,
        known=np.ones(1000, bool),
        predicted=predicted,
        confidence=np.full(1000, 0.9, np.float32),
        entropy=None,
    )
    labels = np.where(decided, np.where(right, 0, 1), -1)
    answers = AuditAnswers(audit, decided, labels, np.zeros(100, np.int64))
    reserved = np.zeros(1000, bool)
    reserved[audit] = True
    ones, apart = np.ones(100, np.int64), np.zeros(1000, bool)
    bought = BoughtRows(rows[:100], np.zeros(100, np.int64), ones, reserved, apart)
    found = accuracy_now(model, answers, bought, np.zeros(1000, np.int64), "plain", 2)
    share = right[decided].mean()
    assert found.estimate.estimate == pytest.approx((100 + 450 * share) / 550)
    assert found.undecided.all_wrong.estimate == pytest.approx((100 + 900 * share / 2) / 1000)


@pytest.mark.parametrize("estimator", [PLAIN, POWERED])
def test_rows_apart_without_a_label_are_in_no_number(estimator):
    """As if the pool did not have them."""
    rng = np.random.default_rng(3)
    truth, stratum = rng.integers(3, size=ROWS), np.zeros(ROWS, np.int64)
    one = model(np.where(rng.random(ROWS) < 0.7, truth, 0), confidence=rng.random(ROWS))
    rows = np.arange(30)
    answers = AuditAnswers(rows, np.ones(30, bool), truth[:30], stratum[:30])
    apart = np.arange(100, 170)
    bought = bought_of(np.arange(40, 60), truth[40:60], 1, range(40), apart)
    there = one.known.copy()
    there[apart] = False
    found = accuracy_now(one, answers, bought, stratum, estimator, 3)
    whole = bought_of(np.arange(40, 60), truth[40:60], 1, range(40))
    without = replace(one, known=there)
    assert found == accuracy_now(without, answers, whole, stratum, estimator, 3)
    assert found != accuracy_now(one, answers, whole, stratum, estimator, 3)
    (point,) = curve([one], answers, bought, stratum)
    (other,) = curve([without], answers, whole, stratum)
    assert point == other


def test_of_rows_apart_it_is_known_whether_an_earlier_model_was_right():
    rng = np.random.default_rng(4)
    truth, stratum = rng.integers(3, size=ROWS), np.zeros(ROWS, np.int64)
    one = model(np.where(rng.random(ROWS) < 0.7, truth, 0), batch=2)
    rows = np.arange(30)
    answers = AuditAnswers(rows, np.ones(30, bool), truth[:30], stratum[:30])
    apart = np.arange(30, ROWS)
    bought = bought_of(apart, truth[30:], 5, rows, apart)
    found = accuracy_now(one, answers, bought, stratum, PLAIN, 3).estimate
    right = (one.predicted == truth).mean()
    assert found.estimate == pytest.approx(right)
    assert (found.low, found.high) == pytest.approx((right, right))
