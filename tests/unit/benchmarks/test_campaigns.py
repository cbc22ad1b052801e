"""The benchmark of rehearsed campaigns, on a small pool in memory, and the tables that it keeps."""

import json
from dataclasses import asdict, replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import yaml

from benchmarks import campaigns
from benchmarks._redrawn import ALONE, CLASSES, Audited, drawn_again, in_campaigns, summarised
from benchmarks._rehearsed import RESULT, batches_of, folder_of, rehearsed, unseen_accuracy
from docs import rehearsed_campaigns
from helpers.campaigns import campaign_in, pool_of
from labelbench_core.campaign.rehearsal import rehearse
from labelbench_core.campaign.standing.history import past_models
from labelbench_core.errors import InputError


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    """(pool, true classes, a rehearsed campaign of four batches)."""
    folder = folder_of(tmp_path_factory.mktemp("all"), "birds", 0)
    pool, truth = pool_of(300)
    known = {"class_names": ["robin", "wren", "tit"], "labels": lambda split: truth}
    pool = replace(pool, dataset=SimpleNamespace(**vars(pool.dataset), **known))
    asked = campaign_in(folder, audit=60, audit_share=0.5, rehearsal={"batches": 4}, batch_size=40)
    return pool, truth, rehearsed(replace(asked, folder=folder), pool, 1)


def test_a_campaign_is_run_once(one):
    pool, _, first = one
    kept = first.campaign.folder.parent / RESULT
    before = kept.stat().st_mtime_ns
    again = rehearsed(first.campaign, pool, 1)
    assert str(again.said) == str(first.said)  # NaN is not equal to itself
    assert kept.stat().st_mtime_ns == before
    assert len(first.said["stopping"]) > 5


def test_what_it_said_after_each_batch_is_read_from_its_facts(one, tmp_path):
    pool, truth, first = one
    found = batches_of(first, truth)
    assert [row["num_labeled"] for row in found] == [20, 40, 60, 100]
    folder = folder_of(tmp_path, "birds", 0)
    again = rehearse(replace(first.campaign, folder=folder), pool, truth, truth, 4)
    assert str(found) == str([asdict(one) for one in again.batches])  # NaN is not equal to itself


def test_what_is_true_of_a_saving_is_measured_on_rows_that_trained_no_model(one):
    pool, truth, first = one
    said = first.said["saving"]
    assert said["labels"] == 20
    assert 0.5 < said["true_level"] < 1
    assert 0 <= said["least"] <= said["most"]
    [model, *_] = past_models(first.state)
    labels = first.state.training_labels()
    unseen = unseen_accuracy(first.campaign, pool, model, labels, 1)
    rows = labels.rows[: model.num_labeled]
    others = np.setdiff1d(np.arange(300), rows)
    right = (model.predicted == truth)[others].sum()
    assert right / 300 <= unseen <= (right + len(rows)) / 300


def test_audits_are_the_campaign_s_own_or_drawn_again_from_rows_that_did_not_train(one):
    _, truth, first = one
    found = list(in_campaigns([first], truth))
    assert {one.size for one in found} == {10, 50}
    assert {one.estimator for one in found} == {"plain", "prediction-powered", ALONE, CLASSES}
    models = past_models(first.state)
    accuracies = [float((one.predicted == truth).mean()) for one in models]
    plain = [one.truth for one in found if one.estimator == "plain"]
    assert plain == pytest.approx([*np.repeat(accuracies, 6), *accuracies])  # of 60 audit rows
    again = list(drawn_again([first], truth, 9))
    sizes = [one.size for one in again if one.estimator == "plain"]
    assert sizes == np.repeat([10, 50, 100, 200], 3 * 4).tolist()  # at least 9 of 4 models
    assert ALONE not in {one.estimator for one in again}


def test_coverage_and_width_of_each_size_and_estimator():
    found = [
        Audited(10, "plain", 0.5, 0.9, 0.9),
        Audited(10, "plain", 0.5, 0.7, 0.9),
        Audited(10, "plain", 0.6, 0.95, 0.9),
        Audited(50, "plain", 0.8, 0.9, 0.85),
    ]
    rows = summarised("campaigns", iter(found))
    assert [(row["size"], row["n"]) for row in rows] == [(10, 3), (50, 1)]
    assert rows[0]["coverage"] == pytest.approx(2 / 3)
    assert rows[0]["width"] == pytest.approx(0.35)


def test_every_setting_is_a_campaign_s_file(tmp_path):
    written = campaigns.written_files(tmp_path, [])
    assert {"digits", "cifar-10", "cifar-10-5000", "pacs", "banking77"} < set(written)
    for name, file in written.items():
        content = yaml.safe_load(file.read_text())
        assert content["campaign"] == name
        assert content["rehearsal"]["batches"] == 8
    with pytest.raises(SystemExit, match="allowed: digits"):
        campaigns.written_files(tmp_path, ["nothing"])


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A setting's tables in the place of the project's."""
    monkeypatch.setattr(rehearsed_campaigns, "KEPT", tmp_path)
    folder = tmp_path / "some"
    folder.mkdir()
    made = {
        "rows": 1234,
        "classes": 3,
        "campaigns": 2,
        "commit": "0123456789",
        "settings": {"backbone": "tiny", "batch_size": 20, "rehearsal": {"batches": 4}},
    }
    (folder / "made-from.json").write_text(json.dumps(made))
    intervals = [
        ("campaigns", 10, "plain", 8, 0.875, 0.4),
        ("campaigns", 10, "audit alone", 8, 0.5, 0.4),
        ("redrawn", 10, "plain", 2000, 0.961, 0.41),
    ]
    columns = ["audits", "size", "estimator", "n", "coverage", "width"]
    pd.DataFrame(intervals, columns=columns).to_csv(folder / "intervals.csv", index=False)
    batches = {
        "num_labeled": [20, 40, 20, 40],
        "estimate": [0.5, 0.6, 0.52, 0.58],
        "low": [0.4, 0.5, 0.4, 0.5],
        "high": [0.6, 0.7, 0.6, 0.7],
        "answered": [0.5, 0.6, 0.5, 0.75],
        "holds": [True, True, True, False],
        "next_low": [0.5, None, 0.5, None],
        "next_high": [0.7, None, 0.6, None],
        "next_holds": [True, None, False, None],
    }
    pd.DataFrame(batches).to_csv(folder / "batches.csv", index=False)
    savings = {
        "labels": [20, 20, 0],
        "low": [1.1, 1.2, 0.0],
        "high": [np.inf, 1.4, np.inf],
        "told": [True, True, False],
        "least": [1.3, 0.9, 0.0],
        "most": [1.3, 0.9, np.inf],
    }
    pd.DataFrame(savings).to_csv(folder / "savings.csv", index=False)
    stopping = {
        "rule": ["some", "some", "never", "never"],
        "num_labeled": [20, None, None, None],
        "lost": [0.1, None, None, None],
        "saved": [20, 0, 0, 0],
    }
    pd.DataFrame(stopping).to_csv(folder / "stopping.csv", index=False)


def last_line(table):
    return rehearsed_campaigns.rehearsed(table).splitlines()[2]


@pytest.mark.usefixtures("kept")
def test_tables_of_kept_campaigns():
    expected = "| some | 1,234 | 3 | tiny | 20 | 4 | 2 | `01234567` |"
    assert last_line("settings") == expected
    assert last_line("whole") == "| some | plain | 0.875 (40.0) | – | – | – | – |"
    assert last_line("redrawn") == "| some | plain | 0.961 (41.0) | – | – | – | – |"
    expected = "| some | 20 to 40 | 50.0 to 67.5 % | 0.750 | 20.0 | -3.8 | 2 | 0.500 | 15.0 |"
    assert last_line("batches") == expected
    expected = "| some | 20 | 2 | 0.500 | 1.000 | 0.500 | 1.15 | open | 1.10 (0.90 to 1.30) |"
    assert last_line("savings") == expected
    found = rehearsed_campaigns.rehearsed("stopping")
    assert "| some | some | 1 of 2 | 20 | 10.0 (at most 10.0) | 20 |" in found
    assert "In no campaign stopped: never." in found
    below = rehearsed_campaigns.rehearsed("below")
    assert below.splitlines() == [
        "- some, campaigns, plain, audit 10: 0.875 of 8",
        "- some, after each batch: 0.750 of 4",
        "- some, the next model: 0.500 of 2",
        "- some, the saving: 0.500 of 2",
    ]
    with pytest.raises(InputError, match="allowed: batches"):
        rehearsed_campaigns.rehearsed("else")
