"""Strategies made for multi-label pools: their scores, against the papers' sums written out."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from benchmarks.plain import cvirs as plain_cvirs
from helpers.choosing import choose
from labelbench_core.errors import InputError
from labelbench_core.strategies import adaptive_lci, cvirs, mmc
from labelbench_core.strategies.kernels.category_vectors import distances, inconsistencies
from labelbench_core.strategies.kernels.relevance import cardinality_gaps, separation_margins
from labelbench_core.strategies.kernels.scores import highest_at_random
from labelbench_core.strategies.testing import make_pool

NAMES = ("adaptive-lci", "cvirs", "lci", "mmc")


def pool_of(probabilities, labels, classes):
    """A pool whose first rows are labelled."""
    pool = make_pool(len(probabilities), classes=classes, labeled=0, multilabel=True)
    labels = np.array(labels, np.int64)
    return replace(
        pool,
        probabilities=np.array(probabilities, np.float32),
        labeled=np.arange(len(labels)),
        labels=labels,
    )


@pytest.mark.parametrize("name", NAMES)
def test_pools_of_one_class_a_row_are_refused(name):
    told = f"multilabel: false; strategy '{name}' is defined for multi-label pools only"
    with pytest.raises(InputError, match=told):
        choose(name, make_pool(40), 3)


def test_mmc_assigns_as_many_labels_as_are_predicted():
    # All labelled rows have two labels: so has every other.
    known = [[0.9, 0.8, 0.1]] * 3
    others = [[0.9, 0.9, 0.9], [0.9, 0.6, 0.4], [0.1, 0.1, 0.1], [1.0, 1.0, 0.0]]
    pool = pool_of([*known, *others], [[1, 1, 0]] * 3, 3)
    # Σ (1 − ŷ f) / 2: .1 + .1 + .9, .1 + .4 + .4, .9 + .9 + .1, 0
    assert choose("mmc", pool, 4).tolist() == [5, 3, 4, 6]
    found = mmc.loss_reductions(np.sort(others)[:, ::-1], np.full(4, 2))
    np.testing.assert_allclose(found, [1.1, 0.9, 1.9, 0])


def test_numbers_of_labels_are_those_of_a_logistic_regression():
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 4, 200)
    profiles = np.sort(rng.dirichlet(np.ones(5), 200))[:, ::-1] + 0.2 * sizes[:, None]
    others = profiles[:100] + 0.1 * rng.standard_normal((100, 5))
    # The bias is penalised too: the weight of a constant feature.
    with_one = [np.column_stack([part, np.ones(len(part))]) for part in (profiles, others)]
    theirs = LogisticRegression(C=1 / mmc.PENALTY, fit_intercept=False, tol=1e-8, max_iter=2000)
    expected = theirs.fit(with_one[0], sizes).predict(with_one[1])
    found = mmc.predicted_sizes(profiles, sizes, others)
    assert len(np.unique(expected)) == 3
    assert (found == expected).mean() > 0.98  # all but ties within either's tolerance


def test_cardinality_gaps_are_distances_from_the_mean():
    p = np.array([[0.5, 0.5, 0.9], [0.4, 0.1, 0.2], [0.6, 0.1, 0.2]])
    labels = np.array([[1, 1, 0], [1, 0, 0]])
    np.testing.assert_allclose(cardinality_gaps(p, labels), [1.5, 1.5, 0.5])


def test_lci_orders_equal_rows_at_random():
    pool = pool_of([[0.9, 0.1]] * 2 + [[0.9, 0.9], [0.9, 0.1]] * 20, [[1, 0], [0, 1]], 2)
    picks = {tuple(choose("lci", pool, 5, seed)) for seed in range(5)}
    assert len(picks) > 1
    assert all(row % 2 == 0 for pick in picks for row in pick)  # two labels, one is expected


def test_highest_at_random_takes_any_of_equal_ones():
    scores = np.array([1.0, 3, 1, 1])
    firsts = {tuple(highest_at_random(scores, 2, np.random.default_rng(i))) for i in range(30)}
    assert firsts == {(1, 0), (1, 2), (1, 3)}


@pytest.mark.parametrize(
    ("p", "margin"),
    [
        ([0.9, 0.6, 0.2], 0.8),  # between .6 and .2
        ([0.4, 0.3, 0.1], 0.2),  # none predicted: the likeliest changes sides
        ([0.9, 0.8, 0.5], 0.6),  # all: the least likely does
        ([0.7], 0.4),
        ([0.5, 0.5], 0.0),
    ],
)
def test_margins_separate_predicted_labels_from_others(p, margin):
    np.testing.assert_allclose(separation_margins(np.array([p])), [margin], atol=1e-12)


@pytest.mark.parametrize("classes", [1, 2, 5])
def test_distances_of_label_vectors_are_those_of_their_entropies(classes):
    vectors = np.array(list(itertools.product([False, True], repeat=classes)))
    expected = [[plain_cvirs.distance(a, b) for b in vectors] for a in vectors]
    np.testing.assert_allclose(distances(vectors, vectors), expected, atol=1e-12)


def test_inconsistency_is_the_mean_over_labelled_rows():
    rng = np.random.default_rng(1)
    predicted, known = rng.random((300, 20)) < 0.2, rng.random((50, 20)) < 0.2
    known[40:] = known[0]  # the same vector often
    expected = [plain_cvirs.inconsistency(row, known) for row in predicted]
    np.testing.assert_allclose(inconsistencies(predicted, known), expected, atol=1e-12)


def test_borda_counts_share_the_places_of_equal_margins():
    margins = np.array([[0.1, 0.5], [0.2, 0.5], [0.2, 0.5], [0.9, 0.5]])
    # places 1, 2.5, 2.5, 4, and 2.5 for all
    np.testing.assert_allclose(cvirs.borda_scores(margins), [4.5 / 6, 3 / 6, 3 / 6, 1.5 / 6])
    assert cvirs.borda_scores(margins[:1]).tolist() == [0.0]


def test_adaptive_lci_weighs_by_powers():
    found = adaptive_lci.weighed(np.array([0.5, 0.25, 0.5]), np.array([1.0, 4, 0]), [0, 0.5, 1])
    np.testing.assert_allclose(found, [[1, 4, 0], [2**0.5, 4, 0], [2, 4, 2]])


def test_approximate_errors_are_the_worst_of_both_sides():
    f = np.array([[0.5, 0.9, -0.2], [-0.5, -0.9, -0.6], [0.5, 0.2, 1.0]])
    np.testing.assert_allclose(adaptive_lci.approximate_errors(f), [0.5 + 0.8, 0.5, 0.8])


def test_adaptive_lci_with_one_beta_trains_nothing(monkeypatch):
    monkeypatch.setattr(adaptive_lci, "TrialClassifiers", None)
    pool = make_pool(200, labeled=20, multilabel=True)
    rows = pool.unlabeled()
    gaps = cardinality_gaps(pool.probabilities[rows].astype(float), pool.labels)
    chosen = choose("adaptive-lci", pool, 15, betas=[0])
    assert chosen.tolist() == choose("lci", pool, 15).tolist()
    assert gaps[np.isin(rows, chosen)].min() >= np.sort(gaps)[-15]


def test_adaptive_lci_buys_the_batch_of_the_lowest_error(monkeypatch):
    pool = make_pool(400, classes=8, labeled=20, multilabel=True)
    errors = np.array([3.0, 1.0, 1.0 + 1e-9, 2.0])
    monkeypatch.setattr(adaptive_lci.TrialClassifiers, "errors", lambda *_: errors)
    monkeypatch.setattr(adaptive_lci, "different_batches", lambda batches: batches)
    betas = [0.0, 0.3, 0.7, 1.0]
    for beta, error in zip(betas, errors, strict=True):
        alone = choose("adaptive-lci", pool, 15, betas=[beta])
        same = np.array_equal(alone, choose("adaptive-lci", pool, 15, betas=betas))
        assert same == (error == 1.0), beta
