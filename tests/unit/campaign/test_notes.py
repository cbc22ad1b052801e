"""What a call says of labels that are not simply what people said."""

from dataclasses import replace

import pytest

from helpers.campaigns import answer, call, campaign_in, labels_of, pool_of, run
from helpers.dawid_skene import plain_fit
from labelbench_core.campaign.answers import dawid_skene, labels
from labelbench_core.campaign.notes import notes_of


@pytest.fixture
def campaign(tmp_path):
    return campaign_in(tmp_path, batch_size=60, agreement="dawid-skene")


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    monkeypatch.setattr(dawid_skene, "fitted", plain_fit)
    monkeypatch.setattr(labels, "require_package", lambda: None)


def test_it_says_where_nothing_tells_how_people_err(campaign):
    pool, truth = pool_of(300)
    names = labels_of(pool, truth)
    first = call(campaign, pool)
    assert "dawid-skene decides nothing yet" in notes_of(first.state)[0]
    answer(campaign, first.batch, names, "ann", "ann")
    answer(campaign, first.batch, dict.fromkeys(pool.items, "wren"), "ben", "ben", only=(0, 40))
    answer(campaign, first.batch, names, "eve", "eve", only=(20, 40))
    done = call(campaign, pool)
    [line] = notes_of(done.state)
    assert line.endswith(
        "told from 30 rows of theirs that two others have answered, too; the most that anybody has "
        "is 20."
    )


def test_it_says_how_many_labels_are_not_those_of_a_majority(campaign):
    """Two who say wren to whatever they see are the majority of three."""
    pool, truth = pool_of(300)
    names = labels_of(pool, truth)
    first = call(campaign, pool)
    items = [one["item"] for one in first.batch.record["items"]]
    for who in ("ann", "ben"):
        answer(campaign, first.batch, names, who, who)
    tit = {item: "tit" if name == "wren" else name for item, name in names.items()}
    answer(campaign, first.batch, tit, "eve", "eve", only=(0, 40))
    answer(campaign, first.batch, tit, "joe", "joe", only=(0, 40))
    found = call(campaign, pool).state
    differing = [item for item in items[:40] if names[item] == "wren"]
    assert differing
    assert set(found.labels.weighed) == set(differing)
    tied = {item for item in differing if found.labels.items[item].label is not None}
    [line] = notes_of(found)
    assert line == (
        f"agreement: dawid-skene has decided the {len(differing)} rows on which people differ: "
        f"0 have another label than by majority, and {len(tied)} have one where there is no "
        "majority."
    )
    assert tied


def test_it_says_how_many_rows_of_a_split_class_are_asked_again(campaign):
    campaign = replace(campaign, agreement="majority", batch_size=20)
    pool, truth = pool_of(300)
    names = labels_of(pool, truth)
    done = run(campaign, pool, names, 2)
    changes = ({"split": {"from": "tit", "into": ["great tit", "coal tit"]}},)
    classes = ("robin", "wren", "great tit", "coal tit")
    split = replace(campaign, classes=classes, class_changes=changes)
    answer(split, done.batch, names, "second")
    held = replace(split, next_batch_at=2.0)  # takes answers in, and hands nothing out
    found = call(held, pool).state
    first, second = (
        sum(names[one["item"]] == "tit" for one in batch.record["items"]) for batch in found.batches
    )
    assert first
    assert second
    told = f"{first + second} rows are asked again: tit was split into great tit, coal tit."
    assert notes_of(found) == [
        f"{told} {second} of them were answered with it in batch 2, which was handed out before "
        "the split."
    ]
    third = call(replace(split, batch_size=5), pool)
    [line] = notes_of(third.state)
    again = sum(names[one["item"]] == "tit" for one in third.batch.record["items"])
    assert line == f"{told} {again} of them are in batch 3, the others in the next ones."
    renamed = {item: "coal tit" if name == "tit" else name for item, name in names.items()}
    assert notes_of(run(split, pool, renamed, 6).state) == []


def test_it_says_how_many_rows_were_of_no_class_before_one_was_added(campaign):
    campaign = replace(campaign, agreement="majority", batch_size=20)
    pool, truth = pool_of(300)
    names = labels_of(pool, truth)
    first = call(campaign, pool)
    for place in (2, 3, 5):
        names[first.batch.record["items"][place]["item"]] = "(no-class)"
    answer(campaign, first.batch, names)
    done = call(campaign, pool)
    assert notes_of(done.state) == []
    more = replace(campaign, classes=("crow", *campaign.classes))
    [line] = notes_of(call(more, pool).state)
    assert line.startswith("3 rows were answered no-class before crow could be chosen")
    one = first.batch.record["items"][2]["item"]
    answer(more, first.batch, {**names, one: "crow"}, "again", only=(2, 3))
    found = call(more, pool).state
    assert found.labels.items[one].label == "crow"
    assert notes_of(found)[0].startswith("2 rows were answered no-class before crow")
    other = first.batch.record["items"][3]["item"]
    answer(more, first.batch, {**names, other: "crow"}, "once more", only=(3, 4))
    assert notes_of(call(more, pool).state)[0].startswith("1 row was answered no-class before")
