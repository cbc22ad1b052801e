"""Every block of YAML in the pages is valid: an experiment, a part of one, or catalogue entries."""

import re

import pytest
import yaml

from helpers.project import PROJECT
from labelbench_core import registry
from labelbench_core.campaign.settings import load_campaign
from labelbench_core.configuration.catalogue import KINDS, kind_errors, load_catalogue
from labelbench_core.configuration.inheritance import asked
from labelbench_core.configuration.loading import load_experiment

SCHEMAS = PROJECT / "config" / "schema"
PAGES = sorted(
    page for folder in (".", "docs", "config") for page in (PROJECT / folder).glob("*.md")
)
BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"(?:catalogue/)?(\w+)\.yaml")
# Entries of components that are shown on the same page, and are tried out by test_docs_python.
SHOWN = {"least-margin", "two-views"}


def blocks():
    """(page, number, text before it, text) of every block of YAML."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for number, match in enumerate(BLOCK.finditer(text)):
            yield page.name, number, text[: match.start()], match[1]


def parts(before, text):
    """(kind, entries) of a block of catalogue entries; a comment or the sentence before names it.

    The kind is None for a part of an experiment.
    """
    pieces = re.split(r"^# (?:config/catalogue/)?(\w+)\.yaml\n", text, flags=re.MULTILINE)
    if len(pieces) > 1:
        for kind, piece in zip(pieces[1::2], pieces[2::2], strict=True):
            yield kind, yaml.safe_load(piece)
        return
    entries = yaml.safe_load(text)
    of_experiments = {
        *("experiment", "annotators", "also", "finetune", "recipes", "reference", "prices"),
        "catalogue",
    }
    if "campaign" in entries:
        yield "campaign", entries
        return
    if entries.keys() & of_experiments:
        yield None, entries
        return
    named = [kind for kind in FILE.findall(before) if kind in KINDS]
    yield (named[-1] if named else "nothing before it"), entries


ALL = [pytest.param(*block, id=f"{block[0]}-{block[1]}") for block in blocks()]
WHOLE = [block for block in blocks() if "experiment:" in block[3] and "extends:" not in block[3]]


@pytest.fixture(scope="module")
def documented():
    """The catalogue, and the entries that the pages show."""
    catalogue = load_catalogue(PROJECT / "config" / "catalogue")
    for _, _, before, text in blocks():
        for kind, entries in parts(before, text):
            whole = kind in (None, "campaign")
            own = entries.get("catalogue") or {} if whole else {kind: entries}
            for key, given in own.items():
                catalogue[key] = {**catalogue[key], **given}
    return catalogue


def test_one_page_shows_a_whole_experiment():
    assert [page for page, *_ in WHOLE] == ["configuration.md"]


@pytest.mark.parametrize(("page", "number", "before", "text"), ALL)
def test_block(page, number, before, text, documented):
    for kind, values in parts(before, text):
        if kind is None:
            # A part of an experiment is put into the one that is shown whole.
            whole = yaml.safe_load(WHOLE[0][3])
            # One that extends another may stand in the clone's folder.
            base = {} if "extends" in values else whole
            wanted = {**base, **values}
            for recipe in wanted.get("recipes", (None,)):
                chosen = asked(wanted, page, {PROJECT / page: wanted}, recipe)
                load_experiment(chosen.values, documented, SCHEMAS, page)
            continue
        if kind == "campaign":
            load_campaign(values, documented, SCHEMAS, page, PROJECT)
            continue
        assert kind in KINDS
        checked = {name: entry for name, entry in values.items() if name not in SHOWN}
        assert kind_errors(kind, checked, SCHEMAS / "catalogue.schema.json", page) == []
        for name in values.keys() & SHOWN:
            assert values[name]["implementation"] == name
            assert name not in registry.names(kind)


@pytest.mark.parametrize(
    "values",
    [{"finetune": {"trainers": ["nothing"]}}, {"also": [{"roundz": 3}]}, {"strategies": ["none"]}],
)
def test_a_wrong_part_would_be_seen(values, documented):
    with pytest.raises(ValueError, match=r"allowed|missing"):
        load_experiment({**yaml.safe_load(WHOLE[0][3]), **values}, documented, SCHEMAS, "page")
