"""Labels that may be wrong, rows like no other, and rows that are nearly equal."""

import math

import numpy as np
import pytest

from helpers.campaigns import campaign_in, pool_from, pool_of
from labelbench_core.campaign.models import RowLabels
from labelbench_core.campaign.standing import doubts
from labelbench_core.campaign.standing.doubts import doubtful_labels, likeness


@pytest.fixture
def campaign(tmp_path):
    return campaign_in(tmp_path)


def test_wrong_labels_are_found_with_what_is_likelier(campaign):
    pool, truth = pool_of(300, width=12)
    rows = np.arange(120)
    labels = truth[:120].copy()
    wrong = [4, 50, 77]
    labels[wrong] = (labels[wrong] + 1) % 3
    doubtful = doubtful_labels(campaign, pool, RowLabels(rows, labels), 3)
    assert 0.8 < doubtful.agreed < 1 - len(wrong) / 120 + 1e-9
    found = doubtful.labels
    first = {one.row for one in found[:6]}
    assert first >= set(wrong)
    for one in found:
        assert one.label == labels[one.row]
        assert one.likelier != one.label
        assert 0 <= one.probability < 0.5
    assert {one.row: one.likelier for one in found if one.row in wrong} == {
        row: truth[row] for row in wrong
    }
    assert [one.probability for one in found] == sorted(one.probability for one in found)


def test_too_few_labels_of_a_class_and_several_a_row_say_nothing(campaign):
    pool, truth = pool_of(300)
    few = np.flatnonzero(truth == 0)[:30]
    assert doubtful_labels(campaign, pool, RowLabels(few, truth[few]), 3).labels == []
    several = RowLabels(few, np.ones((30, 3), np.uint8))
    assert math.isnan(doubtful_labels(campaign, pool, several, 3).agreed)


def test_outliers_and_nearly_equal_rows_are_those_of_all_cosines(campaign):
    rng = np.random.default_rng(0)
    rows = (6 * np.eye(16)[rng.integers(3, size=400)] + rng.normal(size=(400, 16))).astype("f2")
    rows[7] = rows[123]
    rows[9] = 20 * np.eye(16)[15]  # where no other row is
    pool = pool_from(rows)
    asked = np.array([3, 7, 9, 60])
    found = likeness(campaign, pool, asked)
    unit = pool.statistics.standardised(rows)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -1)
    assert [pair[:2] for pair in found.nearly_equal] == [(7, 123)]
    assert found.nearly_equal[0][2] == pytest.approx(1.0, abs=1e-5)
    mean = np.sort(cosines, axis=1)[:, -doubts.NEIGHBOURS :].mean(axis=1)
    limit = np.quantile(mean, doubts.OUTLYING)  # all rows are the reference of a small pool
    expected = [row for row in asked[np.argsort(mean[asked])] if mean[row] < limit]
    assert list(found.outliers) == expected == [9]


def test_of_a_large_pool_some_rows_are_compared(campaign, monkeypatch):
    monkeypatch.setattr(doubts, "MOST_COMPARED", 50)
    pool, _ = pool_of(300)
    seen = []
    unit = doubts._unit

    def spying(pool):
        def counted(block):
            seen.append(len(block))
            return unit(pool)(block)

        return counted

    monkeypatch.setattr(doubts, "_unit", spying)
    found = likeness(campaign, pool, np.arange(40))
    assert seen == [40 + 300, 50]  # those asked about and the reference, and those compared with
    assert found == likeness(campaign, pool, np.arange(40))
    monkeypatch.setattr(doubts, "AT_ONCE", 7)  # in pieces, the same
    assert found == likeness(campaign, pool, np.arange(40))


def test_two_rows_that_are_nearly_equal_are_one_pair(campaign):
    rows = np.random.default_rng(0).normal(size=(100, 16)).astype(np.float16)
    rows[7] = rows[60]
    found = likeness(campaign, pool_from(rows), np.array([7, 60]))
    assert [pair[:2] for pair in found.nearly_equal] == [(7, 60)]
