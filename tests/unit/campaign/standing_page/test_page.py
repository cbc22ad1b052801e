"""The page of a campaign: every stage of one, for rows of every kind, from facts alone."""

import html
import re
from dataclasses import replace

import numpy as np
import pytest

from helpers.campaigns import answer, call, campaign_in, labels_of, pool_from, pool_of, run
from labelbench_core.campaign.calls import advance
from labelbench_core.campaign.standing.whole import standing_of
from labelbench_core.campaign.standing_page.page import page


@pytest.fixture
def campaign(tmp_path):
    return campaign_in(
        tmp_path, audit=60, audit_share=0.5, target=0.9, prices={"label": 0.5, "currency": "EUR"}
    )


def page_of(campaign, pool, state):
    return page(standing_of(state, pool), pool)


def text(page):
    """What a reader sees, roughly."""
    shown = re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(shown).split())


def files_of(campaign):
    return {p: p.read_bytes() for p in campaign.folder.rglob("*") if p.is_file()}


def test_before_any_label_it_says_what_is_not_known(campaign):
    pool, _ = pool_of(300)
    seen = text(page_of(campaign, pool, call(campaign, pool).state))
    assert "There is no model yet" in seen
    assert "Batch 1: 0 of 20 answered" in seen
    assert seen.count("cannot be told yet") == 2
    assert "too few rows" in seen
    assert "nan" not in seen.lower().split()


def test_it_says_why_a_strategy_was_chosen_that_the_file_leaves_out(campaign):
    pool, _ = pool_of(300)
    state = call(campaign, pool).state
    assert "Why this strategy" not in text(page_of(campaign, pool, state))
    why = {"strategy": {"chosen": "badge", "reason": "badge, by some <experiments>."}}
    state = replace(state, campaign=replace(campaign, advice=why))
    seen = text(page_of(campaign, pool, state))
    assert "Why this strategy and this proxy" in seen
    assert "Strategy: badge, by some <experiments>." in seen
    assert "What the campaign's file leaves out was chosen by what experiments" in seen
    assert "1 batch handed out." in seen


def test_it_tells_where_the_campaign_stands_and_changes_no_fact(campaign):
    pool, truth = pool_of(400)
    labels = labels_of(pool, truth)
    done = run(campaign, pool, labels, 2)
    labels = {**labels, done.batch.record["items"][0]["item"]: "(unsure)"}
    answer(campaign, done.batch, labels, "two")
    other = {**labels, done.batch.record["items"][1]["item"]: "(no-class)"}
    answer(campaign, done.batch, other, "again", annotator="bob")
    done = run(campaign, pool, labels, 5)
    before = files_of(campaign)
    made = page_of(campaign, pool, done.state)
    assert files_of(campaign) == before
    assert page_of(campaign, pool, done.state) == made
    seen = text(made)
    assert re.search(r"is right on a random image of the pool: [\d.]+ %, 95 % interval", seen)
    assert re.search(
        r"To 90.0 %: \d+ (to \d+ labels|labels or more, and all rows may not suffice,) in all", seen
    )
    assert "EUR" in seen
    assert "stabilising-predictions-99" in seen
    assert "19 rows have answers of two people or more" in seen  # bob and ann left one out
    assert "1 rows, on which people disagree, have no majority" in seen
    assert "ann and bob: 18 of 19 alike" in seen
    assert len(re.findall(r"<circle", made)) == 4
    # One file: nothing is loaded from elsewhere, and which rows are of the audit is not in it.
    assert not re.search(r"""(src|href)=["'](?!data:)""", made)
    table = re.search(r'<table id="batches">.*?</table>', made, re.DOTALL).group()
    assert table.count("<tr>") == 6


def test_undecided_rows_of_the_audit_are_counted_both_ways(campaign):
    pool, truth = pool_of(300)
    labels = labels_of(pool, truth)
    first = call(campaign, pool)
    audited = [
        one["item"] for one in first.batch.record["items"] if one["item"] in first.state.audit
    ]
    labels |= {audited[0]: "(unsure)", audited[1]: "(skipped)"}
    answer(campaign, first.batch, labels)
    state = call(campaign, pool).state
    seen = text(page_of(campaign, pool, state))
    assert "Of the audit, rows are undecided: 1 skipped, 1 unsure." in seen
    assert "as if it were right:" in seen


def test_classes_that_changed_leave_no_number_of_the_model_before(campaign):
    pool, truth = pool_of(300)
    run(campaign, pool, labels_of(pool, truth), 3)
    more = replace(campaign, classes=(*campaign.classes, "crow"))
    seen = text(page_of(more, pool, call(more, pool).state))
    assert "The last batch was proposed by no model of today's classes" in seen


def test_what_is_not_in_a_number_is_told(campaign):
    pool, truth = pool_of(320)
    labels = labels_of(pool, truth)
    rows = pool.embeddings.take(np.arange(320))
    early = pool_from(rows[:300])
    done = run(campaign, early, labels, 2)
    seen = text(page_of(campaign, early, done.state))
    assert "10 rows of the audit are handed out and not answered yet" in seen
    late = pool_from(rows)
    state = call(campaign, late).state
    seen = text(page_of(campaign, late, state))
    assert "20 rows came to the pool after the current model predicted it" in seen
    done = run(campaign, late, labels, 4)
    seen = text(page_of(campaign, late, done.state))
    assert "rows came to the pool after" not in seen
    assert "are over the 300 rows that all models predicted" in seen


def test_a_class_added_to_several_leaves_answers_undecided(tmp_path):
    pool, truth = pool_of(300)
    several = campaign_in(tmp_path, multilabel=True, audit=60, audit_share=0.5)
    labels = {item: several.classes[one] for item, one in zip(pool.items, truth, strict=True)}
    answer(several, call(several, pool).batch, labels)
    more = replace(several, classes=(*several.classes, "crow"))
    done = run(more, pool, labels, 4)
    seen = text(page_of(more, pool, done.state))
    # The 10 rows of the first batch were answered before there were crows.
    assert "rows are undecided: 10 with nothing said of some class." in seen
    assert "wrong on all 10 of them" in seen
    assert "(20 decided rows)" in seen


def test_an_estimator_that_is_changed_after_labels_came_is_told(campaign):
    pool, truth = pool_of(300)
    labels = labels_of(pool, truth)
    run(campaign, pool, labels, 2)
    other = replace(campaign, estimator="prediction-powered")
    seen = text(page_of(other, pool, call(other, pool).state))
    assert "The estimator was changed after batch 2, from plain to prediction-powered" in seen
    done = run(other, pool, labels, 3)
    seen = text(page_of(other, pool, done.state))
    assert "The estimator was changed with batch 3, from plain to prediction-powered" in seen
    assert "by the audit and the model's own confidence" in seen


def test_several_labels_a_row(tmp_path):
    pool, truth = pool_of(300)
    several = campaign_in(tmp_path, multilabel=True, audit=60, audit_share=0.5)
    names = several.classes
    labels = {
        item: f"{names[one]};{names[(one + 1) % 3]}"
        for item, one in zip(pool.items, truth, strict=True)
    }
    done = call(several, pool)
    answer(several, done.batch, labels)
    done = call(several, pool)
    assert done.batch.number == 2, done.received.errors
    seen = text(page_of(several, pool, done.state))
    assert "gets all classes right on a random image" in seen
    assert "Mean F1 of a row's classes:" in seen
    assert "stabilising-predictions" not in seen
    assert "too few rows" not in seen
    assert "Which answers are in doubt was not computed" in seen


def test_an_empty_pool_of_answers_and_a_finished_campaign(campaign):
    pool, truth = pool_of(70)
    small = replace(campaign, batch_size=40, audit=20)
    labels = labels_of(pool, truth)
    done = run(small, pool, labels, 2)
    answer(small, done.batch, labels, "last")
    done = advance(small, pool, sorted((small.folder / "labels").iterdir()))
    assert done.status == "all-labelled"
    seen = text(page_of(small, pool, done.state))
    assert "Batch 2: 30 of 30 answered" in seen
    assert np.isfinite(standing_of(done.state, pool).accuracy.estimate.estimate)
