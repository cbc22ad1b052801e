"""`--check` says which classes the folders above those of the images would be."""

import pytest

from helpers.pictures_by_table import paint
from labelbench_core.datasets import __main__ as command

ELSE = "with --options '{nested: outer}' there would be 2 other classes: cat, dog"


@pytest.fixture
def check(tmp_path, monkeypatch, capsys):
    """Paints images at paths; what is printed of their folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LABELBENCH_DATA", raising=False)

    def checked(patterns, *more):
        for number, pattern in enumerate(patterns):
            for copy in range(6):
                paint(tmp_path / "data" / "mine" / pattern / f"{copy}.png", 10 * number + copy)
        assert command.main(["--check", "data/mine", *more]) == 0
        return capsys.readouterr().out

    return checked


def test_dates_below_classes_are_told_from_classes(check):
    patterns = ["cat/2024-01", "dog/2024-01", "cat/2024-02", "dog/2024-02"]
    told = check(patterns)
    assert "2024-01: pool 10, test 2" in told
    assert ELSE in told
    told = check(patterns, "--options", "{nested: outer}")
    assert "cat: pool 10, test 2" in told
    assert "there would be" not in told


def test_in_folders_of_splits(check):
    kinds = [f"{kind}/a{number}" for kind in ("cat", "dog") for number in (1, 2)]
    assert ELSE in check([f"{split}/{kind}" for split in ("train", "test") for kind in kinds])


@pytest.mark.parametrize("patterns", [["images/cat", "images/dog"], ["cat", "dog"]])
def test_nothing_is_said_where_there_is_no_other_way(check, patterns):
    assert "there would be" not in check(patterns)
