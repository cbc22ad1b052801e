"""Calls of a campaign: what is handed out is a fact, and what was answered decides what follows."""

import os
import shutil
from dataclasses import replace

import numpy as np
import pytest

from helpers.campaigns import answer, call, campaign_in, entry, labels_of, pool_from, pool_of, run
from labelbench_core.campaign import calls
from labelbench_core.campaign.batches import read_batches
from labelbench_core.campaign.calls import ALL_LABELED, PROPOSED, WAITING
from labelbench_core.campaign.state import read_state
from labelbench_core.errors import InputError


def contents(campaign):
    """File → bytes of everything that was handed out and received."""
    return {
        str(path.relative_to(campaign.folder)): path.read_bytes()
        for part in ("pool", "audit", "batches", "received")
        for path in sorted((campaign.folder / part).rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def pool_and_truth():
    return pool_of(300)


@pytest.fixture
def campaign(tmp_path):
    return campaign_in(tmp_path)


def test_the_first_call_hands_out_a_batch_without_any_label(campaign, pool_and_truth):
    pool, _ = pool_and_truth
    done = call(campaign, pool)
    assert done.status == PROPOSED
    assert (campaign.folder / "labels").is_dir()
    items = [one["item"] for one in done.batch.record["items"]]
    assert len(items) == len(set(items)) == 20
    assert sum(item in done.state.audit for item in items) == 4
    assert done.batch.trained is None
    for name in ("to_label.csv", "label-studio.json", "cvat.xml", "metadata.csv", "label.html"):
        text = (done.batch.folder / name).read_text()
        assert all(item in text for item in items)
        assert "audit" not in text.lower()


def test_the_record_of_a_batch_says_why_its_strategy_was_chosen(campaign, pool_and_truth):
    pool, _ = pool_and_truth
    why = {"strategy": {"chosen": "margin", "reason": "margin, by some experiments."}}
    done = call(replace(campaign, advice=why), pool)
    assert done.batch.record["advice"] == why


def test_a_batch_waits_until_it_is_answered_and_then_the_next_one_comes(campaign, pool_and_truth):
    pool, truth = pool_and_truth
    labels = labels_of(pool, truth)
    first = call(campaign, pool)
    before = contents(campaign)
    assert call(campaign, pool).status == WAITING
    assert contents(campaign) == before
    answer(campaign, first.batch, labels, "half", only=(0, 10))
    assert call(campaign, pool).status == WAITING
    answer(campaign, first.batch, labels, "rest", "bob", only=(10, 20))
    second = call(campaign, pool)
    assert second.status == PROPOSED
    assert second.batch.number == 2
    assert second.batch.trained["num_labeled"] == 16
    assert not {one["item"] for one in second.batch.record["items"]} & {
        one["item"] for one in first.batch.record["items"]
    }
    suggested = [one["suggestion"]["label"] for one in second.batch.record["items"]]
    assert set(suggested) <= set(campaign.classes)


def test_the_next_batch_comes_at_the_share_that_was_asked_for(campaign, pool_and_truth):
    pool, truth = pool_and_truth
    eager = replace(campaign, next_batch_at=0.5)
    first = call(eager, pool)
    answer(eager, first.batch, labels_of(pool, truth), only=(0, 9))
    assert call(eager, pool).status == WAITING
    answer(eager, first.batch, labels_of(pool, truth), only=(0, 10))
    assert call(eager, pool).status == PROPOSED


def test_rows_of_the_audit_are_neither_trained_on_nor_proposed(campaign, pool_and_truth):
    pool, truth = pool_and_truth
    done = run(campaign, pool, labels_of(pool, truth), 6)
    state = done.state
    audit = set(state.audit)
    assert len(audit) == 30
    handed = [one["item"] for batch in state.batches for one in batch.record["items"]]
    # Those of the audit are the first of its random order, whatever was bought.
    order = [item for item in state.order.strata[0].items if item in audit]
    of_audit = {item for item in handed if item in audit}
    assert of_audit == set(order[: len(of_audit)])
    assert len(of_audit) == 24
    trained = {pool.items[row] for row in state.training_labels().rows.tolist()}
    assert not trained & audit
    assert (
        trained
        == {one["item"] for batch in state.batches[:-1] for one in batch.record["items"]} - audit
    )
    assert not {pool.items[row] for row in state.candidates().tolist()} & audit


def test_labels_of_the_audit_have_no_influence_on_what_is_proposed(tmp_path, pool_and_truth):
    pool, truth = pool_and_truth
    right, wrong = (campaign_in(tmp_path / name) for name in ("right", "wrong"))
    labels = labels_of(pool, truth)
    other = dict(labels)
    call(right, pool)
    audit = read_state(right, pool)[0].audit
    for item in audit:
        other[item] = "wren" if labels[item] != "wren" else "tit"
    one, two = run(right, pool, labels, 5), run(wrong, pool, other, 5)
    for first, second in zip(one.state.batches, two.state.batches, strict=True):
        assert first.numbers.tolist() == second.numbers.tolist()


def edits():
    return {
        "strategy": {"strategy": entry("entropy")},
        "proxy": {"proxy": entry("linear", penalty=1.0)},
        "first": {"first": entry("random")},
        "batch size": {"batch_size": 7},
        "audit": {"audit": 10, "audit_share": 0.5},
        "a class more": {"classes": ("robin", "wren", "tit", "crow")},
        "a class renamed": {
            "classes": ("robin", "wren", "great tit"),
            "class_changes": ({"rename": {"from": "tit", "to": "great tit"}},),
        },
        "suggestions": {"suggestions": True},
        "seed": {"seed": 5},
    }


@pytest.mark.parametrize("edit", edits())
def test_no_edit_changes_what_was_handed_out(campaign, pool_and_truth, edit):
    pool, truth = pool_and_truth
    labels = labels_of(pool, truth)
    done = run(campaign, pool, labels, 3)
    before = contents(campaign)
    edited = replace(campaign, **edits()[edit])
    assert call(edited, pool).status == WAITING
    assert contents(campaign) == before
    answer(edited, done.batch, labels, "more")
    later = call(edited, pool)
    assert later.status == PROPOSED
    after = contents(campaign)
    assert {name: after[name] for name in before} == before
    assert later.batch.record["strategy"]["id"] == edited.strategy["id"]


def test_a_killed_call_loses_nothing_and_proposes_the_same(tmp_path, pool_and_truth, monkeypatch):
    """A kill before each of the moments at which something becomes a fact."""
    pool, truth = pool_and_truth
    labels = labels_of(pool, truth)
    whole = campaign_in(tmp_path / "whole")
    run(whole, pool, labels, 2)
    expected = contents(whole)
    real = os.rename, os.replace

    class Killed(BaseException):
        pass

    killed = campaign_in(tmp_path / "killed")

    def run_until_killed(moments):
        left = [moments]

        def then(rename):
            def step(*arguments):
                if not left[0]:
                    raise Killed
                left[0] -= 1
                return rename(*arguments)

            return step

        with monkeypatch.context() as patch:
            patch.setattr(os, "rename", then(real[0]))
            patch.setattr(os, "replace", then(real[1]))
            run(killed, pool, labels, 2)

    for moments in range(100):
        shutil.rmtree(killed.folder, ignore_errors=True)
        try:
            run_until_killed(moments)
        except Killed:
            run(killed, pool, labels, 2)
            assert contents(killed) == expected
        else:
            assert moments >= 20
            break


def test_rows_that_come_later_have_a_part_of_the_audit_of_their_own(campaign, pool_and_truth):
    rng = np.random.default_rng(1)
    pool, truth = pool_and_truth
    labels = labels_of(pool, truth)
    done = run(campaign, pool, labels, 2)
    before = contents(campaign)
    rows = np.concatenate([rng.normal(size=(200, 8)).astype(np.float16), pool.embeddings.load()])
    items = [f"new-{number}.jpg" for number in range(200)] + list(pool.items)
    grown = pool_from(rows, items)
    labels |= dict.fromkeys(items[:200], "wren")
    assert call(campaign, grown).status == WAITING  # with half a batch labelled, the pool may grow
    answer(campaign, done.batch, labels, "second")
    later = run(campaign, grown, labels, 9)
    after = contents(campaign)
    assert {name: after[name] for name in before} == before
    assert [len(one.items) for one in later.state.order.strata] == [300, 200]
    assert [one.reserved for one in later.state.order.strata] == [30, 20]
    handed = {one["item"] for batch in later.state.batches for one in batch.record["items"]}
    new = later.state.order.strata[1]
    assert handed & set(new.items[: new.reserved])
    assert any(item.startswith("new-") for item in handed - set(later.state.audit))


def test_rows_that_are_gone_are_not_waited_for(campaign, pool_and_truth):
    pool, truth = pool_and_truth
    done = call(campaign, pool)
    gone = {one["item"] for one in done.batch.record["items"][:5]}
    kept = [row for row, item in enumerate(pool.items) if item not in gone]
    smaller = pool_from(pool.embeddings.take(np.array(kept)), [pool.items[row] for row in kept])
    answer(campaign, done.batch, labels_of(pool, truth), only=(5, 20))
    assert call(campaign, smaller).status == PROPOSED


def test_another_content_under_a_known_name_is_refused(campaign, pool_and_truth):
    pool, _ = pool_and_truth
    call(campaign, pool)
    rows = pool.embeddings.load().copy()
    rows[7] += 1
    with pytest.raises(InputError, match=r"^pool: 00007\.jpg: the content has changed since"):
        call(campaign, pool_from(rows))


@pytest.mark.parametrize("victim", ["proposal.json", "trained.json", "trained.npz"])
def test_a_changed_fact_is_an_error_that_says_to_restore_it(campaign, pool_and_truth, victim):
    pool, truth = pool_and_truth
    run(campaign, pool, labels_of(pool, truth), 3)
    path = campaign.folder / "batches" / "batch-002" / victim
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"birds", b"words", 1) if victim != "trained.npz" else b"x")
    with pytest.raises(InputError, match=rf"{victim}: .*restore it from a copy"):
        [batch.arrays() for batch in read_batches(campaign.folder, "birds")]
    path.unlink()
    with pytest.raises(InputError, match=rf"{victim}: file not found; restore it from a copy"):
        [batch.arrays() for batch in read_batches(campaign.folder, "birds")]
    shutil.rmtree(path.parent)
    with pytest.raises(InputError, match="batch-002: folder not found"):
        call(campaign, pool)


def test_classes_that_are_split_are_asked_for_again(campaign, pool_and_truth):
    pool, truth = pool_and_truth
    labels = labels_of(pool, truth)
    done = run(campaign, pool, labels, 3)
    answer(campaign, done.batch, labels, "third")
    changed = replace(
        campaign,
        classes=("robin", "wren", "great tit", "coal tit"),
        class_changes=({"split": {"from": "tit", "into": ["great tit", "coal tit"]}},),
        batch_size=200,
    )
    old = {
        one["item"]
        for batch in done.state.batches
        for one in batch.record["items"]
        if labels[one["item"]] == "tit"
    }
    later = call(changed, pool)
    assert later.status == PROPOSED
    items = {one["item"] for one in later.batch.record["items"]}
    assert old <= items
    assert call(changed, pool).status == WAITING
    labels |= {item: "coal tit" for item, label in labels.items() if label == "tit"}
    answer(changed, later.batch, labels, "fourth")
    last = call(changed, pool)
    assert "coal tit" in {last.state.labels.items[item].label for item in old}
    assert not last.state.to_ask_again()


def test_classes_that_vanish_without_a_word_are_refused(campaign, pool_and_truth):
    pool, _ = pool_and_truth
    call(campaign, pool)
    with pytest.raises(InputError, match="classes: without tit, which people chose from"):
        call(replace(campaign, classes=("robin", "wren", "crow")), pool)


def test_a_file_with_an_error_hands_out_nothing(campaign, pool_and_truth):
    pool, truth = pool_and_truth
    done = call(campaign, pool)
    labels = labels_of(pool, truth)
    answer(campaign, done.batch, {**labels, done.batch.record["items"][3]["item"]: "wern"})
    before = contents(campaign)
    with pytest.raises(InputError, match=r"answers\.csv: .*'wern'.*allowed"):
        call(campaign, pool)
    assert contents(campaign) == before


def test_in_the_end_all_is_labelled(tmp_path):
    pool, truth = pool_of(70)
    campaign = campaign_in(tmp_path, audit=10)
    labels = labels_of(pool, truth)
    done = call(campaign, pool)
    while done.status == PROPOSED:
        answer(campaign, done.batch, labels, f"answers-{done.batch.number}")
        done = call(campaign, pool)
    assert done.status == ALL_LABELED
    assert done.state.handed_out == set(pool.items)
    assert [len(batch.record["items"]) for batch in done.state.batches] == [20, 20, 20, 10]


def test_rows_that_nobody_can_label_are_not_proposed_again(campaign, pool_and_truth):
    pool, truth = pool_and_truth
    labels = labels_of(pool, truth)
    first = call(campaign, pool)
    outcomes = ("(skipped)", "(unsure)", "(no-class)")
    for place, one in enumerate(first.batch.record["items"][:6]):
        labels[one["item"]] = outcomes[place % 3]
    answer(campaign, first.batch, labels)
    later = run(campaign, pool, labels, 5)
    handed = [one["item"] for batch in later.state.batches for one in batch.record["items"]]
    assert len(handed) == len(set(handed))


def test_where_nothing_is_labelled_the_second_batch_needs_no_label(campaign, pool_and_truth):
    pool, _ = pool_and_truth
    first = call(campaign, pool)
    answer(campaign, first.batch, dict.fromkeys(pool.items, "(unsure)"))
    second = call(campaign, pool)
    assert second.status == PROPOSED
    assert second.batch.trained is None


def test_several_labels_a_row(tmp_path):
    pool, truth = pool_of(200)
    campaign = campaign_in(tmp_path, multilabel=True, strategy=entry("mmc"))
    labels = {
        item: ";".join(dict.fromkeys([campaign.classes[label], "wren"]))
        for item, label in zip(pool.items, truth, strict=True)
    }
    done = run(campaign, pool, labels, 3)
    assert done.state.training_labels().values.shape == (32, 3)
    assert set(done.batch.record["items"][0]["suggestion"]["labels"]) == set(campaign.classes)


def test_a_batch_that_another_call_has_handed_out_is_not_replaced(campaign, pool_and_truth):
    """As where a file system's locks hold nothing back."""
    pool, _ = pool_and_truth
    campaign.folder.mkdir()
    state, new = read_state(campaign, pool)
    calls.take_in(state, pool, new)
    before, _ = read_state(campaign, pool)
    call(campaign, pool)
    written = contents(campaign)
    with pytest.raises(FileExistsError):
        calls._hand_out_next(before, pool, 20, {}, None, 1)
    assert contents(campaign) == written
    assert len(read_batches(campaign.folder, "birds")) == 1
