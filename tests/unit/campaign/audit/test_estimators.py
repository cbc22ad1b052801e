"""Accuracy from the audit: estimates written out, undecided rows, classes, and what is refused."""

import math

import numpy as np
import pytest
from scipy.stats import binom
from sklearn.metrics import f1_score

from labelbench_core.campaign.audit.estimators import (
    Estimate,
    by_class,
    check_estimator,
    example_f1,
    mean_score,
    plain,
    with_undecided,
)
from labelbench_core.campaign.audit.intervals import clopper_pearson, exact_interval
from labelbench_core.campaign.audit.inverse_probability import inverse_probability
from labelbench_core.campaign.audit.prediction_powered import power_tuning, prediction_powered
from labelbench_core.errors import InputError


def right_of(right: int, total: int) -> np.ndarray:
    return np.arange(total) < right


def zeros(count: int) -> np.ndarray:
    return np.zeros(count, np.int64)


def test_one_stratum_is_the_share_with_its_exact_interval() -> None:
    found = plain(right_of(9, 10), zeros(10), [60])
    assert found == Estimate(0.9, *exact_interval(9, 10, 60), 10, "plain")


def test_strata_count_by_their_sizes() -> None:
    right = np.array([1, 1, 0, 1, 0], bool)
    found = plain(right, np.array([0, 0, 0, 1, 1]), [300, 100])
    assert found.estimate == pytest.approx((300 * 2 / 3 + 100 / 2) / 400)
    assert 0 <= found.low < found.estimate < found.high <= 1
    # One without rows is passed over, one without answers may have any accuracy.
    assert plain(right[:3], zeros(3), [300, 0]) == plain(right[:3], zeros(3), [300])
    unseen = plain(right[:3], zeros(3), [300, 100])
    assert unseen.estimate == pytest.approx(2 / 3)
    assert unseen.low < found.low
    with pytest.raises(ValueError, match="audit rows"):
        plain(right, zeros(5), [4])


def test_nothing_known_is_no_estimate() -> None:
    for found in (plain(zeros(0), zeros(0), [9]), mean_score(np.zeros(0), zeros(0), [9])):
        assert math.isnan(found.estimate)
        assert (found.low, found.high, found.n) == (0.0, 1.0, 0)


def test_undecided_rows_are_counted_and_taken_both_ways() -> None:
    right, decided = np.array([1, 1, 0, 1, 0], bool), np.array([1, 1, 1, 0, 0], bool)
    found = with_undecided(right, decided, zeros(5), [50])
    assert found.undecided == 2
    assert found.decided.estimate == pytest.approx(2 / 3)
    assert found.all_wrong.estimate == pytest.approx(2 / 5)
    assert found.all_right.estimate == pytest.approx(4 / 5)
    assert found.all_right.n == 5


def test_classes_with_few_rows_have_no_estimate() -> None:
    labels = np.repeat([0, 1, 2], [20, 10, 9])
    right = np.ones(39, bool)
    right[:5] = False
    found = by_class(right, labels, zeros(39), [500], 4)
    assert found[0] == Estimate(0.75, *clopper_pearson(15, 20), 20, "plain")
    assert found[1] == Estimate(1.0, *clopper_pearson(10, 10), 10, "plain")
    assert found[2] is None
    assert found[3] is None


def test_rows_of_classes_weigh_by_stratum() -> None:
    right, stratum = np.repeat([True, False], [10, 10]), np.repeat([0, 1], [10, 10])
    found = by_class(right, zeros(20), stratum, [300, 100], 1)[0]
    assert found.estimate == pytest.approx(0.75)
    effective = (10 * 30 + 10 * 10) ** 2 / (10 * 30**2 + 10 * 10**2)
    assert (found.low, found.high) == pytest.approx(clopper_pearson(0.75 * effective, effective))


def test_f1_of_each_row_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    predicted, labels = rng.random((50, 4)) < 0.4, rng.random((50, 4)) < 0.4
    told = [
        f1_score(one, other, zero_division=1.0)
        for one, other in zip(labels, predicted, strict=True)
    ]
    assert example_f1(predicted, labels) == pytest.approx(told)


def test_mean_scores_are_weighted_and_exact_once_all_is_known() -> None:
    scores, stratum = np.array([0.5, 1.0, 0.2]), np.array([0, 0, 1])
    found = mean_score(scores, stratum, [30, 10])
    assert found.estimate == pytest.approx(0.75 * 0.75 + 0.2 * 0.25)
    assert found.low < found.estimate < found.high
    known = mean_score(scores, stratum, [2, 1])
    assert known.low == known.estimate == known.high == pytest.approx(1.7 / 3)


def audit_of(rng: np.random.Generator, size: int, count: int) -> tuple[np.ndarray, ...]:
    confidence = rng.beta(5, 1, size)
    right = rng.random(size) < confidence
    return right, confidence, rng.choice(size, count, replace=False)


def test_powered_estimates_are_the_papers() -> None:
    right, confidence, rows = audit_of(np.random.default_rng(1), 1000, 200)
    y, f = right[rows].astype(float), confidence[rows]
    tuning = np.cov(y, f)[0, 1] / np.var(f, ddof=1)
    assert power_tuning(y, f) == pytest.approx(min(tuning, 1.0))
    found = prediction_powered(right[rows], f, zeros(200), [confidence])
    tuning = min(tuning, 1.0)
    told = tuning * confidence.mean() + (y - tuning * f).mean()
    assert found.estimate == pytest.approx(told)
    own = plain(right[rows], zeros(200), [1000])
    assert found.low < found.estimate < found.high
    assert own.low < found.estimate < own.high


def test_useless_confidence_leaves_the_plain_estimate() -> None:
    right = right_of(45, 50)
    found = prediction_powered(right, np.full(50, 0.7), zeros(50), [np.full(900, 0.7)])
    assert found.estimate == pytest.approx(0.9)
    assert (found.low, found.high) == pytest.approx(clopper_pearson(45, 50), abs=0.006)
    assert power_tuning(np.array([0.0, 1.0]), np.array([1.0, 0.0])) == 0
    with pytest.raises(ValueError, match="confidence"):
        prediction_powered(right, np.full(50, 0.7), zeros(50), [np.full(900, 1.7)])


def test_powered_estimates_of_a_known_pool_are_it() -> None:
    right, confidence, _ = audit_of(np.random.default_rng(2), 40, 40)
    found = prediction_powered(right, confidence, zeros(40), [confidence])
    assert found.low == found.estimate == found.high == pytest.approx(right.mean())


def test_powered_strata_count_by_their_sizes() -> None:
    right, confidence, _ = audit_of(np.random.default_rng(3), 400, 1)
    rows, stratum = np.r_[0:60, 300:320], np.repeat([0, 1], [60, 20])
    strata = [confidence[:300], confidence[300:]]
    found = prediction_powered(right[rows], confidence[rows], stratum, strata)
    tuning = power_tuning(right[rows].astype(float), confidence[rows])
    rest = right[rows] - tuning * confidence[rows]
    told = 0.75 * rest[:60].mean() + 0.25 * rest[60:].mean() + tuning * confidence.mean()
    assert found.estimate == pytest.approx(told)


def test_equal_probabilities_have_the_powered_estimate_and_no_narrower_interval() -> None:
    right, confidence, rows = audit_of(np.random.default_rng(4), 500, 80)
    found = inverse_probability(right[rows], rows, confidence, np.full(500, 80 / 500))
    told = prediction_powered(right[rows], confidence[rows], zeros(80), [confidence])
    assert found.estimate == pytest.approx(told.estimate)
    share = clopper_pearson(80 * found.estimate, 80)
    assert found.high - found.low >= share[1] - share[0] - 1e-12
    assert found.name == "inverse-probability"


def test_rows_of_unequal_weight_count_less() -> None:
    probability = np.array([0.5, 0.05] * 50)
    confidence = np.full(100, 0.9)
    found = inverse_probability(np.ones(20, bool), np.arange(20), confidence, probability)
    weights = 1 / probability[:20]
    effective = weights.sum() ** 2 / (weights @ weights)
    assert found.estimate == 1
    assert (found.low, found.high) == pytest.approx(clopper_pearson(effective, effective))


def test_inverse_probabilities_undo_what_was_preferred() -> None:
    rng = np.random.default_rng(5)
    right, confidence, _ = audit_of(rng, 3000, 1)
    unsure = np.sqrt(confidence * (1 - confidence)) + 0.05
    probability = 100 * (0.5 * unsure / unsure.mean() + 0.5) / 3000
    errors, missed, naive = [], 0, []
    for _ in range(60):
        rows = np.flatnonzero(rng.random(3000) < probability)
        found = inverse_probability(right[rows], rows, confidence, probability)
        errors.append(found.estimate - right.mean())
        missed += not found.low <= right.mean() <= found.high
        naive.append(right[rows].mean() - right.mean())
    assert abs(np.mean(errors)) < 4 * np.std(errors) / np.sqrt(60)
    assert abs(np.mean(naive)) > 4 * np.std(naive) / np.sqrt(60)
    assert missed <= binom.ppf(0.9999, 60, 0.05)


def test_impossible_probabilities_are_refused() -> None:
    one = np.array([True])
    for probability in (0.0, 1.5, np.nan):
        with pytest.raises(ValueError, match="probabilities"):
            inverse_probability(one, zeros(1), np.full(2, 0.5), np.array([0.5, probability]))
    with pytest.raises(ValueError, match="confidence"):
        inverse_probability(one, zeros(1), np.full(2, 1.5), np.full(2, 0.5))


def test_estimators_are_refused_by_name() -> None:
    check_estimator("plain", "margin", records_probabilities=False, trained_without_row=False)
    check_estimator(
        "inverse-probability", "mine", records_probabilities=True, trained_without_row=True
    )
    with pytest.raises(InputError, match="'narrowest'; allowed: plain, prediction-powered, inv"):
        check_estimator("narrowest", "a", records_probabilities=True, trained_without_row=True)
    with pytest.raises(InputError, match=r"'margin' does not record; allowed with it: plain"):
        check_estimator(
            "inverse-probability", "margin", records_probabilities=False, trained_without_row=True
        )
    with pytest.raises(InputError, match="trained without that row"):
        check_estimator(
            "inverse-probability", "mine", records_probabilities=True, trained_without_row=False
        )
