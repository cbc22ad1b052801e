"""Entries and files of one's own: found, checked and hashed; what is wrong is one line."""

import pytest

from helpers.project import PROJECT
from labelbench_core import provenance, registry
from labelbench_core.configuration.catalogue import load_catalogue, wrong_entries
from labelbench_core.configuration.own_entries import Given, read_entries
from labelbench_core.errors import InputError

STRATEGY = '''"""The first rows."""
from .helpers import first

INFO = {"needs": [], "kind": "strategy", "multilabel": True, "deterministic": True}


def select(pool, budget, rng, *, power: float = 1.0):
    """The rows."""
    return first(pool.unlabeled(), budget)
'''


@pytest.fixture
def study(tmp_path):
    folder = tmp_path / "my study"
    folder.mkdir()
    (folder / "mine.py").write_text(STRATEGY)
    (folder / "helpers.py").write_text("def first(rows, budget):\n    return rows[:budget]\n")
    yield folder
    registry.forget_own()


def loaded(folder, value):
    given = Given(value, str(folder / "study.yaml"), folder)
    return load_catalogue(PROJECT / "config" / "catalogue", read_entries([given]))


def of(implementation, **more):
    return {"strategies": {"my-own": {"implementation": implementation, **more}}}


def test_a_file_of_ones_own_is_read_loaded_and_hashed_with_what_it_imports(study):
    catalogue = loaded(study, of("./mine.py", options={"power": 2.0}))
    name = catalogue["strategies"]["my-own"]["implementation"]
    assert name == "./mine.py"
    assert registry.describe("strategies", name).options == {"power": 1.0}
    assert registry.load("strategies", name).first([1, 2, 3], 2) == [1, 2]
    found = provenance.import_closure([registry.module_name("strategies", name)])
    assert {"labelbench_own.mine.mine", "labelbench_own.mine.helpers"} <= found


def test_entries_come_from_a_file_or_a_folder_too(study):
    (study / "more.yaml").write_text("strategies: {my-own: {implementation: mine.py}}")
    (study / "strategies.yaml").write_text("other: {implementation: ./mine.py}")
    found = loaded(study, ["more.yaml", "."])["strategies"]
    assert found["my-own"] == found["other"] == {"implementation": "./mine.py"}


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        (of("./lost.py"), "there is no file"),
        (of(f"./{'x' * 300}.py"), "there is no file"),
        (of("./a\0b.py"), "there is no file"),
        (of("./helpers.txt"), "is not a Python file"),
        (of("../my study"), "is a folder"),
        (of("~/mine.py"), "~ is not expanded"),
        (of("./mine.py", options={"powr": 2}), "options.powr: unknown option"),
        ({"strategies": {"margin": {"implementation": "./mine.py"}}}, "differs from the entry"),
    ],
)
def test_a_wrong_entry_is_one_line_for_who_names_it(study, entries, told):
    catalogue = loaded(study, entries)
    (name,) = entries["strategies"]
    (line,) = wrong_entries(catalogue, [("strategies", name)])
    assert told in line
    assert line.startswith(f"{study / 'study.yaml'}: catalogue.strategies.{name}")
    assert wrong_entries(catalogue, [("strategies", "random")]) == []


def test_an_entry_may_replace_a_shipped_one(study):
    entries = {"strategies": {"margin": {"implementation": "./mine.py", "replace": True}}}
    assert loaded(study, entries)["strategies"]["margin"] == {"implementation": "./mine.py"}


@pytest.mark.parametrize("value", [{"strategy": {}}, "lost.yaml", "~/lab", [], 3])
def test_a_wrong_catalogue_is_one_line(study, value):
    with pytest.raises(InputError, match="catalogue") as caught:
        loaded(study, value)
    assert len(str(caught.value).splitlines()) == 1
