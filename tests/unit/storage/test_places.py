"""Paths that people give: one line for each that is no file, before anything is opened."""

import pytest

from labelbench_core.backbones.shared import building
from labelbench_core.configuration import own_entries
from labelbench_core.configuration.sources.weights_files import content_changed
from labelbench_core.errors import InputError
from labelbench_core.registry import own
from labelbench_core.storage import places

LONG = "x" * 300


@pytest.fixture
def closed(tmp_path, monkeypatch):
    """A file in a folder that may not be looked into; root would look anyway."""
    real = places.os.stat
    hidden = tmp_path / "closed"

    def stat(path, *arguments, **options):
        if str(path).startswith(f"{hidden}/"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *arguments, **options)

    monkeypatch.setattr(places.os, "stat", stat)
    return hidden / "mine.py"


def test_no_file_has_such_a_name(tmp_path):
    for name in (LONG, "a\0b", "none/none", f"{LONG}/a"):
        assert not places.is_file(tmp_path / name)
        assert not places.is_folder(tmp_path / name)
    assert places.is_folder(tmp_path)
    assert not places.is_file(tmp_path)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (LONG, "no such file, or it is empty"),
        ("a\0b", r"a\x00b: no such file, or it is empty"),
        (
            "~no-such-user/net.pth",
            "checkpoint: ~no-such-user/net.pth: no such file, or it is empty",
        ),
        (".", "checkpoint: .: is a folder; allowed: an existing file"),
    ],
)
def test_a_checkpoint_that_is_no_file_is_one_line(name, told):
    with pytest.raises(InputError) as caught:
        building.require_file(name)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
    entry = {"implementation": "timm-model", "options": {"checkpoint": name}}
    assert content_changed(entry, places.Path(__file__), places.Path()) is None


@pytest.mark.parametrize("value", [LONG, "a\0b", "mine/lost.yaml"])
def test_a_catalogue_that_is_not_there_is_one_line(value, tmp_path):
    given = own_entries.Given([value], "study.yaml", tmp_path)
    with pytest.raises(InputError, match=r"^study.yaml: catalogue.0: .*: there is no file or fold"):
        own_entries.read_entries([given])


def test_what_may_not_be_looked_at_is_not_said_to_be_missing(closed, tmp_path):
    given = own_entries.Given(str(closed), "study.yaml", tmp_path)
    calls = (
        lambda: own_entries.read_entries([given]),
        lambda: own.add(str(closed)),
        lambda: building.require_file(str(closed)),
    )
    for call in calls:
        with pytest.raises(InputError, match=r"mine.py cannot be looked at: Permission denied"):
            call()


def test_a_checkpoint_that_may_not_be_read_is_told(tmp_path, monkeypatch):
    file = tmp_path / "net.pth"
    file.write_bytes(b"net")
    assert building.require_file(str(file)) == file
    monkeypatch.setattr(building.os, "access", lambda path, mode: False)
    with pytest.raises(
        InputError, match=r"net.pth: cannot be read: no permission; allowed: a file"
    ):
        building.require_file(str(file))
