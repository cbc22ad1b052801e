"""The classes of a campaign, of its file, its records and its answers together."""

from dataclasses import replace

import numpy as np
import pytest

from helpers.campaigns import CLASSES, answer, call, campaign_in, entry, labels_of, pool_of, run
from labelbench_core.campaign.calls import PROPOSED
from labelbench_core.campaign.class_history import check_classes, class_history
from labelbench_core.campaign.standing.history import past_models
from labelbench_core.campaign.state import read_state
from labelbench_core.errors import InputError

START, MORE = ["dog", "horse"], ["dog", "horse", "person"]


def classes_of(classes, changes=(), recorded=(START, MORE), answered=()):
    return class_history(classes, changes, recorded, answered, "pets.yaml").classes


def rename(before, after):
    return {"rename": {"from": before, "to": after}}


@pytest.mark.parametrize(
    ("classes", "changes"),
    [
        (["dog", "horse", "Mensch"], [rename("person", "Mensch")]),
        (["dog", "horse", "person"], [rename("person", "Mensch"), rename("Mensch", "person")]),
        (["hound", "person"], [{"merge": {"from": ["dog", "horse"], "to": "hound"}}]),
        (["dog", "rider"], [{"merge": {"from": ["horse", "person"], "to": "rider"}}]),
        (["dog", "person"], [{"merge": {"from": ["horse", "person"], "to": "person"}}]),
        (["dog", "horse", "man", "boy"], [{"split": {"from": "person", "into": ["man", "boy"]}}]),
        (["dog", "horse", "Mensch", "cat"], [{"add": "cat"}, rename("person", "Mensch")]),
        (["dog", "horse", "person"], [{"add": "person"}]),
    ],
)
def test_a_class_that_was_added_in_classes_alone_can_change(classes, changes):
    assert classes_of(classes, changes) == tuple(classes)


def test_what_a_change_has_made_is_no_class_that_was_added():
    recorded = (START, ["hound", "horse"], ["hound", "horse", "person"])
    today = ("hound", "horse", "person")
    assert classes_of(today, [rename("dog", "hound")], recorded) == today


@pytest.mark.parametrize(
    ("classes", "changes", "told"),
    [
        (
            START,
            [],
            "classes: without person, which people chose from; allowed: all former",
        ),
        (
            ["dog", "horse", "persons"],
            [],
            "classes: without person (did you mean 'persons'?), which people chose from",
        ),
        (
            ["dog", "horse", "Mensch"],
            [rename("persn", "Mensch")],
            "class_changes[0].rename: 'persn' is no class (did you mean 'person'?); allowed: dog, "
            "horse, person",
        ),
        # Both could be chosen in one batch: to make them one is a merge.
        (
            ["person", "horse"],
            [rename("dog", "person")],
            "class_changes[0].rename: 'person' is a class already; allowed: a name of its own; "
            "classes become one by merge",
        ),
    ],
)
def test_a_class_that_vanishes_is_one_clear_line(classes, changes, told):
    with pytest.raises(InputError) as error:
        classes_of(classes, changes)
    assert str(error.value).startswith(f"pets.yaml: {told}")
    assert "\n" not in str(error.value)


def test_a_class_that_only_answers_name_is_one():
    """It was in the file between two batches."""
    merged = [{"merge": {"from": ["cat", "dog"], "to": "dog"}}]
    assert classes_of(START, merged, [START], ["cat"]) == tuple(START)
    with pytest.raises(InputError, match="without cat, which people chose from"):
        classes_of(START, [], [START], ["cat", "dog"])


def test_the_order_of_the_file_counts():
    assert classes_of(["person", "dog", "horse"]) == ("person", "dog", "horse")
    assert classes_of(["dog", "cat", "horse"], (), [START]) == ("dog", "cat", "horse")


@pytest.fixture
def campaign(tmp_path):
    return campaign_in(tmp_path)


@pytest.fixture
def pool_and_truth():
    return pool_of(300)


def checked(campaign, classes, changes=()):
    check_classes(classes, changes, campaign.folder, "birds.yaml")


def test_classes_are_checked_before_any_job(campaign, pool_and_truth):
    pool, truth = pool_and_truth
    checked(campaign, CLASSES)
    labels = labels_of(pool, truth)
    done = run(campaign, pool, labels, 2)
    more = replace(campaign, classes=(*CLASSES, "crow"))
    answer(more, done.batch, {**labels, done.batch.record["items"][0]["item"]: "crow"})
    assert call(more, pool).batch.record["classes"][-1] == "crow"
    checked(more, (*CLASSES, "crow"))
    checked(more, ("crow", *CLASSES))
    checked(more, (*CLASSES, "raven"), [rename("crow", "raven")])
    with pytest.raises(InputError, match=r"^birds\.yaml: classes: without crow, which people"):
        checked(more, CLASSES)
    with pytest.raises(InputError, match=r"class_changes\[0\]\.rename: 'crown' is no class"):
        checked(more, (*CLASSES, "raven"), [rename("crown", "raven")])
    # What is damaged is told by the job that reads it.
    (campaign.folder / "batches" / "batch-003" / "proposal.json").write_text("{")
    checked(more, CLASSES)


def test_a_class_that_was_added_is_renamed_and_its_answers_with_it(campaign, pool_and_truth):
    pool, truth = pool_and_truth
    labels = labels_of(pool, truth)
    done = run(campaign, pool, labels, 2)
    more = replace(campaign, classes=(*CLASSES, "crow"))
    answer(more, done.batch, labels, "second")
    done = call(more, pool)
    named = done.batch.record["items"][0]["item"]
    answer(more, done.batch, {**labels, named: "crow"}, "third")
    renamed = replace(
        campaign, classes=(*CLASSES, "raven"), class_changes=(rename("crow", "raven"),)
    )
    found = call(renamed, pool)
    assert found.state.labels.items[named].label == "raven"
    assert found.batch.record["classes"] == [*CLASSES, "raven"]
    with pytest.raises(InputError, match="classes: without raven"):
        call(replace(renamed, classes=CLASSES), pool)


def test_classes_in_another_order_are_the_same_models_with_other_keys(campaign, pool_and_truth):
    pool, truth = pool_and_truth
    labels = labels_of(pool, truth)
    done = run(campaign, pool, labels, 3)
    before = past_models(done.state)
    turned = replace(campaign, classes=("tit", "robin", "wren"))
    again = call(turned, pool)
    assert again.state.history.classes == turned.classes
    after = past_models(again.state)
    assert [one.batch for one in after] == [one.batch for one in before] == [2, 3]
    for old, new in zip(before, after, strict=True):
        names = np.array(campaign.classes)[old.predicted]
        assert np.array_equal(np.array(turned.classes)[new.predicted], names)
    answer(turned, done.batch, labels, "third")
    later = call(turned, pool)
    assert later.batch.record["classes"] == ["tit", "robin", "wren"]
    shown = (later.batch.folder / "label.html").read_text()
    assert '["tit", "robin", "wren"]' in shown.replace('","', '", "')
    rows = later.state.training_labels()
    names = [turned.classes[one] for one in rows.values]
    assert names == [labels[pool.items[row]] for row in rows.rows]


def test_several_labels_in_another_order(tmp_path, pool_and_truth):
    pool, truth = pool_and_truth
    campaign = campaign_in(tmp_path, multilabel=True, strategy=entry("mmc"))
    labels = {
        item: ";".join(dict.fromkeys([CLASSES[label], "wren"]))
        for item, label in zip(pool.items, truth, strict=True)
    }
    done = run(campaign, pool, labels, 3)
    turned = replace(campaign, classes=("tit", "robin", "wren"))
    [*_, old], [*_, new] = past_models(done.state), past_models(call(turned, pool).state)
    assert np.array_equal(new.predicted, old.predicted[:, [2, 0, 1]])
    assert old.predicted[:, 1].mean() > old.predicted[:, 0].mean()


@pytest.mark.parametrize("names_batch", [True, False])
def test_a_row_that_one_labelled_and_another_skipped_is_asked_again_after_a_split(
    campaign, pool_and_truth, names_batch
):
    pool, truth = pool_and_truth
    labels = labels_of(pool, truth)
    first = call(campaign, pool)
    inbox = campaign.folder / "labels"
    answer(campaign, first.batch, labels, "ann", "ann")
    answer(campaign, first.batch, dict.fromkeys(pool.items, "(skipped)"), "ben", "ben")
    if not names_batch:
        for path in inbox.iterdir():
            path.write_text(path.read_text().replace(f",{first.batch.name}", ","))
    done = call(campaign, pool)
    split = replace(
        campaign,
        classes=("robin", "wren", "great tit", "coal tit"),
        class_changes=({"split": {"from": "tit", "into": ["great tit", "coal tit"]}},),
        batch_size=40,
    )
    tits = {one["item"] for one in first.batch.record["items"] if labels[one["item"]] == "tit"}
    assert tits
    state = read_state(split, pool)[0]
    assert set(state.to_ask_again()) == tits
    answer(split, done.batch, labels, "second", "ann")
    path = inbox / "second.csv"
    if not names_batch:
        path.write_text(path.read_text().replace(f",{done.batch.name}", ","))
    again = call(split, pool)
    assert again.status == PROPOSED  # answers with the old name are answers to that batch
    assert tits <= {one["item"] for one in again.batch.record["items"]}
    # Whoever skips such a row when it is handed out with the new classes is not asked for ever.
    answer(split, again.batch, dict.fromkeys(pool.items, "(skipped)"), "third", "joe")
    if not names_batch:
        path = inbox / "third.csv"
        path.write_text(path.read_text().replace(f",{again.batch.name}", ","))
    last = call(split, pool)
    assert last.status == PROPOSED
    assert not tits & {one["item"] for one in last.batch.record["items"]}
    assert {last.state.labels.items[item].state.value for item in tits} == {"skipped"}
