"""Recorded lists in an experiment: what fits, and what is told before anything runs."""

import copy
import json

import pytest

from labelbench_core.configuration import entries
from labelbench_core.configuration.catalogue import kind_errors, load_catalogue
from labelbench_core.configuration.loading import check_sources, load_experiment
from labelbench_core.configuration.replays import list_sha256, pairs
from labelbench_core.errors import InputError
from labelbench_core.registry import PROJECT
from labelbench_core.stages.plan import Needs, jobs_of
from labelbench_core.stages.table import STAGES

CONFIG = PROJECT / "config"
EXPERIMENT = {
    "experiment": "replayed",
    "datasets": ["digits"],
    "backbones": ["efficientnet-lite0-64"],
    "proxies": ["linear"],
    "schedules": ["small"],
    "strategies": ["random", "margin", "again"],
    "rounds": 3,
    "seeds": 2,
}
REPLAY = {
    "implementation": "replay",
    "options": {"recorded": "ours.json", "strategy": "margin"},
}
LISTS = {"margin": {"0": [*range(50)], "1": [*range(100, 50, -1)]}}
START = {"recorded": "ours.json", "strategy": "margin"}


@pytest.fixture(scope="module")
def shipped():
    return load_catalogue(CONFIG / "catalogue")


@pytest.fixture
def catalogue(shipped):
    changed = copy.deepcopy(shipped)
    changed["strategies"]["again"] = copy.deepcopy(REPLAY)
    changed["schedules"]["small"] = {"initial": 10, "batch": 20}
    return changed


def checked(catalogue, folder, lists=LISTS, experiment=EXPERIMENT, **changes):
    """The experiment, after all checks; `lists` are in the data directory `folder`."""
    content = {"source": "digits", "num_rows": 1297, "lists": lists, **changes}
    (folder / "ours.json").write_text(json.dumps(content))
    found = load_experiment(experiment, catalogue, CONFIG / "schema", "x.yaml")
    check_sources(found, catalogue, folder, {}, "x.yaml")
    return found


def test_a_list_that_fits_is_compared_with_ours(catalogue, tmp_path):
    experiment = checked(catalogue, tmp_path)
    assert pairs(experiment, catalogue) == {"again": ["margin"]}
    needs = Needs.from_values(entries.needs(experiment, catalogue))
    assert needs.replays == {"again": ("margin",)}
    assert len(list(jobs_of(STAGES["compare_replays"], experiment, needs))) == 1
    first, second = (
        list_sha256(catalogue, "strategies", "again", seed, tmp_path) for seed in (0, 1)
    )
    assert first != second
    assert list_sha256(catalogue, "strategies", "margin", 0, tmp_path) is None


def test_without_a_replay_nothing_is_added(catalogue, tmp_path):
    plain = {**EXPERIMENT, "strategies": ["random", "margin"]}
    experiment = checked(catalogue, tmp_path, experiment=plain)
    found = entries.needs(experiment, catalogue)
    assert "replays" not in found
    assert not list(jobs_of(STAGES["compare_replays"], experiment, Needs.from_values(found)))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"lists": {"margin": {"0": [*range(39)], "1": [*range(60)]}}}, "of 39 rows, but 40 lab"),
        ({"lists": {"margin": {"0": [*range(50)]}}}, "no recorded seed belongs to seed 1"),
        ({"lists": {"random": {"0": [0], "1": [1]}}}, "strategy: 'margin'; allowed: random"),
        ({"source": "cifar10"}, "another pool: data set: digits; allowed: cifar10"),
        ({"num_rows": 1300}, "another pool: pool's number of rows: 1297; allowed: 1300"),
    ],
)
def test_a_list_that_does_not_fit_is_told(catalogue, tmp_path, changes, told):
    with pytest.raises(InputError) as error:
        checked(catalogue, tmp_path, **changes)
    lines = str(error.value).splitlines()
    assert all(line.startswith("x.yaml: strategies: 'again': ") for line in lines)
    assert told in lines[0]
    assert "data set 'digits'" in lines[0]


def test_round_0_and_the_lists_have_to_belong_together(catalogue, tmp_path):
    start = {"initial": 10, "batch": 20, "draw": "recorded", "list": START}
    catalogue["schedules"]["small"] = start
    checked(catalogue, tmp_path)
    # The order of the first labels may differ, the rows may not.
    lists = {**LISTS, "other": {**LISTS["margin"], "0": [*reversed(range(10)), *range(10, 60)]}}
    catalogue["schedules"]["small"] = {**start, "list": {**START, "strategy": "other"}}
    checked(catalogue, tmp_path, lists)
    lists["other"]["0"] = [*range(1, 60)]
    with pytest.raises(InputError, match="are not those that schedule 'small' starts with"):
        checked(catalogue, tmp_path, lists)
    # One row more than the list has.
    lists = {"margin": {"0": [*range(49)], "1": [*range(50)]}}
    catalogue["schedules"]["small"] = start
    with pytest.raises(InputError, match="a list of 49 rows, but 50 labels"):
        checked(catalogue, tmp_path, lists)


def test_a_strategy_that_runs_others_cannot_run_a_replay(catalogue):
    entry = {"implementation": "refine", "options": {"candidates": ["random", "replay"]}}
    schema = CONFIG / "schema" / "catalogue.schema.json"
    (line,) = kind_errors("strategies", {"both": entry}, schema, "s.yaml")
    assert "options.candidates: 'replay'; allowed: strategies that select a whole batch" in line


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"initial": 5, "batch": 5, "draw": "recorded"}, "small.list: missing"),
        ({"initial": 5, "batch": 5, "list": START}, "small.draw: 'uniform'; allowed with a list"),
        ({"initial": "all", "batch": 0, "draw": "recorded", "list": START}, "initial: all"),
        ({"initial": 5, "batch": 5, "draw": "recorded", "list": {"recorded": "a"}}, "strategy"),
    ],
)
def test_schedules_have_a_list_where_they_draw_from_one(entry, told):
    schema = CONFIG / "schema" / "catalogue.schema.json"
    (line,) = kind_errors("schedules", {"small": entry}, schema, "s.yaml")
    assert line.startswith("s.yaml: small")
    assert told in line
