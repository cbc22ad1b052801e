"""What past models predicted, for the rows of today's pool, and what the audit answered."""

from dataclasses import replace

import numpy as np
import pytest

from helpers.campaigns import answer, call, campaign_in, labels_of, pool_from, pool_of, run
from labelbench_core.campaign.standing.history import (
    audit_answers,
    is_right,
    past_models,
    strata_of_rows,
)


@pytest.fixture
def campaign(tmp_path):
    return campaign_in(tmp_path, audit_share=0.5)


def test_predictions_follow_their_rows_when_the_pool_shrinks_and_grows(campaign):
    pool, truth = pool_of(320)
    rows = pool.embeddings.take(np.arange(320))
    first = pool_from(rows[:300])
    done = run(campaign, first, labels_of(pool, truth), 2)
    [before] = past_models(done.state)
    assert before.known.all()
    kept = np.r_[5:300, 300:320]
    changed = pool_from(rows[kept], [pool.items[row] for row in kept])
    later = call(campaign, changed)
    [after] = past_models(later.state)
    assert after.known.tolist() == [True] * 295 + [False] * 20
    np.testing.assert_array_equal(after.predicted[:295], before.predicted[5:])
    np.testing.assert_array_equal(after.confidence[:295], before.confidence[5:])
    np.testing.assert_array_equal(after.entropy[:295], before.entropy[5:])
    assert (after.predicted[295:] == -1).all()
    stratum = strata_of_rows(later.state)
    assert stratum.tolist() == [0] * 295 + [1] * 20


def test_models_from_before_a_change_of_the_classes_are_left_out(campaign):
    pool, truth = pool_of(300)
    run(campaign, pool, labels_of(pool, truth), 3)
    more = replace(campaign, classes=(*campaign.classes, "crow"))
    done = call(more, pool)
    assert past_models(done.state) == []
    assert len(past_models(call(campaign, pool).state)) == 2


def test_answers_of_the_audit_are_decided_or_not(campaign):
    pool, truth = pool_of(300)
    labels = labels_of(pool, truth)
    first = call(campaign, pool)
    of_audit = [
        one["item"] for one in first.batch.record["items"] if one["item"] in first.state.audit
    ]
    labels[of_audit[0]], labels[of_audit[1]] = "(unsure)", "(no-class)"
    answer(campaign, first.batch, labels)
    state = call(campaign, pool).state
    found = audit_answers(state)
    assert sorted(pool.items[row] for row in found.rows) == sorted(of_audit)
    undecided = [pool.items[row] for row in found.rows[~found.decided]]
    assert sorted(undecided) == sorted(of_audit[:2])
    decided = found.of(found.decided)
    np.testing.assert_array_equal(decided.labels, truth[decided.rows])
    [model] = past_models(state)
    np.testing.assert_array_equal(
        is_right(model, decided), model.predicted[decided.rows] == truth[decided.rows]
    )
