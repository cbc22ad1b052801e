"""The saving on the user's own rows, beside a control that is trained on the audit's labels."""

import numpy as np
import pytest

from helpers.campaigns import campaign_in, labels_of, pool_of, run
from labelbench_core.campaign.audit.saving import (
    FOLDS,
    REPEATS,
    compare,
    control_scores,
    most_labels,
)
from labelbench_core.campaign.standing import control
from labelbench_core.campaign.standing.control import saving_so_far
from labelbench_core.campaign.standing.history import audit_answers, past_models


@pytest.fixture
def campaign(tmp_path):
    return campaign_in(tmp_path, batch_size=20, audit=60, audit_share=0.5)


def saving(campaign, pool, state):
    return saving_so_far(campaign, pool, past_models(state), audit_answers(state), 3)


def test_before_models_and_answers_nothing_is_compared(campaign):
    pool, truth = pool_of(300)
    done = run(campaign, pool, labels_of(pool, truth), 1)
    assert saving(campaign, pool, done.state) is None


def test_the_control_is_compared_where_both_have_labels(campaign):
    pool, truth = pool_of(400)
    done = run(campaign, pool, labels_of(pool, truth), 6)
    found = saving(campaign, pool, done.state)
    bought = [one.num_labeled for one in past_models(done.state)]
    assert bought == [10, 20, 30, 40, 50]
    answered = int(audit_answers(done.state).decided.sum())
    assert answered == 50
    assert found.labels == 20  # the most that both have within half of the audit
    assert 0.5 < found.level <= 1
    assert found.low <= found.saving <= found.high
    assert saving(campaign, pool, done.state) == found


def test_the_control_learns_from_the_labels_that_it_is_given(campaign, monkeypatch):
    pool, truth = pool_of(400)
    done = run(campaign, pool, labels_of(pool, truth), 6)
    seen = []
    original = control.train

    def spying(*arguments):
        seen.append(arguments[3])
        return original(*arguments)

    monkeypatch.setattr(control, "train", spying)
    saving(campaign, pool, done.state)
    audit = {done.state.row_of[item] for item in done.state.audit}
    assert {len(one.rows) for one in seen} == {20}
    assert len(seen) == FOLDS * REPEATS
    for one in seen:
        assert set(one.rows.tolist()) <= audit
        np.testing.assert_array_equal(one.values, truth[one.rows])


@pytest.mark.parametrize("count", [5, 10, 23, 26, 400])
@pytest.mark.parametrize("labels", [range(3, 900, 7), [8, 20, 300], [500], [1, 2]])
def test_the_control_is_trained_only_where_curves_are_compared(count, labels):
    [*sizes] = control._compared_at(labels, count)
    within = [one for one in labels if one <= most_labels(count)]
    assert len(sizes) == min(len(within), 1)
    every, rng = np.zeros(count), np.random.default_rng(0)
    scores = [
        control_scores(lambda rows: lambda held_out: every[held_out], count, chosen, rng, 2)
        for chosen in (within, sizes)
    ]
    right = np.zeros((len(labels), count))
    of_all, of_one = (compare(one, list(labels), right) for one in scores)
    assert of_one.labels == of_all.labels == (sizes[0] if sizes else 0)
