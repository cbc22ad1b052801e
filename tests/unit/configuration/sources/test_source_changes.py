"""Sources that changed: what is told, what is no change, what stands against preparing."""

import os
import shutil

import pytest

from helpers.own_images import (
    ENTRY,
    OPTIONS,
    add,
    changed,
    edit,
    move,
    new_image,
    prepare,
    several,
    touch,
)
from labelbench_core.configuration.sources.source_changes import describe_changes
from labelbench_core.datasets.source_files import checking, digests, looks
from labelbench_core.errors import InputError
from labelbench_core.storage import files

pytestmark = pytest.mark.usefixtures("settled")


def remove(mine):
    (mine / "pool" / "cat" / "1.png").unlink()


def edit_unseen(mine):
    """Another content of the same size, with the old time."""
    path = mine / "pool" / "cat" / "1.png"
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def rename(mine):
    (mine / "pool" / "cat" / "1.png").rename(mine / "pool" / "cat" / "one.png")


def swap(mine):
    first, second = mine / "pool" / "cat" / "1.png", mine / "pool" / "dog" / "1.png"
    first.rename(mine / "x")
    second.rename(first)
    (mine / "x").rename(second)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (add, "1 file added (pool/cat/new.png)"),
        (remove, "1 file removed (pool/cat/1.png)"),
        (edit, "1 file edited (pool/cat/1.png)"),
        (edit_unseen, "1 file edited (pool/cat/1.png)"),
        (rename, "1 file renamed (pool/cat/one.png)"),
        (move, "1 file moved from pool/cat to pool/dog (pool/dog/was-a-cat.png)"),
        (swap, "2 files edited (pool/cat/1.png, …)"),
        (
            several,
            "1 file added (pool/cat/new.png), 2 files edited (test/dog/0.png, …), "
            "1 file moved from pool/cat to pool/dog (pool/dog/was-a-cat.png)",
        ),
    ],
)
def test_every_change_is_told_until_it_is_prepared(mine, tmp_path, change, told):
    assert changed(tmp_path) is None
    change(mine)
    assert changed(tmp_path) == told
    assert changed(tmp_path) == told  # a look does not forget what it saw
    prepare(tmp_path)
    assert changed(tmp_path) is None


def copy(mine):
    shutil.move(mine, mine.with_name("old"))
    shutil.copytree(mine.with_name("old"), mine)


def move_and_link(mine):
    shutil.move(mine, mine.with_name("elsewhere"))
    mine.symlink_to(mine.with_name("elsewhere"))


def change_and_back(mine):
    move(mine)
    (mine / "pool" / "dog" / "was-a-cat.png").rename(mine / "pool" / "cat" / "1.png")


def add_what_is_no_image(mine):
    (mine / "pool" / "cat" / "notes.txt").write_text("not an image")


@pytest.mark.parametrize("change", [touch, copy, move_and_link, change_and_back])
def test_what_leaves_contents_alone_is_no_change_and_is_read_once(
    mine, tmp_path, monkeypatch, change
):
    changed(tmp_path)
    change(mine)
    assert changed(tmp_path) is None
    with monkeypatch.context() as patch:
        patch.setattr(digests.Digests, "_read", None)  # called, it would fail
        assert changed(tmp_path) is None
        patch.setattr(digests.Digests, "_load", None)  # and so would reading what is remembered
        assert changed(tmp_path) is None


def test_what_is_no_image_is_no_change(mine, tmp_path):
    add_what_is_no_image(mine)
    assert changed(tmp_path) is None


def test_preparing_hashes_what_the_look_need_not_hash_again(mine, tmp_path, monkeypatch):
    monkeypatch.setattr(digests.Digests, "_read", None)
    assert changed(tmp_path) is None
    look = looks.read_look(tmp_path / "state", "mine")
    assert (look.count, look.root) == (12, os.path.realpath(mine))
    assert look.when.endswith(" UTC")


def test_what_cannot_be_prepared_again_is_one_line(mine, tmp_path):
    shutil.rmtree(mine / "pool" / "dog")
    with pytest.raises(
        InputError, match="data set 'mine': its source can no longer be prepared"
    ) as told:
        changed(tmp_path)
    assert "split pool has no image of class dog" in str(told.value)
    assert "check_sources: never" in str(told.value)
    assert "\n" not in str(told.value)
    assert changed(tmp_path, when="never") is None
    assert (tmp_path / "datasets" / "mine" / "manifest.json").exists()


def test_new_images_that_cannot_be_used_are_told_before_any_job(mine, tmp_path):
    """Snakemake deletes what was prepared before the job could tell."""
    (mine / "pool" / "cat" / "bad.png").write_text("no image")
    (mine / "test" / "dog" / "1.png").write_bytes(b"")
    told = (
        r"^data set 'mine': its source can no longer be prepared: 2 of 2 new or edited "
        r"images cannot be used \(pool/cat/bad.png: not an image that Pillow can read, "
        r"test/dog/1.png: empty file\); .*`corrupt: skip`.*; fix this, or .*never`$"
    )
    for _ in range(2):
        with pytest.raises(InputError, match=told):
            changed(tmp_path)
    (mine / "test" / "dog" / "1.png").unlink()
    add(mine)
    with pytest.raises(InputError, match="1 of 2 new or edited"):
        changed(tmp_path)
    (mine / "pool" / "cat" / "bad.png").unlink()
    assert changed(tmp_path) == "1 file added (pool/cat/new.png), 1 file removed (test/dog/1.png)"
    # Where they are left out anyway, nothing stands against preparing.
    prepare(tmp_path, options={**OPTIONS, "corrupt": "skip"})
    (mine / "pool" / "cat" / "bad.png").write_text("no image")
    entry = {**ENTRY, "options": {**OPTIONS, "corrupt": "skip"}}
    assert changed(tmp_path, entry) == "1 file added (pool/cat/bad.png)"


def test_only_new_images_of_the_part_that_is_used_are_decoded_and_once(mine, tmp_path, monkeypatch):
    decoded = []
    real = checking.decode

    def counting(content, *arguments, **options):
        decoded.append(content)
        return real(content, *arguments, **options)

    monkeypatch.setattr(checking, "decode", counting)
    several(mine)  # one added, one moved, two edited; three have the same content
    for _ in range(2):
        assert "1 file added" in changed(tmp_path)
    assert 1 <= len(decoded) <= 3
    prepare(tmp_path)
    assert len(decoded) <= 3
    prepare(tmp_path, pool_size=2)
    listing = files.read_json(tmp_path / "datasets" / "mine" / "arrays" / "source-files.json")
    (mine / listing[0][0]).write_text("no image, and not used")
    assert "1 file edited" in changed(tmp_path, {**ENTRY, "pool_size": 2})


def test_a_partly_missing_source_is_a_change(mine, tmp_path):
    for split in ("pool", "test"):
        (mine / split / "dog" / "1.png").unlink()
    assert changed(tmp_path) == "2 files removed (pool/dog/1.png, …)"


def test_files_outside_the_part_of_the_pool_belong_to_the_source(mine, tmp_path):
    prepare(tmp_path, pool_size=2)
    entry = {**ENTRY, "pool_size": 2}
    arrays = tmp_path / "datasets" / "mine" / "arrays"
    others = [name for name, _ in files.read_json(arrays / "source-files.json")]
    assert len(others) == 4
    assert changed(tmp_path, entry) is None
    new_image(mine / others[0])
    assert changed(tmp_path, entry) == f"1 file edited ({others[0]})"


def test_files_of_the_same_content_are_paired_one_to_one():
    before = {"a/1": "x", "a/2": "x", "b/1": "x"}
    after = {"a/3": "x", "b/1": "x", "c/1": "x"}
    told = describe_changes(before, after)
    assert told == "1 file renamed (a/3), 1 file moved from a to c (c/1)"
    assert describe_changes({"a/1": "x"}, {"a/1": "x", "b/1": "x"}) == "1 file added (b/1)"
    many = {f"a/{n}": str(n) for n in range(5)}
    moved = {f"{'bcd'[n % 3]}/{n}": str(n) for n in range(5)}
    assert describe_changes(many, moved) == "5 files moved (b/0, …)"
    odd = os.fsdecode(b"a/\xff.png")
    assert describe_changes({}, {odd: "x"}) == "1 file added (a/\\xff.png)"
    told = describe_changes({"a\nb/c": "x"}, {"a/c\nd": "x"})
    assert told == "1 file moved from a\\nb to a (a/c\\nd)"
