"""The bootstrap ensemble of linear probes: its members, its mean, its speed-ups."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from helpers.training_sets import training_set
from labelbench_core.compute.logistic import solve
from labelbench_core.proxies import Statistics, linear, linear_ensemble
from labelbench_core.strategies.bald import disagreements


@pytest.fixture(scope="module")
def digits():
    data = load_digits()
    features = data.data.astype(np.float32)
    statistics = Statistics(features.mean(axis=0), features.std(axis=0))
    return features, data.target.astype(np.int64), statistics


def fitted(digits, rows, **options):
    """An ensemble on the first `rows` digits, and what its fit returned."""
    features, labels, statistics = digits
    proxy = linear_ensemble.build(**{"members": 4, "penalty": 0.1, **options})
    rng = np.random.default_rng(0)
    return proxy, proxy.fit(training_set(features[:rows], labels[:rows], statistics), rng)


def test_members_are_probes_on_bootstrap_samples(digits):
    features, labels, _ = digits
    proxy, record = fitted(digits, 200, tolerance=1e-5)
    assert record["converged"]
    rng = np.random.default_rng(0)  # a fixed penalty needs no draws before the samples
    rows = proxy.embed(features)
    for member in range(4):
        sample = rng.integers(0, 200, 200)
        alone = solve(rows[sample], labels[sample], 10, 0.1 * 200, 1e-5, 2000)
        logits = rows @ alone.weights + alone.bias
        expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        found = proxy.predict_members(features, slice(member, member + 1))[:, 0]
        np.testing.assert_allclose(found, expected, atol=1e-3)


def test_it_predicts_the_mean_of_its_members(digits):
    features, labels, _ = digits
    proxy, _ = fitted(digits, 200)
    members = proxy.predict_members(features)
    assert members.shape == (len(features), 4, 10)
    np.testing.assert_allclose(proxy.predict_proba(features), members.mean(axis=1), atol=1e-6)
    assert len({members[:, m].tobytes() for m in range(4)}) == 4
    assert (proxy.predict_proba(features).argmax(axis=1) == labels).mean() > 0.75


def test_its_head_is_the_linear_proxys(digits):
    features, labels, statistics = digits
    proxy, record = fitted(digits, 150, penalty=None)
    alone = linear.build()
    expected = alone.fit(
        training_set(features[:150], labels[:150], statistics), np.random.default_rng(0)
    )
    assert all(np.array_equal(*pair) for pair in zip(proxy.head(), alone.head(), strict=True))
    assert record.pop("flops") > expected.pop("flops")
    assert {key: record[key] for key in expected} == expected


def test_members_start_from_the_solution_on_all_labels(digits):
    _, record = fitted(digits, 800, penalty=0.001)
    assert max(record["member_iterations"]) < record["iterations"]


@pytest.mark.parametrize("rows", [1, 2, 12])
def test_samples_that_lack_classes_train(digits, rows):
    features = digits[0]
    proxy, _ = fitted(digits, rows, penalty=None)
    members = proxy.predict_members(features)
    assert np.isfinite(members).all()
    assert (members > 0).all()
    if rows == 12:  # some sample lacks a class that another has, and they disagree about it
        assert disagreements(list(np.moveaxis(members, 1, 0)), multilabel=False).max() > 0.01


def test_threads_do_not_change_a_byte(digits):
    one, first = fitted(digits, 300, penalty=None, threads=1)
    two, second = fitted(digits, 300, penalty=None, threads=2)
    assert first == second
    assert all(np.array_equal(one.arrays()[name], two.arrays()[name]) for name in one.arrays())


def test_restored_from_its_arrays_it_predicts_the_same(digits):
    features, _, statistics = digits
    proxy, _ = fitted(digits, 100)
    again = linear_ensemble.build().restore(proxy.arrays(), statistics)
    assert np.array_equal(proxy.predict_proba(features), again.predict_proba(features))
    assert np.array_equal(proxy.predict_members(features), again.predict_members(features))


def test_the_rough_probe_for_looking_ahead_is_near_the_minimum(digits):
    features, labels, statistics = digits
    for build in (linear.build, linear_ensemble.build):
        proxy = build(penalty=0.01)
        rng = np.random.default_rng(0)
        record = proxy.fit(training_set(features[:200], labels[:200], statistics), rng)
        rough = proxy.refit(training_set(features[:260], labels[:260], statistics), record)
        exact = linear.build(penalty=0.01, tolerance=1e-6, max_iterations=5000)
        exact.fit(training_set(features[:260], labels[:260], statistics), rng)
        best = exact.predict_proba(features)
        gap = np.abs(rough.predict_proba(features) - best).mean()
        assert gap < 0.01
        assert gap < np.abs(linear.LinearProxy.predict_proba(proxy, features) - best).mean() / 2
