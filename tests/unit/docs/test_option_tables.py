"""Tables of options and BibTeX in docs/ are what the code and references.bib say."""

import re
from pathlib import Path

import pytest

from docs import campaign_walk, make_results
from docs import make_option_tables as tables
from docs.stated_numbers import MARKED
from labelbench_core import registry
from labelbench_core.analysis.stopping import stopping_rules

ALL = [(kind, name) for kind in registry.MAIN_FUNCTION for name in registry.names(kind)]
ENTRIES = tables.references()
KEYS = [re.match(r"@[a-z]+\{([^,]+),", entry)[1] for entry in ENTRIES]
OF = {key: tables.components(entry) for key, entry in zip(KEYS, ENTRIES, strict=True)}


def told_of(kind, name):
    """What a component, or the module of the rules for stopping, says of its papers."""
    if kind == tables.STOPPING:
        return Path(stopping_rules.__file__).read_text(encoding="utf-8")
    component = registry.describe(kind, name)
    docstring = component.path.read_text(encoding="utf-8").split('"""')[1]
    return f"{component.info.get('paper', '')} {docstring}"


@pytest.mark.parametrize("page", tables.pages(), ids=lambda page: page.name)
def test_the_page_is_in_step_with_the_code(page):
    text = page.read_text(encoding="utf-8")
    assert tables.renewed(text) == text, "run: python -m docs.make_option_tables"


@pytest.mark.parametrize(("kind", "name"), ALL, ids=map("/".join, ALL))
def test_every_component_with_options_has_a_table(kind, name):
    blocks = {
        found["of"]
        for page in tables.pages()
        for found in tables.BLOCK.finditer(page.read_text(encoding="utf-8"))
    }
    assert kind in blocks or f"{kind}/{name}" in blocks or not registry.describe(kind, name).options


def test_a_changed_page_is_found_and_mended(tmp_path, monkeypatch, capsys):
    page = tmp_path / "page.md"
    page.write_text("Before.\n<!-- options: strategies/badge -->\nold\n<!-- end -->\nAfter.\n")
    monkeypatch.setattr(tables, "DOCS", tmp_path)
    assert tables.main(["--check"]) == 1
    assert "old" in page.read_text()
    assert tables.main([]) == 0
    text = page.read_text()
    assert "| `first_center` | uniform, largest_norm | uniform | the paper's |" in text
    assert text.startswith("Before.\n<!-- options")
    assert text.endswith("<!-- end -->\nAfter.\n")
    assert tables.main(["--check"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "docs/page.md: out of date",
        "docs/page.md: rewritten",
    ]


def test_markers_come_in_pairs_and_all_are_known():
    for page in tables.DOCS.glob("*.md"):
        text = page.read_text(encoding="utf-8")
        starts = len(re.findall(r"<!-- (?:quoted|measured): |<!-- [\w-]+: [a-z0-9/ -]+ -->", text))
        patterns = (tables.BLOCK, make_results.BLOCK, make_results.VALUE, campaign_walk.PRINTED)
        known = sum(len(pattern.findall(text)) for pattern in patterns)
        stated = [one["kind"] in ("quoted", "measured") for one in MARKED.finditer(text)]
        known += sum(stated)
        assert starts == text.count("<!-- end -->") == known, page.name


def test_keys_and_fields_of_references_are_complete():
    assert len(set(KEYS)) == len(KEYS)
    assert tables.REFERENCES.read_text(encoding="utf-8").count("\n@") == len(ENTRIES)
    for entry in ENTRIES:
        assert entry.count("{") == entry.count("}")
        for name in ("author", "title", "year", "keywords"):
            assert tables.field(entry, name), entry


@pytest.mark.parametrize(("kind", "name"), ALL, ids=map("/".join, ALL))
def test_every_paper_has_an_entry(kind, name):
    has_paper = registry.describe(kind, name).info.get("paper", "") not in ("", "-")
    assert any((kind, name) in of for of in OF.values()) == has_paper


@pytest.mark.parametrize("name", stopping_rules.RULES)
def test_every_rule_for_stopping_has_an_entry(name):
    assert any((tables.STOPPING, name) in of for of in OF.values())


@pytest.mark.parametrize("key", KEYS)
def test_an_entry_is_of_components_that_name_its_author_and_year(key):
    entry = ENTRIES[KEYS.index(key)]
    surname, year = tables.field(entry, "author").split(",")[0], tables.field(entry, "year")
    assert key.startswith(surname.lower() + year)
    for kind, name in OF[key]:
        assert name in (stopping_rules.RULES if kind == tables.STOPPING else registry.names(kind))
        told = told_of(kind, name)
        assert surname in told
        assert year in told or not re.search(r"\b(19|20)\d\d\b", told)


def test_an_unknown_kind_is_told():
    entry = "@misc{x,\n  keywords = {strategy/badge}\n}"
    with pytest.raises(ValueError, match=r"keywords: 'strategy/badge'; allowed: datasets, "):
        tables.components(entry)
