"""Files of one's own that fail while an experiment is planned: one line, never an early end."""

import ast
import functools

import pytest

from labelbench_core import registry
from labelbench_core.configuration.compatibility import component_code
from labelbench_core.configuration.sources.source_sizes import source_sizes
from labelbench_core.errors import InputError
from labelbench_core.registry import own
from labelbench_core.registry.names_in import OF_ALL, names_in

DATA = '''"""Rows."""
INFO = {"summary": "rows", "license": "-", "paper": ""}


def check(data_dir):
    return {"pool": 6, "test": 6}


def load(data_dir):
    """All splits."""
'''
GIVES = 'return {"pool": 6, "test": 6}'
PLACE = r"mine.py: line \d+: "


@pytest.fixture
def sizes(tmp_path):
    """A function from the text of a data set's file to its sizes."""

    def of(text):
        (tmp_path / "mine.py").write_text(text)
        name = own.add("mine.py", tmp_path)
        return source_sizes({"implementation": name}, tmp_path).splits

    yield of
    registry.forget_own()


def absent_in(source, folder, monkeypatch):
    """What is told of the imports of a strategy with this source, in a folder."""
    (folder / "mine.py").write_text(source)
    monkeypatch.chdir(folder)
    try:
        return list(component_code.absent(registry.module_name("strategies", own.add("mine.py"))))
    finally:
        registry.forget_own()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"import sys\nsys.exit(0)\n{DATA}", rf"{PLACE}cannot be imported: it ended the program"),
        (f"1 / 0\n{DATA}", rf"{PLACE}cannot be imported: ZeroDivisionError"),
        (DATA.replace(GIVES, "raise SystemExit"), rf"{PLACE}check failed: it ended the program"),
        (DATA.replace(GIVES, "{}['a']"), rf"{PLACE}check failed: KeyError: 'a'"),
        (DATA.replace(GIVES, "open('none')"), rf"{PLACE}check failed: FileNotFoundError"),
        (
            DATA.replace(GIVES, "raise ValueError('a\\nb')"),
            rf"{PLACE}check failed: ValueError: a b",
        ),
        (DATA.replace("check", "look"), r"function check; allowed: def check\(data_dir, \*, …\)$"),
        (DATA.replace(GIVES, "return [6]"), r"mine.py: check returned \[6\]; allowed: split → num"),
        (DATA.replace(GIVES, "return {'train': 6}"), r"check returned \{'train': 6\}; allowed"),
        (DATA.replace('"test": 6', '"test": -1'), r"check returned .*'test': -1"),
    ],
)
def test_what_fails_is_one_line_with_its_place(sizes, text, told):
    with pytest.raises(InputError, match=told) as caught:
        sizes(text)
    assert "\n" not in str(caught.value)


def test_sizes_are_those_that_check_gives(sizes):
    assert sizes(DATA) == {"pool": 6, "test": 6}


def test_errors_of_its_own_are_kept(sizes):
    start = "from labelbench_core.errors import InputError\n"
    with pytest.raises(InputError, match=r"^put it there$"):
        sizes(start + DATA.replace(GIVES, "raise InputError('put it there')"))


def test_a_file_without_a_readable_line_is_told_without_one(sizes, tmp_path):
    (tmp_path / "mine.py").write_bytes(b"\0")
    name = own.add("mine.py", tmp_path)
    with pytest.raises(InputError, match=r"mine.py: not valid Python: .*null bytes"):
        registry.describe("datasets", name)


STRATEGY = """import json, numpy.linalg
import parted, together.inner
import {absolute}
from . import tools_of_mine
from .tools_of_mine import anything
from together import inner
from labelbench_core.strategies.kernels.{ours} import lowest
from .{beside} import more
try:
    import not_installed
except ImportError:
    pass


def select():
    import not_installed
"""
THERE = {"absolute": "tools_of_mine", "ours": "scores", "beside": "tools_of_mine"}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, []),
        ({"absolute": "not_installed.part"}, ["line 3: imports not_installed.part"]),
        ({"ours": "scored"}, ["line 7: imports labelbench_core.strategies.kernels.scored"]),
        ({"beside": "other"}, ["line 8: imports other"]),
        ({"absolute": "nothing", "beside": "other"}, ["line 3: imports nothing", "line 8: imp"]),
    ],
)
def test_what_an_own_file_imports_is_there_before_any_job(tmp_path, monkeypatch, changed, told):
    (tmp_path / "tools_of_mine.py").write_text("anything = more = 1")
    for folder in ("parted", "together"):  # without and with an __init__.py
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "inner.py").touch()
    (tmp_path / "together" / "__init__.py").touch()
    source = STRATEGY.format(**{**THERE, **changed})
    found = absent_in(source, tmp_path, monkeypatch)
    assert len(found) == len(told)
    for line, start in zip(found, told, strict=True):
        assert line.startswith(f"mine.py: {start}")
        assert line.endswith(": there is no such module here")


NAMES = """from labelbench_core.strategies.kernels.scores import {ours}
from tools_of_mine import {absolute}, anything as something
from .tools_of_mine import {beside}
from together import {member}
from . import tools_of_mine, together
from numpy import {of_others}
from labelbench_core.strategies import kernels
from dynamic import whatever
from labelbench_core.errors import *
try:
    from tools_of_mine import not_there
except ImportError:
    pass
"""
THERE_TOO = {
    "ours": "lowest", "absolute": "anything", "beside": "Kind", "member": "inner", "of_others": "no"
}  # fmt: skip
TOOLS = """import sys
from elsewhere import *
anything = 1
class Kind: pass
if sys.platform == "none":
    for late in (): pass
with open(__file__) as handle, open(__file__) as (a, *b): pass
def make():
    global made
    made = local = 1
"""


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, []),
        ({"absolute": "late, handle, b, made, starred, sys"}, []),
        (
            {"ours": "lowst"},
            ["line 1: imports lowst from labelbench_core.strategies.kernels.scores"],
        ),
        ({"absolute": "local"}, ["line 2: imports local from tools_of_mine"]),
        ({"absolute": "_hidden"}, []),
        ({"beside": "kind"}, ["line 3: imports kind from tools_of_mine"]),
        ({"member": "outer"}, ["line 4: imports outer from together"]),
    ],
)
def test_names_that_an_own_file_imports_are_in_modules_of_known_source(
    tmp_path, monkeypatch, changed, told
):
    (tmp_path / "tools_of_mine.py").write_text(TOOLS)
    (tmp_path / "elsewhere.py").write_text("starred = _hidden = 1\n")
    (tmp_path / "dynamic.py").write_text("def __getattr__(name): return 1\n")
    (tmp_path / "together").mkdir()
    (tmp_path / "together" / "inner.py").touch()
    source = NAMES.format(**{**THERE_TOO, **changed})
    found = absent_in(source, tmp_path, monkeypatch)
    assert len(found) == len(told)
    for line, start in zip(found, told, strict=True):
        assert line.startswith(f"mine.py: {start}: there is no such name in it")
        assert ("did you mean 'lowest'?" in line) == ("lowst" in line)


@pytest.mark.parametrize("text", ["globals()['x'] = 1", "import sys\nsys.modules[__name__].x = 1"])
def test_names_are_not_guessed_of_code_that_makes_them(tmp_path, text):
    (tmp_path / "makes.py").write_text(text)
    assert names_in(tmp_path / "makes.py", lambda node: None) is None


def test_modules_that_import_each_other_have_the_names_of_both(tmp_path):
    (tmp_path / "a.py").write_text("from b import *\nx = 1\n")
    (tmp_path / "b.py").write_text("from a import *\ny = 1\n")
    found = names_in(tmp_path / "a.py", lambda node: tmp_path / f"{node.module}.py")
    assert found - OF_ALL == {"x", "y", "*"}


def test_no_import_of_this_project_would_be_refused():
    def source(node):
        first = (node.module or "").partition(".")[0]
        return registry.source_of(node.module) if first in registry.OWN_PACKAGES else None

    names_of = functools.cache(lambda path: names_in(path, source))
    checked = 0
    for path in sorted(registry.PACKAGE.rglob("*.py")):
        for node in registry.parse(path).body:
            if not isinstance(node, ast.ImportFrom) or source(node) is None:
                continue
            known = names_of(source(node))
            for one in node.names if known is not None else ():
                module = registry.source_of(f"{node.module}.{one.name}")
                assert one.name in known or module.is_file(), f"{path}: {node.lineno}"
                checked += 1
    assert checked > 1000


def test_what_components_of_this_project_import_is_not_looked_for():
    assert list(component_code.absent("labelbench_core.strategies.margin")) == []
