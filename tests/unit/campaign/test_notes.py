"""What a call says of labels that are not simply what people said."""

import pytest

from helpers.campaigns import answer, call, campaign_in, labels_of, pool_of
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
