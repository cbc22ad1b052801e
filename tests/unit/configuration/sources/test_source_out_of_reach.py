"""Sources out of reach, as a whole or in part: what was prepared stands."""

import errno
import os
import shutil

import pytest

from helpers.own_images import (
    ENTRY,
    OPTIONS,
    add,
    changed,
    edit,
    gone,
    new_image,
    prepare,
    refuse,
    touch,
)
from labelbench_core.configuration.sources import since_prepared
from labelbench_core.errors import InputError

pytestmark = pytest.mark.usefixtures("settled")


def unmounted(mine):
    shutil.rmtree(mine.parent)


def empty(mine):
    """As a folder in which something is mounted at other times."""
    shutil.rmtree(mine)
    mine.mkdir()


@pytest.mark.parametrize("change", [unmounted, gone, empty])
@pytest.mark.parametrize("when", ["small", "always"])
def test_a_source_out_of_reach_is_no_change(mine, tmp_path, change, when):
    change(mine)
    assert changed(tmp_path, when=when) is None


def test_a_source_that_may_not_be_listed_is_no_change(mine, tmp_path, monkeypatch):
    def refuse(*arguments, **options):
        raise PermissionError(13, "Permission denied", str(mine))

    from labelbench_core.datasets import image_folder

    monkeypatch.setattr(image_folder, "source_files", refuse)
    assert changed(tmp_path) is None
    manifest = tmp_path / "datasets" / "mine" / "manifest.json"
    finding = since_prepared.look_at("mine", manifest, tmp_path / "data", state=tmp_path / "state")
    assert finding.state == since_prepared.OUT_OF_REACH
    assert "Permission denied" in finding.what


@pytest.mark.parametrize("error", [errno.EACCES, errno.EPERM, errno.EIO, errno.ESTALE])
@pytest.mark.parametrize("names", [["pool/cat/1.png"], ["pool/cat/"], ["pool/", "test/"]])
def test_files_that_may_not_be_read_are_out_of_reach(mine, tmp_path, monkeypatch, error, names):
    touch(mine)  # what is remembered of them does not help
    add(mine)
    refuse(monkeypatch, *names, error=error)
    assert changed(tmp_path) is None
    manifest = tmp_path / "datasets" / "mine" / "manifest.json"
    finding = since_prepared.look_at("mine", manifest, tmp_path / "data", state=tmp_path / "state")
    assert finding.state == since_prepared.OUT_OF_REACH
    assert finding.what.endswith(f".png: {os.strerror(error)}")


def test_a_class_that_may_not_be_listed_is_out_of_reach(mine, tmp_path, monkeypatch):
    real = os.scandir

    def listing(path):
        if str(path).endswith("pool/cat"):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", listing)
    assert changed(tmp_path) is None
    with pytest.raises(InputError, match=r"pool/cat: cannot be listed \(Permission denied\)"):
        prepare(tmp_path)


def test_preparing_from_where_nothing_may_be_read_is_one_line(mine, tmp_path, monkeypatch):
    refuse(monkeypatch, "data/mine", "data/")
    with pytest.raises(
        InputError, match=r"mine: .*data/mine: cannot be read \(Permission denied\)$"
    ):
        prepare(tmp_path)


def test_what_could_not_be_read_from_the_start_is_no_part_of_the_source(
    mine, tmp_path, monkeypatch
):
    """Where broken files are left out, one that cannot be read is left out, too."""
    options = {**OPTIONS, "corrupt": "skip"}
    entry = {**ENTRY, "options": options}
    new_image(mine / "pool" / "cat" / "3.png")
    with monkeypatch.context() as patch:
        refuse(patch, "pool/cat/3.png")
        manifest = prepare(tmp_path, options=options)
        assert manifest["source_files"]["count"] == 12
        assert "cannot be read (Permission denied)" in str(manifest["left_out"])
        for _ in range(2):
            assert changed(tmp_path, entry) is None
        edit(mine)  # another file
        assert changed(tmp_path, entry) == "1 file edited (pool/cat/1.png)"
        refuse(patch, "pool/cat/3.png", "pool/dog/1.png")
        touch(mine)
        assert changed(tmp_path, entry) is None  # out of reach by now
    assert "1 file added" in changed(tmp_path, entry)
