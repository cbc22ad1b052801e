"""Answers that no batch asked for: labels from before a campaign, and corrections."""

import csv
from dataclasses import replace

import numpy as np
import pytest

from helpers.campaigns import answer, call, campaign_in, labels_of, pool_from, pool_of, run
from labelbench_core.campaign.calls import ALL_LABELED, PROPOSED, WAITING
from labelbench_core.campaign.finishing.collected import read_collected, write_collected
from labelbench_core.campaign.notes import notes_of
from labelbench_core.campaign.standing.accuracy import accuracy_now
from labelbench_core.campaign.standing.history import (
    audit_answers,
    bought_rows,
    first_batches,
    past_models,
    strata_of_rows,
)
from labelbench_core.campaign.standing.whole import standing_of
from labelbench_core.campaign.standing_page.texts import headline, of_labels_not_asked_for
from labelbench_core.campaign.state import read_state
from labelbench_core.errors import InputError


@pytest.fixture
def campaign(tmp_path):
    return campaign_in(tmp_path)


def tell(campaign, labels, items, name="before", annotator=""):
    """Write a table of two columns and perhaps a third into the inbox."""
    inbox = campaign.folder / "labels"
    inbox.mkdir(parents=True, exist_ok=True)
    with open(inbox / f"{name}.csv", "w", newline="") as handle:
        lines = csv.writer(handle)
        lines.writerow(["item", "label", "annotator"])
        lines.writerows([item, labels[item], annotator] for item in items)


def trained_on(state, pool):
    return {pool.items[row] for row in state.training_labels().rows.tolist()}


def test_labels_from_before_train_the_model_of_the_first_batch(campaign):
    pool, truth = pool_of(300)
    labels, before = labels_of(pool, truth), pool.items[:120]
    tell(campaign, labels, before)
    first = call(campaign, pool)
    assert first.status == PROPOSED
    assert first.batch.record["strategy"]["id"] == "margin"
    assert first.batch.trained["num_labeled"] == 120
    assert trained_on(first.state, pool) == set(before)
    handed = {one["item"] for one in first.batch.record["items"]}
    assert not handed & set(before)
    (line,) = notes_of(first.state)
    assert line.startswith("120 rows have answers that no batch had asked for")
    assert "120 of them are trained on" in line


def test_rows_with_labels_from_before_are_released_from_the_audit(campaign):
    """Nobody knows which rows are the audit's, so that the rest of it is random as before."""
    pool, truth = pool_of(300)
    labels, before = labels_of(pool, truth), pool.items[:150]
    tell(campaign, labels, before)
    state = run(campaign, pool, labels, 5).state
    reserved = state.order.stratum_of().keys()
    assert len(reserved) == 30
    assert 0 < len(reserved & set(before)) < 30
    assert state.audit.keys() == reserved - set(before)
    assert reserved & set(before) < trained_on(state, pool)
    handed = [one["item"] for batch in state.batches for one in batch.record["items"]]
    of_audit = [item for item in state.order.strata[0].items if item in state.audit]
    count = sum(item in state.audit for item in handed)
    assert count == min(5 * 4, len(of_audit))
    assert {item for item in handed if item in state.audit} == set(of_audit[:count])
    assert not set(handed) & set(before)
    assert {one.item for one in state.audited()} <= state.audit.keys()


def test_an_answer_that_comes_later_counts_from_the_next_batch_on(campaign):
    pool, truth = pool_of(300)
    labels = labels_of(pool, truth)
    second = run(campaign, pool, labels, 2)
    free = [pool.items[row] for row in second.state.candidates().tolist()][:10]
    reserved = [
        item for item in second.state.audit if item not in second.state.handed_out
    ][:3]  # fmt: skip
    tell(campaign, labels, [*free, *reserved], "later")
    waiting = call(campaign, pool)
    assert waiting.status == WAITING
    assert waiting.state.unasked == dict.fromkeys([*free, *reserved], 2)
    assert not waiting.state.audit.keys() & set(reserved)
    answer(campaign, second.batch, labels, "answers-2")
    third = call(campaign, pool)
    assert third.batch.trained["num_labeled"] == 2 * 16 + 13
    rows = [third.state.row_of[item] for item in (*free, *reserved)]
    assert first_batches(third.state)[rows].tolist() == [2] * 13
    models = standing_of(third.state, pool).points
    assert [one.num_labeled for one in models] == [16, 45]
    bought = bought_rows(third.state)
    assert (bought.batch < 2).sum() == 16  # what is known of the model of the second batch


def test_an_answer_to_a_row_of_the_audit_that_was_handed_out_stays_the_audits(campaign):
    pool, truth = pool_of(300)
    labels = labels_of(pool, truth)
    first = call(campaign, pool)
    items = [one["item"] for one in first.batch.record["items"]]
    tell(campaign, labels, items, "without-a-batch")
    second = call(campaign, pool)
    assert second.status == PROPOSED
    assert not second.state.unasked
    assert len(second.state.audited()) == 4


def test_answers_that_decide_nothing_are_not_asked_again(campaign):
    pool, truth = pool_of(300)
    labels = {**labels_of(pool, truth), pool.items[0]: "(no-class)", pool.items[1]: "(unsure)"}
    tell(campaign, labels, pool.items[:60])
    state = run(campaign, pool, labels, 3).state
    handed = {one["item"] for batch in state.batches for one in batch.record["items"]}
    assert not handed & set(pool.items[:60])
    assert not trained_on(state, pool) & set(pool.items[:2])
    assert "58 of them are trained on" in notes_of(state)[0]


@pytest.mark.parametrize("count", [1, 7])
def test_labels_of_one_class_are_enough_to_go_on(campaign, count):
    pool, truth = pool_of(300)
    labels = labels_of(pool, truth)
    robins = [item for item in pool.items if labels[item] == "robin"][:count]
    tell(campaign, labels, robins)
    assert run(campaign, pool, labels, 2).status == PROPOSED


def test_rows_that_came_late_may_have_labels_already(campaign):
    pool, truth = pool_of(300)
    labels = labels_of(pool, truth)
    early = pool_from(pool.embeddings.load()[:200], pool.items[:200])
    first = call(campaign, early)
    tell(campaign, labels, pool.items[250:])
    waiting = call(campaign, pool)
    assert waiting.state.unasked.keys() == set(pool.items[250:])
    answer(campaign, first.batch, labels)
    assert call(campaign, pool).batch.trained["num_labeled"] == 16 + 50


def test_a_class_that_answers_name_stays_until_the_first_batch(campaign):
    pool, truth = pool_of(300)
    tell(campaign, labels_of(pool, truth), pool.items[:20])
    call(campaign, pool)
    (campaign.folder / "batches").rename(campaign.folder / "aside")
    with pytest.raises(InputError, match=r"classes: without .*, which answers name"):
        read_state(replace(campaign, classes=("robin", "wagtail", "crow")), pool)


def test_a_typing_error_is_still_told(campaign):
    pool, _ = pool_of(300)
    call(campaign, pool)
    tell(campaign, {"00001.jpeg": "robin"}, ["00001.jpeg"])
    with pytest.raises(InputError, match=r"'00001\.jpeg' is not in the pool"):
        call(campaign, pool)


def test_labels_at_the_end_name_no_batch_and_no_audit(campaign, tmp_path):
    pool, truth = pool_of(300)
    labels = labels_of(pool, truth)
    tell(campaign, labels, pool.items[:100], annotator="eve")
    state = run(campaign, pool, labels, 3).state
    paths = [tmp_path / name for name in ("labels.json", "labels.npz", "labels.csv")]
    write_collected(state, pool, *paths)
    collected = read_collected(*paths[:2], campaign="birds")
    before = [one for one in collected.items if one.annotators == ("eve",)]
    assert len(before) == 100
    assert {(one.batch, one.audit) for one in before} == {(0, False)}


def test_of_an_audit_that_people_have_chosen_from_what_was_handed_out_counts(campaign):
    """People take rows from those that are left: of these, the audit's are another part."""
    pool, truth = pool_of(300)
    labels = labels_of(pool, truth)
    tell(campaign, labels, pool.items[:100])
    second = run(campaign, pool, labels, 2).state
    audit = [second.row_of[item] for item in second.audit]
    assert np.flatnonzero(bought_rows(second).reserved).tolist() == sorted(audit)
    chosen = [item for item in second.row_of if item not in second.handed_out | second.apart][:20]
    tell(campaign, labels, chosen, "later")
    state = call(campaign, pool).state
    assert state.apart == set(pool.items[:100])
    assert state.unasked.keys() == {*pool.items[:100], *chosen}
    handed = [state.row_of[item] for item in state.audit if item in state.handed_out]
    assert np.flatnonzero(bought_rows(state).reserved).tolist() == sorted(handed)
    (line,) = notes_of(state)
    assert "20 of them came when rows beside them had been handed out" in line


def test_rows_that_came_late_are_apart_until_one_of_them_is_handed_out(campaign):
    pool, truth = pool_of(300)
    labels = labels_of(pool, truth)
    first = call(campaign, pool_from(pool.embeddings.load()[:200], pool.items[:200]))
    left = [item for item in pool.items[:200] if item not in first.state.handed_out][:5]
    tell(campaign, labels, [*left, *pool.items[250:]])
    state = call(campaign, pool).state
    assert state.apart == set(pool.items[250:])
    answer(campaign, first.batch, labels)
    assert run(campaign, pool, labels, 6).state.apart == set(pool.items[250:])


def test_rows_apart_stay_so_where_they_are_asked_again(campaign):
    """Their batches are those before their first answers, so that they are known of all models."""
    pool, truth = pool_of(300)
    labels, before = labels_of(pool, truth), pool.items[:100]
    tell(campaign, labels, before)
    done = run(campaign, pool, labels, 1)
    answer(campaign, done.batch, labels, "answers-1")
    split = {"split": {"from": "tit", "into": ["blue tit", "great tit"]}}
    later = replace(
        campaign, classes=("robin", "wren", "blue tit", "great tit"), class_changes=[split]
    )
    new = {item: "blue tit" if one == "tit" else one for item, one in labels.items()}
    asked = call(later, pool)
    again = {one["item"] for one in asked.batch.record["items"]} & set(before)
    assert again
    assert (
        f"{sum(labels[one] == 'tit' for one in before)} of them have no label"
        in (notes_of(asked.state)[0])
    )
    state = run(later, pool, new, asked.batch.number + 1).state
    assert state.apart == set(before)
    rows = [state.row_of[item] for item in again]
    assert first_batches(state)[rows].tolist() == [0] * len(again)


def test_where_all_rows_of_the_audit_have_labels_it_is_told(campaign, tmp_path):
    pool, truth = pool_of(300)
    labels = labels_of(pool, truth)
    audit = list(call(campaign_in(tmp_path / "other"), pool).state.audit)
    tell(campaign, labels, audit)
    standing = standing_of(run(campaign, pool, labels, 2).state, pool)
    assert headline(standing, "images").startswith("No row of the pool is left to the audit")
    told = of_labels_not_asked_for(standing)
    assert told.startswith("30 labels that no batch had asked for are among those bought")


def test_where_all_rows_have_labels_nothing_is_handed_out(campaign):
    pool, truth = pool_of(300)
    tell(campaign, labels_of(pool, truth), pool.items)
    done = call(campaign, pool)
    assert (done.status, done.batch) == (ALL_LABELED, None)
    assert notes_of(done.state)[0].endswith("trained on, and none is of the audit.")


def test_corrections_before_the_next_batch_do_not_change_what_is_said_of_the_model(tmp_path):
    """People correct the rows that the model is least sure of, which the audit still stands for."""
    off = []
    for seed in range(16):
        rng = np.random.default_rng(seed)
        truth = rng.integers(3, size=400)
        rows = 1.2 * np.eye(8)[:3][truth] + rng.normal(size=(400, 8))
        pool = pool_from(rows.astype(np.float16))
        labels = labels_of(pool, truth)
        asked = campaign_in(
            tmp_path / str(seed), audit=160, audit_share=0.5, batch_size=40, seed=seed
        )
        asked = replace(asked, first=asked.first | {"id": "random", "implementation": "random"})
        asked = replace(asked, strategy=asked.first)
        state = run(asked, pool, labels, 3).state
        model = past_models(state)[-1]
        left = [row for item, row in state.row_of.items() if item not in state.handed_out]
        left.sort(key=lambda row, one=model.confidence: one[row])
        before = accuracy_of(state, model)
        tell(asked, labels, [pool.items[row] for row in left[:100]], "corrections")
        after = accuracy_of(call(asked, pool).state, model)
        off.append([one.estimate - (model.predicted == truth).mean() for one in (before, after)])
    before, after = np.array(off).T
    for one in (after, after - before):
        assert abs(one.mean()) < 3 * one.std(ddof=1) / 4


def accuracy_of(state, model):
    """What the audit says of a model."""
    bought, stratum = bought_rows(state), strata_of_rows(state)
    return accuracy_now(model, audit_answers(state), bought, stratum, "plain", 3).estimate


@pytest.mark.thorough
def test_accuracy_is_estimated_without_bias_where_easy_rows_were_labelled_before(tmp_path):
    """Easy rows alone have labels from before: an audit of the whole pool would be too easy."""
    off, as_of_all = [], []
    for seed in range(60):
        pool, truth = pool_of(300, seed=seed)
        labels = labels_of(pool, truth)
        rows = np.asarray(pool.embeddings.load(), np.float64)
        easy = np.argsort(-rows[np.arange(300), truth])[:150]
        asked = campaign_in(tmp_path / str(seed), audit=60, audit_share=0.75, seed=seed)
        asked = replace(asked, first=asked.first | {"id": "random", "implementation": "random"})
        asked = replace(asked, strategy=asked.first)
        tell(asked, labels, [pool.items[row] for row in easy])
        state = run(asked, pool, labels, 3).state
        standing = standing_of(state, pool)
        right = standing.model.predicted == truth
        off.append(standing.accuracy.estimate.estimate - right.mean())
        as_of_all.append(right[easy].mean() - right.mean())
    error = np.std(off, ddof=1) / np.sqrt(len(off))
    assert abs(np.mean(off)) < 3 * error
    assert np.mean(as_of_all) > 10 * error  # so that a biased estimate would be seen
