"""What campaigns are advised by is what the kept tables say."""

import csv

import pytest

from docs import kept_results, make_advice
from labelbench_core.campaign.advice.evidence import FILE, shipped
from labelbench_core.storage import files


@pytest.fixture(scope="module")
def today():
    """What the kept tables say, which takes seconds to read."""
    return make_advice.evidence()


@pytest.fixture(autouse=True)
def _read_once(today, monkeypatch):
    monkeypatch.setattr(make_advice, "evidence", lambda: today)


def test_the_shipped_evidence_is_up_to_date(today):
    assert files.read_json(FILE) == today
    assert make_advice.main(["--check"]) == 0


def test_an_old_file_is_told_and_rewritten(tmp_path, monkeypatch, capsys):
    old = tmp_path / "evidence.json"
    old.write_text("{}")
    monkeypatch.setattr(make_advice, "FILE", old)
    assert make_advice.main(["--check"]) == 1
    assert "evidence.json: out of date" in capsys.readouterr().out
    assert old.read_text() == "{}"
    assert make_advice.main([]) == 0
    assert files.read_json(old) == files.read_json(FILE)


def test_savings_are_those_of_the_tables():
    one = next(one for one in shipped().experiences if one.experiment == "cifar10-long-tail")
    with open(kept_results.KEPT / one.experiment / "savings.csv") as handle:
        rows = [row for row in csv.DictReader(handle) if row["split"] == "test"]
    assert [saving.strategy for saving in one.savings] == [row["strategy"] for row in rows]
    for saving, row in zip(one.savings, rows, strict=True):
        assert (saving.saving, saving.low, saving.high) == tuple(
            float(row[key]) for key in ("saving", "low", "high")
        )
    assert (one.classes, one.batch, one.last_labels, one.long_tail) == (10, 200, 2000, 50)


def test_nothing_that_a_campaign_cannot_use_is_evidence():
    proxies = {one.proxy for one in shipped().experiences}
    assert not any("flexmatch" in proxy for proxy in proxies)
    strategies = {saving.strategy for one in shipped().experiences for saving in one.savings}
    assert not any(name.startswith("labelbench-") for name in strategies)
    assert "full-data" not in strategies


def test_settings_that_compare_hardly_any_strategies_say_nothing_of_which_to_choose(today):
    """Strategies must have been run on all data sets: few of them would exclude all others."""
    experiences = today["experiences"]
    assert min(len(one["savings"]) for one in experiences) >= make_advice.FEWEST
    assert "digits-combined" not in {one["experiment"] for one in experiences}
