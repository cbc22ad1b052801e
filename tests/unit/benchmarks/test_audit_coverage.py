"""The audit's intervals cover what they promise, in pools whose labels are known."""

import numpy as np
import pytest

from benchmarks.audit_coverage import (
    AuditedPool,
    drawn,
    several_labels,
    simulate,
    strata,
    synthetic,
)


def test_audits_are_drawn_in_proportion() -> None:
    pool = next(strata())
    rows = drawn(pool, 50, np.random.default_rng(0))
    assert np.bincount(pool.stratum[rows]).tolist() == [40, 10]
    late = list(strata())[-1]
    assert np.bincount(late.stratum[drawn(late, 10, np.random.default_rng(0))]).tolist() == [10, 1]


@pytest.mark.parametrize("size", [10, 50])
def test_intervals_cover_where_the_papers_do_not(size: int) -> None:
    pool = next(one for one in synthetic() if one.name == "0.97, calibrated")
    found = simulate(pool, size, 150)
    for name in ("plain", "powered", "inverse"):
        assert found[name][0] >= 0.93, name
    assert found["powered CLT"][0] < 0.9


def test_intervals_cover_scores_and_strata() -> None:
    assert simulate(next(several_labels()), 10, 150, is_share=False)["plain"][0] >= 0.93
    assert simulate(next(strata()), 10, 100)["plain"][0] >= 0.93


def test_coverage_counts_what_is_missed() -> None:
    """Wilson's interval is known to miss small shares of wrong rows in small audits."""
    right = np.arange(5000) >= 80
    pool = AuditedPool("0.984", right, np.full(5000, 0.9), np.zeros(5000, np.int64))
    found = simulate(pool, 10, 400)
    assert found["Wilson"][0] < 0.93
    assert found["plain"][0] > 0.98


def test_accuracy_on_a_class_is_that_of_its_rows() -> None:
    labels = np.repeat([0, 1], 500)
    right = np.where(labels == 0, np.arange(1000) % 5 > 0, True)
    pool = AuditedPool("classes", right, np.full(1000, 0.9), np.zeros(1000, np.int64), labels)
    found = simulate(pool, 100, 60)
    assert found["class"][0] >= 0.9
    assert found["class"][1] > found["plain"][1]
