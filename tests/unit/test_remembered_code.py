"""What is remembered of code saves time and nothing else: only equal bytes have equal facts."""

import json

import pytest

from labelbench_core import provenance, registry

MODULE = "labelbench_core.strategies.margin"


@pytest.fixture
def path(tmp_path):
    yield tmp_path / "state" / "code.json"
    provenance.remember(tmp_path / "none")


@pytest.fixture
def parsed(monkeypatch):
    """Files that were parsed."""
    found = []
    parse = registry.parse

    def watched(file):
        found.append(file)
        return parse(file)

    monkeypatch.setattr(registry, "parse", watched)
    return found


def remembered(path):
    """Remember, and the file that is written at the end."""
    provenance.remember(path)
    before = dict(provenance._known)
    closure = provenance.import_closure([MODULE])
    hashes = {module: provenance.module_hash(module) for module in closure}
    provenance._save(path, before)
    return hashes


def test_nothing_is_parsed_twice_and_all_is_as_before(path, parsed):
    first = remembered(path)
    assert len(parsed) == len(first) > 5
    written = path.read_bytes()
    parsed.clear()
    assert remembered(path) == first
    assert parsed == []
    assert path.read_bytes() == written


def test_other_bytes_are_parsed_again(path, parsed, tmp_path, monkeypatch):
    first = remembered(path)
    changed = tmp_path / "margin.py"
    changed.write_text(registry.source_of(MODULE).read_text() + "\nimport labelbench_core.seeds\n")
    source_of = registry.source_of

    def moved(module):
        return changed if module == MODULE else source_of(module)

    monkeypatch.setattr(registry, "source_of", moved)
    parsed.clear()
    second = remembered(path)
    assert changed in parsed
    assert second[MODULE] != first[MODULE]
    assert "labelbench_core.seeds" in second
    assert "labelbench_core.seeds" not in first
    # One state of each module is kept.
    names = [key.partition(" ")[0] for key in json.loads(path.read_bytes())["modules"]]
    assert len(names) == len(set(names)) == len(second)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"read_by": 1, "modules": {}}',
        b'{"modules": {"a": 1}}',
        b"\xff",
    ],
)
def test_a_file_that_is_none_is_of_no_influence(path, content, parsed):
    path.parent.mkdir()
    path.write_bytes(content)
    assert len(remembered(path)) == len(parsed)


def test_facts_of_another_reader_are_not_believed(path, parsed):
    remembered(path)
    content = json.loads(path.read_bytes())
    for wrong in ({"read_by": "other"}, {"modules": {"a b": ["digest"]}}):
        path.write_text(json.dumps({**content, **wrong}))
        parsed.clear()
        assert len(remembered(path)) == len(parsed)


def test_a_folder_that_may_not_be_written_stops_nothing(path):
    path.parent.write_text("a file")
    assert remembered(path)
