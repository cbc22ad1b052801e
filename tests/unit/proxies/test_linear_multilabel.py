"""Linear probes of rows that belong to any number of classes: one binary regression a class."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from labelbench_core.compute import logistic_design as design
from labelbench_core.compute.likelihoods import Bernoulli, Categorical, sigmoid, softmax
from labelbench_core.compute.logistic import solve
from labelbench_core.proxies import (
    Statistics,
    TrainingSet,
    linear,
    linear_ensemble,
    trained_linear,
)
from labelbench_core.storage.rows import ArrayRows


def problem(rows=300, dims=8, classes=4, seed=0):
    """(N, D) float32 features and (N, C) uint8 labels of random linear rules with noise."""
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((rows, dims)).astype(np.float32)
    logits = 2 * features @ rng.standard_normal((dims, classes)) - rng.random(classes)
    return features, (rng.random(logits.shape) < sigmoid(logits)).astype(np.uint8)


def training_set(features, labels, count=120):
    rows = ArrayRows(features)
    statistics = Statistics(features.mean(0).astype(float), features.std(0).astype(float))
    return TrainingSet(rows, np.arange(count), labels[:count], labels.shape[1], statistics)


def test_the_optimum_is_that_of_one_regression_a_class():
    features, labels = problem()
    with_constant = np.hstack([features, np.ones((len(features), 1), np.float32)])
    solution = solve(features, labels, 4, 3.0, 1e-6, 500)
    assert solution.converged
    for label in range(4):
        # The bias is penalised as the weight of a constant feature.
        one = LogisticRegression(C=1 / 3.0, fit_intercept=False, tol=1e-8, max_iter=5000)
        one.fit(with_constant, labels[:, label])
        np.testing.assert_allclose(solution.weights[:, label], one.coef_[0, :-1], atol=2e-4)
        np.testing.assert_allclose(solution.bias[label], one.coef_[0, -1], atol=2e-4)


def test_starting_from_an_approximate_hessian_ends_in_the_same_optimum(monkeypatch):
    features, labels = problem()
    plain = solve(features, labels, 4, 3.0, 1e-6, 500)
    assert not design.curvature_pays(300, 8, 4)
    monkeypatch.setattr("labelbench_core.compute.logistic.curvature_pays", lambda *_: True)
    faster = solve(features, labels, 4, 3.0, 1e-6, 500)
    assert faster.flops != plain.flops
    np.testing.assert_allclose(faster.weights, plain.weights, atol=2e-4)


@pytest.mark.parametrize("likelihood", [Bernoulli(), Categorical()])
def test_gradient_and_curvature_are_those_of_the_loss(likelihood):
    rng = np.random.default_rng(0)
    logits, change = rng.standard_normal((2, 9, 3))
    labels = rng.integers(0, 2, (9, 3)) if isinstance(likelihood, Bernoulli) else np.arange(9) % 3

    def loss(step):
        return likelihood.loss(logits + step * change, labels)

    residual = likelihood.probabilities(logits)
    likelihood.subtract(labels, residual)
    slope = (residual * change).sum()
    assert slope == pytest.approx((loss(1e-5) - loss(-1e-5)) / 2e-5, rel=1e-6)
    mean, variance = likelihood.moments(likelihood.probabilities(logits), change.copy())
    assert mean - likelihood.at_labels(change, labels) == pytest.approx(slope)
    bend = (loss(1e-3) - 2 * loss(0) + loss(-1e-3)) / 1e-6
    assert variance == pytest.approx(bend, rel=1e-4)


def test_probabilities_do_not_overflow_and_are_exact_far_out():
    logits = np.array([[-200.0, -50, 0, 50, 200]], np.float32)
    with np.errstate(all="raise", under="ignore"):
        found = sigmoid(logits)
    np.testing.assert_allclose(found[0, 1], np.exp(-50), rtol=1e-5)
    np.testing.assert_array_equal(found[0, [2, 4]], [0.5, 1])
    np.testing.assert_allclose(softmax(logits).sum(), 1, rtol=1e-6)


@pytest.mark.parametrize("module", [linear, linear_ensemble])
def test_it_learns_and_is_restored(module):
    features, labels = problem()
    training = training_set(features, labels)
    proxy = module.build()
    fit = proxy.fit(training, np.random.default_rng(0))
    assert fit["converged"]
    found = proxy.predict_proba(features[120:])
    assert found.dtype == np.float32
    assert ((found > 0.5) == labels[120:]).mean() > 0.8
    assert not np.allclose(found.sum(1), 1)
    again = module.build().restore(proxy.arrays(), training.statistics)
    np.testing.assert_array_equal(again.predict_proba(features[120:]), found)
    if module is linear_ensemble:
        members = proxy.predict_members(features[120:])
        np.testing.assert_allclose(members.mean(1), found, atol=1e-6)


def test_threads_and_fewer_labels_than_folds():
    features, labels = problem()
    training = training_set(features, labels)
    one, two = linear.build(1), linear.build(2)
    assert one.fit(training, np.random.default_rng(0)) == two.fit(
        training, np.random.default_rng(0)
    )
    np.testing.assert_array_equal(one.weights, two.weights)
    fit = linear.build().fit(training_set(features, labels, 2), np.random.default_rng(0))
    assert fit["penalty"] > 0


def test_a_class_that_no_label_has_is_improbable():
    features, labels = problem()
    labels[:, 1] = 0
    proxy = linear.build()
    proxy.fit(training_set(features, labels), np.random.default_rng(0))
    assert proxy.predict_proba(features)[:, 1].max() < 0.5


def test_a_refit_is_of_the_same_kind():
    features, labels = problem()
    proxy = linear.build()
    fit = proxy.fit(training_set(features, labels), np.random.default_rng(0))
    more = proxy.refit(training_set(features, labels, 160), fit)
    assert not np.allclose(more.predict_proba(features[:9]).sum(1), 1)


def test_a_trained_probe_reaches_the_same_optimum():
    features, labels = problem()
    training = training_set(features, labels, count=300)
    recipe = {"steps": 300, "batch_size": 300, "learning_rate": 0.2, "weight_decay": 0.0}
    trainer = {"id": "mine", "implementation": "supervised", "training": recipe}
    proxy = trained_linear.build(1, trainer=trainer)
    proxy.fit(training, np.random.default_rng(0))
    rows = training.statistics.standardised(features)
    exact = solve(rows, labels, 4, 1e-3, 1e-6, 500)
    expected = sigmoid(rows @ exact.weights + exact.bias)
    found = proxy.predict_proba(features)
    np.testing.assert_allclose(found, expected, atol=0.02)
    restored = trained_linear.build(1, trainer=trainer)
    restored.restore(proxy.arrays(), training.statistics)
    np.testing.assert_array_equal(restored.predict_proba(features), found)
