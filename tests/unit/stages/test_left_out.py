"""What a slim archive left out: listed, read, told of when it is needed."""

import types

import pytest

from labelbench_core.errors import InputError
from labelbench_core.stages.left_out import TellOfLeftOut, as_text, left_out, listing_of


@pytest.fixture
def listing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = listing_of("mine")
    path.parent.mkdir(parents=True)
    return path


def test_what_is_there_again_belongs_again(listing, tmp_path):
    assert left_out("mine") == frozenset()
    listing.write_text(as_text(["results/b", "results/a"]))
    assert left_out("mine") == {"results/a", "results/b"}
    (tmp_path / "results/a").mkdir()
    assert left_out("mine") == {"results/b"}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"left_out": 3}', '{"left_out": [3]}'])
def test_a_damaged_listing_is_one_line(listing, text):
    listing.write_text(text)
    with pytest.raises(InputError, match=r"left_out\.json") as caught:
        left_out("mine")
    assert len(str(caught.value).splitlines()) == 1


def workflow(*outputs, targets=()):
    jobs = [types.SimpleNamespace(output=list(outputs))]
    dag = types.SimpleNamespace(needrun_jobs=lambda exclude_finished: jobs, targetfiles=targets)
    return types.SimpleNamespace(dag=dag)


def test_a_plan_that_needs_what_was_left_out_is_told_of_once():
    told = []
    tell = TellOfLeftOut(workflow("a", "b"), frozenset({"b", "c"}), told.append)
    assert tell.filter(types.SimpleNamespace(msg="other"))
    assert told == []
    for _ in range(2):
        assert tell.filter(types.SimpleNamespace(stats={}))
    (line,) = told
    assert "needed: b;" in line
    assert "restore_results --left-out" in line


@pytest.mark.parametrize("plan", [workflow("a"), workflow("a", "b", targets=["b"])])
def test_a_plan_without_it_or_that_was_told_to_make_it_is_not(plan):
    told = []
    TellOfLeftOut(plan, frozenset({"b"}), told.append).filter(types.SimpleNamespace(stats={}))
    assert told == []
