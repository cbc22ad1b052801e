"""Recorded lists: published ones, files, and what is told of those that cannot be used."""

import json
import re

import numpy as np
import pytest

from helpers.project import PROJECT
from labelbench_core.datasets.rows.identity import pool_sha256
from labelbench_core.datasets.rows.recorded_lists import (
    PUBLISHED_POOL,
    check_length,
    check_pool,
    read_list,
)
from labelbench_core.errors import InputError
from labelbench_core.published import selections

OURS = {"recorded": "ours.json", "strategy": "margin"}
THEIRS = {"recorded": "cifar10-1000-linear", "strategy": "margin"}


@pytest.fixture
def written(tmp_path):
    """Function: write a file of lists, with changes; its folder."""

    def write(**changes):
        lists = {"margin": {"7": [3, 1, 2], "9": [0, 4]}, "random": {"5": [1]}}
        content = {"source": "digits", "num_rows": 5, "lists": lists, **changes}
        (tmp_path / "ours.json").write_text(json.dumps(content))
        return tmp_path

    return write


def test_a_list_of_a_file_belongs_to_the_seed_in_its_place(written):
    folder = written(pool_sha256="ab")
    # Seeds 5, 7 and 9 of all strategies belong to 0, 1 and 2.
    found = read_list(OURS, 1, folder)
    assert found.indices.tolist() == [3, 1, 2]
    assert (found.source, found.num_rows, found.pool_sha256) == ("digits", 5, "ab")
    assert read_list({**OURS, "seeds": [9, 7]}, 0, folder).indices.tolist() == [0, 4]
    assert found.sha256 != read_list(OURS, 2, folder).sha256
    written(lists={"margin": {"7": [3, 1, 2, 0]}})
    assert read_list(OURS, 0, folder).indices.tolist() == [3, 1, 2, 0]


def test_the_file_that_the_page_shows_is_read(tmp_path):
    """docs/strategies.md."""
    page = (PROJECT / "docs" / "strategies.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```json\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "ours.json").write_text(block)
    assert [read_list(OURS, seed, tmp_path).indices.tolist() for seed in (0, 1)] == [
        *([17, 3, 4096], [5, 21, 8])
    ]
    assert read_list(OURS, 0, tmp_path).num_rows == 50_000


@pytest.mark.parametrize("place", range(4))
def test_published_lists_go_by_the_published_seeds(tmp_path, place):
    found = read_list(THEIRS, place, tmp_path)
    seed = (1234, 3334155, 6667077, 9999999)[place]
    expected = selections.selections("cifar10-1000-linear", "margin", seed)
    assert np.array_equal(found.indices, expected)
    assert (found.source, found.num_rows) == ("cifar10", 50_000)
    others = {**THEIRS, "strategy": "coreset"}
    assert np.array_equal(read_list(others, place, tmp_path).indices[:1000], expected[:1000])


@pytest.mark.parametrize(
    ("changes", "options", "seed", "told"),
    [
        (
            {},
            {"recorded": ""},
            0,
            "options.recorded: missing; allowed: the name of published lists",
        ),
        (
            {},
            {"strategy": ""},
            0,
            "options.strategy: missing; allowed: the name of published lists",
        ),
        ({}, {"recorded": "other.json"}, 0, "'other.json': no published lists have this name"),
        ({}, {"recorded": "cifar10-1000-liner"}, 0, "did you mean 'cifar10-1000-linear'"),
        ({}, {"strategy": "margine"}, 0, "strategy: 'margine' .did you mean 'margin'"),
        ({}, {}, 0, "seeds: list of 'margin': 5; allowed: 7, 9"),
        ({}, {}, 3, "no recorded seed belongs to seed 3; allowed: seeds 0 to 2 .which are 5, 7, 9"),
        ({}, {"seeds": [8]}, 0, "seeds: list of 'margin': 8; allowed: 7, 9"),
        ({"num_rows": 3}, {}, 1, "margin, seed 7: row 3 is not in the pool; allowed: 0 to 2"),
        ({"lists": {"margin": {"0": [1, 1]}}}, {}, 0, "row 1 occurs more than once"),
        ({"lists": {"margin": {"0": [0.5]}}}, {}, 0, "allowed: a list of whole numbers"),
        ({"lists": {"margin": {"0": []}}}, {}, 0, "allowed: a list of whole numbers"),
        ({"lists": {"margin": {"a": [1]}}}, {}, 0, "lists.margin: .*; allowed: an object, seed"),
        ({"lists": []}, {}, 0, "lists: .*; allowed: an object, strategy"),
        ({"num_rows": True}, {}, 0, "num_rows: True; allowed: the number of rows"),
        ({"source": None}, {}, 0, "source: None; allowed: the implementation"),
    ],
)
def test_what_is_no_list_is_told(written, changes, options, seed, told):
    folder = written(**changes)
    with pytest.raises(InputError, match=told) as error:
        read_list({**OURS, **options}, seed, folder)
    assert "\n" not in str(error.value)


def test_a_list_has_to_be_named(tmp_path):
    for options in ({}, {"recorded": "ours.json"}, {"strategy": "margin"}):
        with pytest.raises(InputError, match=r"^options\.\w+: missing; allowed: .*[^\n]$"):
            read_list(options, 0, tmp_path)


def test_what_is_no_file_of_lists_is_told(tmp_path):
    for text in ("[]", "{", "\x00"):
        (tmp_path / "ours.json").write_text(text)
        with pytest.raises(InputError, match=r"ours\.json"):
            read_list(OURS, 0, tmp_path)


def test_a_list_is_of_one_pool(written):
    found = read_list(OURS, 1, written(pool_sha256="ab"))
    check_pool(found)
    check_pool(found, source="digits", num_rows=5, pool_sha256="ab")
    for other in ({"source": "cifar10"}, {"num_rows": 6}, {"pool_sha256": "cd"}):
        with pytest.raises(InputError, match="recorded on another pool"):
            check_pool(found, **other)
    check_length(found, 3)
    with pytest.raises(InputError, match="a list of 3 rows, but 4 labels"):
        check_length(found, 4)


def test_the_published_pool_is_told_by_its_images(tmp_path):
    found = read_list(THEIRS, 0, tmp_path)
    assert pool_sha256({"images_sha256": PUBLISHED_POOL}) == found.pool_sha256
    assert pool_sha256({"files_sha256": "ab"}) == "ab"
    assert pool_sha256({}) is None
