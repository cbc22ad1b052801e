"""What a finished campaign says where people had labels from before."""

import pytest

from helpers.campaigns import campaign_in, labels_of, pool_of
from helpers.finished_campaigns import FINISH, answered, finished, take_in


def test_the_card_of_labels_from_before_alone(tmp_path):
    pool, truth = pool_of(300)
    labels = labels_of(pool, truth)
    campaign = campaign_in(tmp_path, finish=FINISH)
    inbox = campaign.folder / "labels"
    inbox.mkdir(parents=True)
    names = pool.items[:200]
    (inbox / "a.csv").write_text(
        "item,label\n" + "".join(f"{one},{labels[one]}\n" for one in names)
    )
    take_in(campaign, pool)
    summary, written = finished(campaign, pool, tmp_path / "out")
    assert summary["by_people"] == 200
    assert summary["wrong"] is None
    card = (written.model / "README.md").read_text()
    assert "in 0 batches (200 of them in none: labels from before, or corrections)" in card
    assert "Rows were chosen by people, not at random" in card


def test_undecided_rows_from_before_widen_what_is_said(tmp_path):
    """The audit does not stand for them, and the model labels them: all may be right, or wrong."""
    pool, truth = pool_of(300)
    labels, open_rows = labels_of(pool, truth), pool.items[:60]
    found = []
    for outcome in ("unsure", "no-class"):
        campaign = campaign_in(
            tmp_path / outcome, audit=60, audit_share=0.4, batch_size=40, finish=FINISH
        )
        inbox = campaign.folder / "labels"
        inbox.mkdir(parents=True)
        lines = "".join(f"{one},{outcome}\n" for one in open_rows)
        (inbox / "a.csv").write_text("item,outcome\n" + lines)
        answered(campaign, pool, labels, 4)
        found.append(finished(campaign, pool, tmp_path / outcome / "out")[0])
    unsure, none = found
    assert unsure["by_model"] == none["by_model"] + 60
    assert unsure["wrong"]["high"] == pytest.approx(none["wrong"]["high"] + 60)
    assert unsure["wrong"]["low"] == pytest.approx(none["wrong"]["low"])
    assert none["accuracy"] == unsure["accuracy"]
    for one in found:
        assert "no batch had asked for" in one["notes"][0]
