"""Linear probes of rows with weights: scikit-learn's `sample_weight`, and repeated rows."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from labelbench_core.compute.likelihoods import sigmoid
from labelbench_core.compute.logistic import solve
from labelbench_core.compute.values import normalized
from labelbench_core.errors import InputError
from labelbench_core.proxies import Statistics, TrainingSet, linear, linear_ensemble
from labelbench_core.proxies.shared.penalty import TOLERANCE, _Fold, choose_penalty
from labelbench_core.storage.rows import ArrayRows

ROWS, DIMS, CLASSES, PENALTY = 150, 6, 4, 3.0


def problem(*, several, rows=ROWS, classes=CLASSES):
    """(N, D) float32 features, labels by random linear rules with noise, whole weights."""
    rng = np.random.default_rng(0)
    features = rng.standard_normal((rows, DIMS)).astype(np.float32)
    logits = 2 * features @ rng.standard_normal((DIMS, classes)) + rng.gumbel(size=(rows, classes))
    labels = logits.argmax(axis=1)
    if several:
        labels = (rng.random(logits.shape) < sigmoid(logits)).astype(np.uint8)
    return features, labels, rng.integers(1, 9, rows)


def training(features, labels, weights, **more):
    """All rows are labelled."""
    statistics = Statistics(features.mean(0).astype(float), features.std(0).astype(float))
    given = None if weights is None else normalized(weights)
    indices = np.arange(len(features))
    pool = ArrayRows(features)
    several = labels.ndim > 1
    classes = labels.shape[1] if several else CLASSES
    return TrainingSet(pool, indices, labels, classes, statistics, weights=given, **more)


def scikit_learns(features, labels, weights, penalty):
    """(D + 1, C) of scikit-learn's solver; the bias is penalised as a constant feature's weight."""
    padded = np.hstack([features, np.ones((len(features), 1))]).astype(np.float64)
    model = LogisticRegression(C=1 / penalty, fit_intercept=False, tol=1e-9, max_iter=5000)
    return model.fit(padded, labels, sample_weight=weights).coef_.T


@pytest.mark.parametrize("scale", [1.0, 0.01])
def test_the_optimum_is_scikit_learns(scale):
    features, labels, weights = problem(several=False)
    weights = (scale * weights).astype(np.float32)
    found = solve(features, labels, CLASSES, PENALTY, 1e-6, 1000, weights=weights)
    assert found.converged
    expected = scikit_learns(features, labels, weights, PENALTY)
    np.testing.assert_allclose(np.vstack([found.weights, found.bias]), expected, atol=3e-4)
    plain = solve(features, labels, CLASSES, PENALTY, 1e-6, 1000)
    assert np.abs(plain.weights - found.weights).max() > 0.02


def test_with_several_labels_it_is_that_of_one_regression_a_class():
    features, labels, weights = problem(several=True)
    weights = weights.astype(np.float32)
    found = solve(features, labels, CLASSES, PENALTY, 1e-6, 1000, weights=weights)
    for label in range(CLASSES):
        expected = scikit_learns(features, labels[:, label], weights, PENALTY)[:, 0]
        np.testing.assert_allclose(found.weights[:, label], expected[:-1], atol=3e-4)
        np.testing.assert_allclose(found.bias[label], expected[-1], atol=3e-4)


@pytest.mark.parametrize("several", [False, True])
def test_an_approximate_hessian_and_threads_lead_to_the_same_optimum(several, monkeypatch):
    features, labels, weights = problem(several=several, rows=2500)
    weights = weights.astype(np.float32)
    plain = solve(features, labels, CLASSES, PENALTY, 1e-6, 1000, weights=weights)
    again = solve(features, labels, CLASSES, PENALTY, 1e-6, 1000, 3, weights=weights)
    assert plain.weights.tobytes() == again.weights.tobytes()
    monkeypatch.setattr("labelbench_core.compute.logistic.curvature_pays", lambda *_: True)
    faster = solve(features, labels, CLASSES, PENALTY, 1e-6, 1000, weights=weights)
    assert faster.flops != plain.flops
    np.testing.assert_allclose(faster.weights, plain.weights, atol=3e-4)


@pytest.mark.parametrize("several", [False, True])
def test_whole_weights_are_repeated_rows(several):
    features, labels, weights = problem(several=several)
    own, repeated = (linear.build(penalty=0.02, tolerance=1e-6) for _ in range(2))
    one = training(features, labels, weights)
    own.fit(one, np.random.default_rng(0))
    rows = np.repeat(np.arange(ROWS), weights)
    other = TrainingSet(one.pool, rows, labels[rows], one.num_classes, one.statistics)
    repeated.fit(other, np.random.default_rng(0))
    p, expected = own.predict_proba(features), repeated.predict_proba(features)
    np.testing.assert_allclose(p, expected, atol=2e-4)
    plain = linear.build(penalty=0.02, tolerance=1e-6)
    plain.fit(training(features, labels, None), np.random.default_rng(0))
    assert np.abs(plain.predict_proba(features) - p).max() > 0.02
    # A rough refit, as ceilings make, minimises the same.
    rough = plain.refit(one, {"penalty": 0.02})
    np.testing.assert_allclose(rough.predict_proba(features), expected, atol=2e-3)


@pytest.mark.parametrize("several", [False, True])
def test_a_fold_is_trained_and_judged_by_its_weights(several):
    features, labels, weights = problem(several=several)
    held_out = np.arange(ROWS) % 3 == 0
    fold = _Fold(features, labels, CLASSES, held_out, None, weights.astype(np.float32))
    found = fold.loss(0.02, 1, 1)
    rows, tests = (np.repeat(np.flatnonzero(one), weights[one]) for one in (~held_out, held_out))
    both = np.concatenate([rows, tests])
    is_test = np.arange(len(both)) >= len(rows)
    plain = _Fold(features[both], labels[both], CLASSES, is_test, None, None)
    assert found == pytest.approx(plain.loss(0.02, 1, 1), rel=4 * TOLERANCE)


def test_the_penalty_is_chosen_by_the_rows_that_count():
    features, labels, _ = problem(several=False, rows=400)
    noise = np.arange(400) % 2 == 1
    labels = np.where(noise, np.random.default_rng(1).integers(0, CLASSES, 400), labels)

    def chosen(weights):
        rng = np.random.default_rng(0)
        return choose_penalty(features, labels, CLASSES, None, rng, weights=weights).penalty

    without, equal = chosen(None), chosen(np.full(400, 2.0, np.float32))
    assert equal == pytest.approx(without, rel=0.05)
    trusted = chosen(normalized(np.where(noise, 1e-3, 1.0)))
    assert trusted < without / 3


def test_members_are_trained_on_samples_of_rows_and_their_weights():
    features, labels, weights = problem(several=False)
    one = training(features, labels, weights)
    proxy = linear_ensemble.build(penalty=0.02, tolerance=1e-6, members=2)
    proxy.fit(one, np.random.default_rng(3))
    sample = np.sort(np.random.default_rng(3).integers(0, ROWS, ROWS))
    rows = np.repeat(sample, weights[sample])
    alone = linear.build(penalty=0.02, tolerance=1e-6)
    alone.fit(
        TrainingSet(one.pool, rows, labels[rows], CLASSES, one.statistics), np.random.default_rng(0)
    )
    member = proxy.predict_members(features, slice(0, 1))[:, 0]
    np.testing.assert_allclose(member, alone.predict_proba(features), atol=3e-4)


def test_weights_that_are_none_are_refused():
    features, labels, _ = problem(several=False)
    with pytest.raises(InputError, match=r"weights: shape \(3,\); allowed: \(150,\)"):
        training(features, labels, np.ones(3))
    assert normalized(np.array([1.0, 3.0])).tolist() == [0.5, 1.5]
    # Whatever a data set may have can be trained on.
    extremes = np.resize(np.array([2e-38, 1.0, 3e38], np.float32), ROWS)
    proxy = linear.build(penalty=0.1)
    proxy.fit(training(features, labels, extremes), np.random.default_rng(0))
    assert np.isfinite(proxy.predict_proba(features)).all()
