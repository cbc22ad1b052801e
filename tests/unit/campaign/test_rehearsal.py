"""A campaign that runs by itself on labels that are known: what it says, and what is true."""

import csv
import json
import math

import numpy as np
import pytest

from helpers.campaigns import campaign_in, labels_of, pool_of, run
from labelbench_core.campaign.batches import read_batches
from labelbench_core.campaign.rehearsal import rehearse
from labelbench_core.campaign.standing.history import past_models


@pytest.fixture
def campaign(tmp_path):
    return campaign_in(tmp_path, audit=60, audit_share=0.5)


def test_it_proposes_what_people_with_the_same_answers_would_have_been_asked(campaign, tmp_path):
    pool, truth = pool_of(300)
    rehearsed = rehearse(campaign, pool, truth, truth, 4)
    by_hand = campaign_in(tmp_path / "people", audit=60, audit_share=0.5)
    run(by_hand, pool, labels_of(pool, truth), 5)
    proposed = [
        [[one["item"] for one in batch.record["items"]] for batch in read_batches(folder, "birds")]
        for folder in (campaign.folder, by_hand.folder)
    ]
    assert proposed[0] == proposed[1]
    assert len(proposed[0]) == 5
    assert [one.batch for one in rehearsed.batches] == [2, 3, 4, 5]
    assert [one.num_labeled for one in rehearsed.batches] == [10, 20, 30, 40]
    assert [one.audited for one in rehearsed.batches] == [10, 20, 30, 40]


def test_what_is_said_is_compared_with_the_whole_pool(campaign):
    pool, truth = pool_of(300)
    given = truth.copy()
    given[::7] = (given[::7] + 1) % 3
    rehearsed = rehearse(campaign, pool, truth, given, 5)
    models = past_models(rehearsed.state)
    for one, model in zip(rehearsed.batches, models, strict=True):
        assert one.answered == pytest.approx((model.predicted == given).mean())
        assert one.accuracy == pytest.approx((model.predicted == truth).mean())
        assert one.holds == (one.low <= one.answered <= one.high)
    assert math.isnan(rehearsed.batches[1].next_low)
    for one, after in zip(rehearsed.batches[2:], rehearsed.batches[3:], strict=False):
        assert one.next_holds == (one.next_low <= after.answered <= one.next_high)
    assert rehearsed.batches[-1].next_holds is None


def test_rules_for_stopping_are_told_with_what_they_lose_and_save(campaign):
    pool, truth = pool_of(300)
    rehearsed = rehearse(campaign, pool, truth, truth, 8)
    by_labels = {one.num_labeled: one.accuracy for one in rehearsed.batches}
    last = rehearsed.batches[-1]
    stopped = [one for one in rehearsed.rules if one.num_labeled is not None]
    assert stopped  # classes that lie so far apart are soon known
    for one in stopped:
        assert one.accuracy == by_labels[one.num_labeled]
        assert one.lost == pytest.approx(last.accuracy - one.accuracy)
        assert one.saved == last.num_labeled - one.num_labeled > 0
    for one in rehearsed.rules:
        if one.num_labeled is None:
            assert one.saved == 0
            assert math.isnan(one.lost)


def test_it_ends_when_the_pool_is_used_up(tmp_path):
    pool, truth = pool_of(60)
    small = campaign_in(tmp_path, batch_size=25, audit=20)
    rehearsed = rehearse(small, pool, truth, truth, 100)
    handed = [len(batch.record["items"]) for batch in rehearsed.state.batches]
    assert sum(handed) == 60
    assert [one.batch for one in rehearsed.batches] == [2, 3]


def test_answers_have_seconds_and_several_labels(tmp_path):
    pool, truth = pool_of(200)
    several = campaign_in(tmp_path, multilabel=True, audit=40, audit_share=0.5)
    labels = np.eye(3, dtype=np.uint8)[truth] | np.eye(3, dtype=np.uint8)[(truth + 1) % 3]
    rehearsed = rehearse(several, pool, labels, labels, 3, seconds=1.5)
    assert rehearsed.rules == []
    assert [one.num_labeled for one in rehearsed.batches] == [10, 20, 30]
    model = past_models(rehearsed.state)[-1]
    assert rehearsed.batches[-1].accuracy == pytest.approx(
        (model.predicted == labels).all(axis=1).mean()
    )
    table = several.folder / "labels" / "batch-001.csv"
    rows = list(csv.DictReader(table.open()))
    assert {row["seconds"] for row in rows} == {"1.5"}
    assert all(len(json.loads(row["labels"])) == 2 for row in rows)
