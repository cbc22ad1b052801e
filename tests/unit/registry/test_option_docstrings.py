"""Docstrings say of every option what it means, in what unit, and whose default it is."""

import subprocess
import sys

import pytest

from helpers.project import PROJECT
from labelbench_core import registry
from labelbench_core.registry import docstrings

ALL = [(kind, name) for kind in registry.MAIN_FUNCTION for name in registry.names(kind)]
GOOD = "Number of rows. Default: the paper's."
SOURCE = '''"""A component."""

from labelbench_core.registry.options import Count

INFO = {{"summary": "-"}}


def build(*, rows: Count = 25, form: str = "plain", share: float = 0.5, most: int = 20_000):
    """Build it.

    Parameters
    ----------
    rows
        {rows}
    form
        {form}
    share
        {share}
    most
        {most}{more}
    """
'''


@pytest.fixture
def errors(tmp_path, monkeypatch):
    def run(more="", **texts):
        told = {"rows": GOOD, "form": GOOD, "share": GOOD, "most": GOOD} | texts
        path = tmp_path / "made.py"
        path.write_text(SOURCE.format(more=more, **told))
        for cached in (registry.describe, registry.parse):
            cached.cache_clear()
        monkeypatch.setattr(registry, "module_name", lambda kind, name: "made")
        monkeypatch.setattr(registry, "source_of", lambda module: path)
        return list(docstrings.errors(registry.describe("backbones", "made")))

    yield run
    for cached in (registry.describe, registry.parse):
        cached.cache_clear()


@pytest.mark.parametrize(("kind", "name"), ALL, ids=map("/".join, ALL))
def test_every_option_is_described_once_and_rightly(kind, name):
    assert list(docstrings.errors(registry.describe(kind, name))) == []


def test_no_component_is_imported_to_read_them():
    code = (
        "import sys\n"
        "from labelbench_core import registry\n"
        "from labelbench_core.registry import docstrings\n"
        "for kind in registry.MAIN_FUNCTION:\n"
        "    for name in registry.names(kind):\n"
        "        assert not list(docstrings.errors(registry.describe(kind, name)))\n"
        "print(sorted({'torch', 'numpy'} & set(sys.modules)))\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert told.stdout == "[]\n"


def test_a_good_docstring_has_no_errors(errors):
    assert errors() == []
    assert errors(more="\n\n    Raises\n    ------\n    InputError\n        If not.") == []


def test_a_missing_option_is_named(errors, tmp_path):
    assert errors(rows="Rows, with no source.") == [
        "Parameters: rows: source ''; allowed: " + ", ".join(docstrings.SOURCES)
    ]
    renamed = SOURCE.replace("    rows\n", "    row\n").format(
        rows=GOOD, form=GOOD, share=GOOD, most=GOOD, more=""
    )
    (tmp_path / "made.py").write_text(renamed)
    registry.describe.cache_clear()
    registry.parse.cache_clear()
    assert list(docstrings.errors(registry.describe("backbones", "made"))) == [
        "Parameters: row; allowed: rows, form, share, most",
        "Parameters: rows: missing; allowed: its meaning, unit and source",
    ]


def test_a_name_that_is_no_parameter_is_refused(errors):
    found = errors(more=f"\n    other\n        {GOOD}")
    assert found == ["Parameters: other; allowed: rows, form, share, most"]


@pytest.mark.parametrize(
    "texts",
    [
        {"rows": "25 rows are taken. Default: the paper's."},
        {"rows": "Rows. Default: the paper's, 25."},
        {"form": "Form, by default plain. Default: ours."},
        {"form": 'Form (default: "plain"). Default: ours.'},
        {"share": "Share, 0.5 of all. Default: ours."},
        {"most": "Largest number, 20,000 rows. Default: ours."},
    ],
)
def test_a_repeated_default_is_found(errors, texts):
    (name,) = texts
    (found,) = errors(**texts)
    assert found.startswith(f"Parameters: {name}: repeats the default, ")


@pytest.mark.parametrize(
    "text",
    ["A whole number of rows.", "Rows (int).", "Rows, at least 1.", "A string, optional."],
)
def test_a_repeated_type_or_bound_is_found(errors, text):
    (found,) = errors(rows=f"{text} Default: ours.")
    assert found.endswith("repeats what the annotation says")


def test_what_is_allowed_may_be_explained(errors):
    assert errors(form='"plain": as it is; "bent": not. Default: ours.') == []
    assert errors(rows="As CIFAR-25 has; 250 would be many, 2.5 few. Default: ours.") == []


def test_grouped_names_share_a_text(errors, tmp_path):
    errors()
    grouped = SOURCE.replace("    rows\n        {rows}\n    form\n", "    rows, form\n").format(
        form=GOOD, share=GOOD, most=GOOD, more=""
    )
    (tmp_path / "made.py").write_text(grouped)
    registry.describe.cache_clear()
    registry.parse.cache_clear()
    told = docstrings.descriptions(registry.describe("backbones", "made"))
    assert list(told) == ["rows", "form", "share", "most"]
    assert told["rows"] == docstrings.Description("Number of rows.", "the paper's")


def test_a_type_behind_a_name_is_refused(errors, tmp_path):
    errors()
    typed = SOURCE.replace("    rows\n", "    rows : int, default=25\n").format(
        rows=GOOD, form=GOOD, share=GOOD, most=GOOD, more=""
    )
    (tmp_path / "made.py").write_text(typed)
    registry.describe.cache_clear()
    registry.parse.cache_clear()
    found = list(docstrings.errors(registry.describe("backbones", "made")))
    assert found[0].startswith("Parameters: rows : int, default=25; allowed: rows")
