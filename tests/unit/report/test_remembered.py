"""Parts of the page that are kept: made once for the same code, never taken where damaged."""

import pytest

from labelbench_core.report import remembered as module
from labelbench_core.report.remembered import remembered
from labelbench_core.storage.files import MACHINE_STATE


class Maker:
    """Makes a text, and counts how often."""

    def __init__(self, text="a\nb"):
        self.text, self.calls = text, 0

    def __call__(self):
        self.calls += 1
        return self.text


@pytest.fixture
def source(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "source.py").write_text("x = 1")
    return tmp_path / "source.py"


def test_a_workflow_makes_it_once(source):
    MACHINE_STATE.mkdir(parents=True)
    make = Maker()
    assert [remembered("part", make, ["numpy"], source) for _ in range(3)] == ["a\nb"] * 3
    assert make.calls == 1


def test_nothing_is_written_where_no_workflow_runs(source):
    assert remembered("part", Maker(), ["numpy"], source) == "a\nb"
    assert [path.name for path in source.parent.iterdir()] == ["source.py"]


def test_of_other_code_or_other_packages_it_is_made_again(source, monkeypatch):
    MACHINE_STATE.mkdir(parents=True)
    remembered("part", Maker("old"), ["numpy"], source)
    monkeypatch.setattr(module, "version", {"numpy": "0"}.get)
    assert remembered("part", Maker("packages"), ["numpy"], source) == "packages"
    monkeypatch.undo()
    monkeypatch.chdir(source.parent)
    assert remembered("part", Maker("back"), ["numpy"], source) == "back"
    source.write_text("x = 2")
    assert remembered("part", Maker("code"), ["numpy"], source) == "code"


def test_where_it_cannot_be_written_it_is_made(source):
    (MACHINE_STATE / "part").mkdir(parents=True)
    assert remembered("part", Maker(), ["numpy"], source) == "a\nb"


@pytest.mark.parametrize("damage", [b"", b"// \na\nb", b"\xff\xfe", None])
def test_where_the_file_is_damaged_it_is_made_again(source, damage):
    MACHINE_STATE.mkdir(parents=True)
    remembered("part", Maker(), ["numpy"], source)
    path = MACHINE_STATE / "part"
    path.write_bytes(path.read_bytes()[:-1] if damage is None else damage)
    make = Maker()
    assert remembered("part", make, ["numpy"], source) == "a\nb"
    assert make.calls == 1
    assert remembered("part", make, ["numpy"], source) == "a\nb"
    assert make.calls == 1
