"""The names of processors."""

import platform
from pathlib import Path

import pytest

from labelbench_core.compute.devices import processor_name


@pytest.mark.parametrize(
    ("listed", "python", "name"),
    [
        (
            "processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\nmodel name\t: Other\n",
            "x",
            "Some CPU @ 2 GHz",
        ),
        ("processor\t: 0\n", "arm", "arm"),
        (None, "arm", "arm"),
        (None, "", "a processor"),
    ],
)
def test_the_first_processor_is_named_where_linux_lists_it(monkeypatch, listed, python, name):
    def read_text(path, encoding):
        assert path == Path("/proc/cpuinfo")
        if listed is None:
            raise FileNotFoundError(path)
        return listed

    monkeypatch.setattr(Path, "read_text", read_text)
    monkeypatch.setattr(platform, "processor", lambda: python)
    assert processor_name() == name
