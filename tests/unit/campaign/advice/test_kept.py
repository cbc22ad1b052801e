"""A choice that was made stays until the campaign's file names another; what differs is told."""

import json

import pytest

from labelbench_core.campaign.advice.choice import Situation
from labelbench_core.campaign.advice.evidence import Evidence, Experience, MeasuredSaving
from labelbench_core.campaign.advice.kept import advice, told


def evidence(strategy):
    """Experiments in which one strategy was better."""
    saving = MeasuredSaving(strategy, 5, 2.0, 1.8, 2.2)
    one = Experience(
        "e", "d", "images", 10, False, None, "exact", "linear", "accuracy", 100, 1000, [saving]
    )
    return Evidence([one], [])


def found(folder, asked=(), strategy="badge", refused=()):
    situation = Situation(100, 10, False, "images", "linear")
    allowed = dict.fromkeys(("strategy", "proxy"), lambda name: name not in refused)
    return advice(dict(asked), situation, evidence(strategy), folder, allowed)


def record(folder, number, values):
    place = folder / "batches" / f"batch-{number:03d}"
    place.mkdir(parents=True)
    (place / "proposal.json").write_text(json.dumps(values))


def test_only_what_the_file_leaves_out_is_chosen(tmp_path):
    assert {key: one["chosen"] for key, one in found(tmp_path).items()} == {
        "strategy": "badge",
        "proxy": "linear",
    }
    assert set(found(tmp_path, {"strategy": "margin"})) == {"proxy"}
    assert found(tmp_path, {"strategy": "margin", "proxy": "linear"}) == {}


def test_what_batches_were_proposed_by_stays_and_todays_choice_is_told(tmp_path):
    before = found(tmp_path)
    record(tmp_path, 1, {"advice": before})
    record(tmp_path, 2, {"advice": {}})  # its file named both
    assert found(tmp_path) == before
    later = found(tmp_path, strategy="coreset")
    assert later["strategy"]["chosen"] == "badge"
    assert later["strategy"]["reason"] == before["strategy"]["reason"]
    assert later["strategy"]["now"]["chosen"] == "coreset"
    lines = told(later)
    assert lines[0].startswith("Strategy: badge, by our own experiments")
    assert lines[1].startswith("Today this would be coreset, by our own experiments")
    assert lines[1].endswith("It stays badge until the campaign's file says `strategy: coreset`.")
    assert lines[2].startswith("Proxy: linear, ")
    assert told(later, again=True) == [
        "As chosen when this campaign began (why: on its page): strategy badge and proxy linear.",
        lines[1],
    ]
    # The record of a batch that was proposed since says the same.
    record(tmp_path, 3, {"advice": later})
    assert found(tmp_path, strategy="coreset") == later
    assert found(tmp_path) == before


def test_what_cannot_be_used_any_more_is_chosen_anew(tmp_path):
    record(tmp_path, 1, {"advice": found(tmp_path)})
    later = found(tmp_path, strategy="coreset", refused={"badge"})
    assert later["strategy"]["chosen"] == "coreset"
    said = "Until now the strategy was badge, which this file and catalogue no longer allow; from "
    assert any(line.startswith(said) for line in told(later, again=True))


@pytest.mark.parametrize("strategy", ["badge", "margin"])
def test_campaigns_from_before_keep_what_they_had(tmp_path, strategy):
    record(tmp_path, 1, {"strategy": {"id": "typiclust"}})
    one = found(tmp_path, strategy=strategy)["strategy"]
    assert one["chosen"] == "margin"
    assert "which campaigns had when this one began" in one["reason"]
    assert ("now" in one) == (strategy == "badge")
