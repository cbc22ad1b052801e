"""docs/strategies.md tells of every strategy what its `INFO` says, and shows what it picks."""

import re

import pytest

from helpers.project import PROJECT
from labelbench_core import registry

DOCS = PROJECT / "docs"
TEXT = (DOCS / "strategies.md").read_text(encoding="utf-8")
NAMES = registry.names("strategies")
VALUES = (
    "largest_norm",
    "round_robin",
    "random_class",
    "forward_backward",
    "held_out",
)  # of options
KEYS = {"replay": {"num_rows"}}  # of the file that a strategy reads
ROWS = re.findall(r"^\| \[([a-z-]+)\]\(#\1\) \|(.*)\|$", TEXT, re.MULTILINE)


def test_the_table_has_one_row_for_every_strategy():
    assert sorted(name for name, _ in ROWS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_table_says_what_info_says(name):
    info = registry.describe("strategies", name).info
    run = {other for _, other in registry.components_run("strategies", name)}
    cells = [cell.strip() for cell in dict(ROWS)[name].split("|")]
    yes = {True: "yes", False: "no", "only": "only"}
    assert cells[:4] == [
        info["paper"],
        ", ".join(info["needs"]) + "; held_out" * ("uherding" in run) or "-",
        yes[info["kind"] == "sequential"],
        yes[info["multilabel"]],
    ]


@pytest.mark.parametrize("name", NAMES)
def test_every_strategy_has_a_paragraph_and_a_small_picture(name):
    if "recorded" in registry.describe("strategies", name).info["needs"]:
        assert re.search(rf"^### {name}\n\n.", TEXT, re.M)  # what it picks is no rule's
        return
    picture = f"images/strategies/{name}.png"
    assert re.search(rf"^### {name}\n\n.+?\n\n!\[{name}\]\({picture}\)$", TEXT, re.M | re.S)
    assert 0 < (DOCS / picture).stat().st_size < 40_000


@pytest.mark.parametrize("name", NAMES)
def test_options_named_in_a_paragraph_exist(name):
    section = TEXT.partition(f"### {name}\n")[2].partition("\n#")[0]
    options = registry.describe("strategies", name).options
    named = {word for word in re.findall(r"`([a-z_]+)`", section) if "_" in word}
    assert named <= {*options, *VALUES, *KEYS.get(name, ())}
