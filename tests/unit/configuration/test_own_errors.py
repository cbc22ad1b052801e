"""Files of one's own that fail while an experiment is planned: one line, never an early end."""

import pytest

from labelbench_core import registry
from labelbench_core.configuration.source_sizes import source_sizes
from labelbench_core.errors import InputError
from labelbench_core.registry import own

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
        (DATA.replace("check", "look"), r"mine.py: has no function check"),
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
