"""The linear probe: against scikit-learn's solver, and its own promises."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from benchmarks import penalty as penalty_benchmark
from helpers.training_sets import training_set
from labelbench_core.compute import logistic, logistic_design
from labelbench_core.compute.logistic import solve
from labelbench_core.compute.threads import ordered_map
from labelbench_core.errors import InputError
from labelbench_core.proxies import Statistics, linear
from labelbench_core.proxies.shared import penalty as penalties
from labelbench_core.proxies.shared.penalty import choose_penalty


@pytest.fixture(scope="module")
def digits():
    data = load_digits()
    features = data.data.astype(np.float32)
    statistics = Statistics(features.mean(axis=0), features.std(axis=0))
    return features, data.target.astype(np.int64), statistics


def objective(features, labels, weights, bias, penalty):
    logits = features @ weights + bias
    logits -= logits.max(axis=1, keepdims=True)
    likelihood = logits[np.arange(len(labels)), labels] - np.log(np.exp(logits).sum(axis=1))
    return -likelihood.sum() + penalty / 2 * ((weights**2).sum() + (bias**2).sum())


@pytest.mark.parametrize("penalty", [0.1, 10.0, 1000.0])
@pytest.mark.parametrize("rows", [30, 300])
def test_reaches_the_minimum_that_scikit_learn_finds(digits, penalty, rows):
    features, labels, statistics = digits
    scaled = ((features - statistics.mean) * statistics.scale)[:rows].astype(np.float64)
    # A constant feature and no intercept: the bias is penalised as a weight, as it is here.
    padded = np.hstack([scaled, np.ones((rows, 1))])
    reference = LogisticRegression(C=1 / penalty, fit_intercept=False, tol=1e-8, max_iter=5000)
    reference.fit(padded, labels[:rows])
    best = objective(
        scaled, labels[:rows], reference.coef_[:, :-1].T, reference.coef_[:, -1], penalty
    )
    found = solve(scaled.astype(np.float32), labels[:rows], 10, penalty, 3e-5, 1000)
    assert found.converged
    value = objective(scaled, labels[:rows], found.weights, found.bias, penalty)
    assert best <= value * (1 + 1e-9)
    assert value <= best * (1 + 1e-4)


def test_rows_that_say_nothing_leave_the_prior_whatever_the_start():
    """The gradient is zero there, of which no other gradient is a fraction."""
    rows, labels = np.zeros((6, 4), np.float32), np.arange(6) % 2
    for seed in range(20):
        start = np.random.default_rng(seed).standard_normal((5, 2))
        for penalty in (1e-3, 1.86, 10):
            found = solve(rows, labels, 2, penalty, 1e-2, 500, start=start)
            assert found.converged
            assert not found.weights.any()
            assert not found.bias.any()


def test_says_when_it_did_not_converge(digits):
    features, labels, _ = digits
    found = solve(features, labels, 10, 1e-3, 1e-6, 3)
    assert found.iterations == 3
    assert not found.converged


def test_threads_and_layout_do_not_change_a_bit(digits, monkeypatch):
    monkeypatch.setattr(logistic_design, "WORTH_THREADS", 0)
    features, labels, _ = digits
    wide = np.tile(features, (4, 1))
    one = solve(wide, np.tile(labels, 4), 10, 1.0, 1e-3, 20, threads=1)
    two = solve(wide, np.tile(labels, 4), 10, 1.0, 1e-3, 20, threads=2)
    assert one.weights.tobytes() == two.weights.tobytes()


@pytest.fixture(scope="module")
def hundred_classes():
    """120 classes, three blocks of rows, a spectrum that decays, as that of embeddings does."""
    rng = np.random.default_rng(3)
    centers, labels = rng.standard_normal((120, 48)), np.arange(2400) % 120
    rows = centers[labels] + rng.standard_normal((2400, 48)) * 1.5
    return (rows / np.arange(1, 49)).astype(np.float32), labels


@pytest.mark.parametrize("warm", [False, pytest.param(True, marks=pytest.mark.thorough)])
def test_with_many_classes_fewer_steps_lead_to_the_same_minimum(hundred_classes, monkeypatch, warm):
    features, labels = hundred_classes
    start = np.full((49, 120), 0.01) if warm else None
    fast = solve(features, labels, 120, 0.1, 1e-4, 500, start=start)
    monkeypatch.setattr(logistic, "curvature_pays", lambda *sizes: False)
    plain = solve(features, labels, 120, 0.1, 1e-4, 500, start=start)
    assert fast.converged
    assert plain.converged
    assert fast.iterations < plain.iterations / 2
    exact = features.astype(np.float64)
    reached, least = (objective(exact, labels, one.weights, one.bias, 0.1) for one in (fast, plain))
    assert reached == pytest.approx(least, rel=1e-6)


def test_threads_change_no_bit_with_many_classes(hundred_classes, monkeypatch):
    monkeypatch.setattr(logistic_design, "WORTH_THREADS", 0)
    one, three = (solve(*hundred_classes, 120, 0.1, 1e-3, 20, threads=n) for n in (1, 3))
    assert one.weights.tobytes() == three.weights.tobytes()
    assert one.bias.tobytes() == three.bias.tobytes()


def test_a_class_without_labels_gets_a_small_finite_probability(digits):
    features, labels, statistics = digits
    known = labels != 7
    proxy = linear.build(penalty=10.0)
    proxy.fit(
        training_set(features[known][:200], labels[known][:200], statistics),
        np.random.default_rng(0),
    )
    probabilities = proxy.predict_proba(features)
    assert np.isfinite(probabilities).all()
    assert 0 < probabilities[:, 7].mean() < 0.1


def test_a_constant_feature_is_ignored(digits):
    features, labels, statistics = digits
    assert (statistics.std == 0).any()
    proxy = linear.build(penalty=1.0)
    proxy.fit(training_set(features[:300], labels[:300], statistics), np.random.default_rng(0))
    disturbed = features.copy()
    disturbed[:, statistics.std == 0] += 100
    assert np.array_equal(proxy.predict_proba(features), proxy.predict_proba(disturbed))


def test_head_on_embedded_rows_gives_the_same_probabilities(digits):
    features, labels, statistics = digits
    proxy = linear.build(penalty=1.0)
    proxy.fit(training_set(features[:300], labels[:300], statistics), np.random.default_rng(0))
    weights, bias = proxy.head()
    logits = proxy.embed(features) @ weights + bias
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(probabilities, proxy.predict_proba(features), atol=1e-5)


def test_restored_from_its_arrays_it_predicts_the_same(digits):
    features, labels, statistics = digits
    proxy = linear.build()
    proxy.fit(training_set(features[:300], labels[:300], statistics), np.random.default_rng(0))
    again = linear.build().restore(proxy.arrays(), statistics)
    assert np.array_equal(proxy.predict_proba(features), again.predict_proba(features))


def test_penalty_is_chosen_from_the_labels_and_kept_until_they_double(digits):
    features, labels, statistics = digits
    rng = np.random.default_rng(0)
    first = linear.build().fit(training_set(features[:100], labels[:100], statistics), rng)
    assert first["penalty_chosen_at"] == 100
    kept = linear.build().fit(training_set(features[:199], labels[:199], statistics), rng, first)
    for key in ("penalty", "penalty_chosen_at", "penalty_at_edge"):
        assert kept[key] == first[key]
    anew = linear.build().fit(training_set(features[:200], labels[:200], statistics), rng, first)
    assert anew["penalty_chosen_at"] == 200


def test_choosing_the_penalty_is_charged_where_it_is_chosen(digits):
    features, labels, statistics = digits
    rng = np.random.default_rng(0)
    training = training_set(features[:100], labels[:100], statistics)
    first = linear.build().fit(training, rng)
    kept = linear.build().fit(training, rng, first)
    assert kept["iterations"] == first["iterations"]
    # Two products of 100 rows, 64 features and 10 classes per step.
    assert kept["flops"] == 4 * 100 * 64 * 10 * (kept["iterations"] + 1)
    assert first["flops"] > 5 * kept["flops"]


def test_noise_asks_for_a_larger_penalty():
    rng = np.random.default_rng(0)
    features = rng.standard_normal((300, 50)).astype(np.float32)
    clean = (features[:, 0] > 0).astype(np.int64)
    noisy = np.where(rng.random(300) < 0.4, 1 - clean, clean)
    chosen = [
        choose_penalty(features, labels, 2, None, np.random.default_rng(1)).penalty
        for labels in (clean, noisy)
    ]
    assert chosen[0] < chosen[1] / 5


@pytest.mark.parametrize("rows", [1, 2, 3, 4])
def test_very_few_labels_are_enough_to_train(digits, rows):
    features, labels, statistics = digits
    proxy = linear.build()
    proxy.fit(training_set(features[:rows], labels[:rows], statistics), np.random.default_rng(0))
    assert np.isfinite(proxy.predict_proba(features)).all()


def test_a_prior_is_what_few_labels_leave_and_many_overrule(digits):
    features, labels, statistics = digits
    names = linear.build(penalty=0.01)
    names.fit(training_set(features[900:], labels[900:], statistics), np.random.default_rng(0))
    # A classifier for rows of unit length, as a text tower gives it, here one that was trained.
    scale = np.linalg.norm(names.weights, axis=0).max() * np.sqrt((features**2).sum(1).mean())
    head = {"weights": names.weights / np.linalg.norm(names.weights, axis=0).max(), "scale": scale}
    accuracies = {}
    for start in ("zeros", "zero-shot"):
        for penalty in (0.1, 1e6):
            proxy = linear.build(penalty=penalty, start=start)
            training = training_set(features[:20], labels[:20], statistics, zero_shot=head)
            assert proxy.fit(training, np.random.default_rng(0))["converged"]
            predicted = proxy.predict_proba(features[900:]).argmax(axis=1)
            accuracies[start, penalty] = (predicted == labels[900:]).mean()
    assert accuracies["zero-shot", 1e6] > 0.9  # nothing but the prior, its bias aside
    assert accuracies["zero-shot", 0.1] > accuracies["zeros", 0.1] + 0.05
    with pytest.raises(InputError, match="no zero-shot head was given"):
        linear.build(start="zero-shot").fit(
            training_set(features[:20], labels[:20], statistics), np.random.default_rng(0)
        )


def test_solution_with_a_prior_is_the_minimum_around_it(digits):
    features, labels, statistics = digits
    scaled = ((features - statistics.mean) * statistics.scale)[:60].astype(np.float32)
    prior = np.random.default_rng(1).normal(0, 0.3, (65, 10))
    found = solve(scaled, labels[:60], 10, 5.0, 1e-5, 1000, prior=prior)
    weights, bias = found.weights, found.bias

    def value(weights, bias):
        distance = ((weights - prior[:-1]) ** 2).sum() + ((bias - prior[-1]) ** 2).sum()
        return objective(scaled, labels[:60], weights, bias, 0.0) + 2.5 * distance

    best = value(weights, bias)
    rng = np.random.default_rng(2)
    for size in (1e-3, 1e-1):
        for _ in range(5):
            moved = weights + size * rng.normal(size=weights.shape)
            assert value(moved, bias) > best
    again = solve(scaled, labels[:60], 10, 5.0, 1e-5, 1000, start=np.ones((65, 10)), prior=prior)
    np.testing.assert_allclose(again.weights, weights, atol=1e-3)


def many_classes(rows, dims, classes, seed, apart=0.6):
    """Standardised clusters that overlap."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, rows)
    centers = apart * rng.standard_normal((classes, dims))
    points = centers[labels] + rng.standard_normal((rows, dims))
    return ((points - points.mean(axis=0)) / points.std(axis=0)).astype(np.float32), labels


def test_the_grid_follows_the_number_of_classes():
    assert penalties.grid(2) == penalties.grid(10) == (-8, 4, -2)  # 10**-4 to 10**2, from 0.1
    assert penalties.grid(1000) == (-12, 4, -6)  # its lower end and start divided by 100
    ends = [penalties.grid(classes)[0] for classes in (10, 30, 100, 400, 1000, 20_000)]
    assert ends == sorted(ends, reverse=True)


def test_with_many_classes_the_grid_goes_on_where_that_of_few_ends(monkeypatch):
    rows, labels = many_classes(500, 16, 40, 0, apart=1.5)
    found = choose_penalty(rows, labels, 40, None, np.random.default_rng(2))
    assert found.penalty < 0.5e-4
    monkeypatch.setattr(penalties, "FEW", 10**6)
    ended = choose_penalty(rows, labels, 40, None, np.random.default_rng(2))
    assert ended.penalty == pytest.approx(1e-4)
    assert ended.at_edge


def test_a_choice_at_the_edge_is_said(digits, monkeypatch):
    # Labels that features tell without doubt: the weaker the penalty, the likelier the labels.
    sure, labels = np.repeat(np.eye(2, dtype=np.float32), 40, axis=0), np.repeat([0, 1], 40)
    found = choose_penalty(sure, labels, 2, None, np.random.default_rng(0))
    assert found.at_edge
    assert found.penalty == pytest.approx(1e-4)
    features, truth, statistics = digits
    training = training_set(features[:100], truth[:100], statistics)
    rng = np.random.default_rng(0)
    assert linear.build().fit(training, rng)["penalty_at_edge"] is False
    assert "penalty_at_edge" not in linear.build(penalty=1.0).fit(training, rng)
    monkeypatch.setattr(penalties, "LOWEST", -3)  # 0.03, where weaker ones are better
    assert linear.build().fit(training, rng)["penalty_at_edge"] is True
    # Labels that features do not tell ask for a strong penalty.
    monkeypatch.setattr(penalties, "HIGHEST", -2)
    noise = rng.standard_normal((60, 40)).astype(np.float32)
    assert choose_penalty(noise, rng.integers(0, 5, 60), 5, None, rng).at_edge


def test_threads_are_for_fits_that_take_long_and_change_nothing(monkeypatch):
    """Two that do short operations wait for each other: the more, the busier the machine."""
    used = []

    def noted(function, items, threads):
        used.append(threads)
        return ordered_map(function, items, threads)

    monkeypatch.setattr(penalties, "ordered_map", noted)
    rows, labels = many_classes(500, 16, 20, 0)
    alone = choose_penalty(rows, labels, 20, None, np.random.default_rng(2), threads=2)
    assert set(used) == {1}
    used.clear()
    monkeypatch.setattr(penalties, "WORTH_THREADS", rows.size * 20)
    together = choose_penalty(rows, labels, 20, None, np.random.default_rng(2), threads=2)
    assert set(used) == {2}
    assert together == alone


@pytest.mark.parametrize("seed", [0, 1])
def test_a_search_that_begins_on_a_part_of_the_rows_ends_at_the_same_penalty(monkeypatch, seed):
    rows, labels = many_classes(700, 16, 20, seed)
    plain = choose_penalty(rows, labels, 20, None, np.random.default_rng(2))
    monkeypatch.setattr(penalties, "LARGE", 0)
    found = choose_penalty(rows, labels, 20, None, np.random.default_rng(2))
    assert found.penalty == pytest.approx(plain.penalty, rel=0.15)  # half decades: a factor of 3.2
    assert choose_penalty(rows, labels, 20, None, np.random.default_rng(2), threads=2) == found
    # Later rounds begin where the one before ended, on all rows.
    monkeypatch.setattr(penalties, "SHARE", None)
    later = choose_penalty(rows, labels, 20, found.penalty, np.random.default_rng(2))
    assert later.penalty == pytest.approx(found.penalty, rel=0.15)


def test_choosing_costs_a_few_solves_per_fold(monkeypatch):
    rows, labels = many_classes(1000, 16, 50, 0)
    monkeypatch.setattr(penalties, "LARGE", 0)
    monkeypatch.setattr(penalties, "HELD_OUT_ROWS", 200)  # one fold, as with 5,000 rows
    found = choose_penalty(rows, labels, 50, None, np.random.default_rng(0))
    solution = solve(rows, labels, 50, found.penalty * 1000, 1e-3, 500)
    assert found.flops < 3 * solution.flops


def test_the_benchmark_of_the_choice_prints_its_ratio(capsys):
    arguments = ["--rows", "400", "--dims", "8", "--classes", "4", "--decays", "0.5", "1"]
    assert penalty_benchmark.main(arguments) == 0
    lines = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines()]
    assert [line[:4] for line in lines[2:]] == [["400", "8", "4", "0.5"], ["400", "8", "4", "1.0"]]
    for line in lines[2:]:
        assert float(line[4]) > 0
        assert float(line[-1]) > 0
