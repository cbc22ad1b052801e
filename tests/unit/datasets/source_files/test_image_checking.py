"""Files are decoded while preparing: all broken ones named, nothing twice, cures that work."""

import os
import time
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from labelbench_core.datasets import image_folder, open_dataset
from labelbench_core.datasets.files.left_out import CORRUPT
from labelbench_core.datasets.folders.listing import list_images
from labelbench_core.datasets.images.decoding import decode
from labelbench_core.datasets.preparing.notes import left_out_notes
from labelbench_core.datasets.preparing.prepare import prepare_dataset
from labelbench_core.datasets.source_files import checking, digests
from labelbench_core.errors import InputError

COUNT = 40


@pytest.fixture
def pets(tmp_path, monkeypatch):
    """40 different JPEGs in pool and in test; what was read this second is remembered, too."""
    monkeypatch.setattr(digests, "SETTLED_SECONDS", -60)
    monkeypatch.setenv("LABELBENCH_DATA", str(tmp_path))
    rng = np.random.default_rng(0)
    for split in ("pool", "test"):
        for number in range(COUNT):
            folder = tmp_path / "pets" / split / ("cat" if number % 2 else "dog")
            folder.mkdir(parents=True, exist_ok=True)
            pixels = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{number:02}.jpg")
    return tmp_path / "pets"


@pytest.fixture
def work(monkeypatch):
    """Names of the files that are read, and how many contents are decoded."""
    done = {"read": [], "decoded": 0}
    read, real = checking.read_regular, checking.decode

    def reading(path):
        done["read"].append(os.path.basename(path))
        return read(path)

    def decoding(*arguments, **options):
        done["decoded"] += 1
        return real(*arguments, **options)

    monkeypatch.setattr(checking, "read_regular", reading)
    monkeypatch.setattr(checking, "decode", decoding)

    def take():
        result = len(done["read"]), done["decoded"]
        done.update(read=[], decoded=0)
        return result

    return take


def prepare(pets, *, name="out", threads=1, remember=True, pool_size=None, **options):
    out = pets.parent / name
    return prepare_dataset(
        "mine",
        "image-folder",
        {"folder": "pets", "image_size": 8, **options},
        pets.parent,
        out / "arrays",
        out / "manifest.json",
        pool_size,
        pets.parent / "state" if remember else None,
        threads=threads,
    )


def truncate(path):
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 3 // 4])
    return content


def test_all_broken_files_are_named_at_once(pets):
    broken = sorted((pets / "pool" / "cat").iterdir())
    broken += sorted((pets / "test" / "dog").iterdir())[:4]
    for path in broken[1:]:
        truncate(path)
    broken[0].write_bytes(b"")
    with pytest.raises(InputError) as caught:
        prepare(pets, threads=2)
    first, *named, rest = str(caught.value).splitlines()
    assert first.startswith("data set mine: 24 images cannot be used, of 80; replace or remove")
    assert "`corrupt: skip`" in first
    assert len(named) == 20
    assert named[0].endswith("pets/pool/cat/01.jpg: empty file")
    assert "03.jpg: corrupt image (image file is truncated" in named[1]
    assert rest == "  and 4 more"
    assert not (pets.parent / "out" / "manifest.json").exists()


def test_broken_files_are_left_out_where_that_is_configured(pets, caplog):
    victim = pets / "pool" / "dog" / "04.jpg"
    truncate(victim)
    manifest = prepare(pets, corrupt="skip")
    assert manifest["splits"]["pool"]["class_counts"] == [COUNT // 2, COUNT // 2 - 1]
    entry = manifest["left_out"][CORRUPT]
    assert entry["count"] == 1
    assert entry["examples"][0].startswith("pool/dog/04.jpg (corrupt image (image file is truncat")
    (told,) = left_out_notes(manifest)
    assert told.startswith("1 file left out, which cannot be decoded: pool/dog/04.jpg (corrupt")
    assert told in caplog.text
    prepared = open_dataset(pets.parent / "out")
    assert len(prepared.images("pool").batch(np.arange(COUNT - 1))) == COUNT - 1
    # What is drawn is drawn from what is left.
    part = prepare(pets, corrupt="skip", pool_size=COUNT - 1)
    assert part["splits"]["pool"]["files_sha256"] == manifest["splits"]["pool"]["files_sha256"]
    with pytest.raises(InputError, match=r"pool_size: 40; allowed: at most 39; 1 file left out"):
        prepare(pets, corrupt="skip", pool_size=COUNT)
    for path in (pets / "pool" / "dog").iterdir():
        path.write_bytes(b"no image")
    told = (
        r"pool has no image of class dog \(1 classes missing\); allowed: images of it there, or "
        r"the class left out of all splits; 20 files left out, which cannot be decoded: "
        r"pool/dog/00.jpg \(not an image that Pillow can read\), .*, …$"
    )
    with pytest.raises(InputError, match=told):
        prepare(pets, corrupt="skip")
    with pytest.raises(InputError, match=told):
        prepare(pets, corrupt="skip", pool_size=3)


def test_a_split_of_which_nothing_is_left_is_told_with_the_reason(pets):
    fog = pets / "fog" / "dog" / "0.jpg"
    fog.parent.mkdir(parents=True)
    fog.write_bytes(b"no image")
    told = (
        r"data set mine: split fog has no image left; 1 file left out, which cannot be decoded: "
        r"fog/dog/0.jpg \(not an image that Pillow can read\)$"
    )
    with pytest.raises(InputError, match=told):
        prepare(pets, corrupt="skip", allow_missing_classes=True)


def test_what_is_left_out_has_the_same_bytes_in_every_run(pets):
    (pets / "pool" / "dog" / "bad.png").write_text("no image")
    (pets / "pool" / "dog" / "empty.png").touch()
    (pets / "pool" / "dog" / "half.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    for name in ("one", "two"):
        prepare(pets, name=name, corrupt="skip", remember=False)
    one, two = ((pets.parent / name / "manifest.json").read_bytes() for name in ("one", "two"))
    assert one == two
    assert b"pool/dog/bad.png (not an image that Pillow can read)" in one


def test_the_cures_that_messages_name_work(pets):
    victim = pets / "pool" / "dog" / "04.jpg"
    whole = truncate(victim)
    with pytest.raises(InputError, match=r"04.jpg: corrupt image"):
        prepare(pets)
    victim.unlink()
    assert prepare(pets)["splits"]["pool"]["num_rows"] == COUNT - 1
    victim.write_bytes(whole)
    assert prepare(pets)["splits"]["pool"]["num_rows"] == COUNT
    victim.write_bytes(whole + b"\n")
    images = open_dataset(pets.parent / "out").images("pool")
    row = [name for name, _ in images._entries].index("pool/dog/04.jpg")
    with pytest.raises(InputError, match="changed since the data set was prepared"):
        images.batch(np.array([row]))
    prepare(pets)
    again = open_dataset(pets.parent / "out").images("pool").batch(np.array([row]))
    np.testing.assert_array_equal(again[0], decode(whole, 8).pixels)


def test_unchanged_files_are_checked_once(pets, work):
    first = prepare(pets, threads=2)
    assert work() == (2 * COUNT, 2 * COUNT)
    assert prepare(pets, name="again") == first
    assert work() == (0, 0)
    touched, edited = pets / "pool" / "dog" / "00.jpg", pets / "pool" / "dog" / "02.jpg"
    os.utime(touched)
    edited.write_bytes(edited.read_bytes() + b" ")
    (pets / "test" / "cat" / "01.jpg").rename(pets / "test" / "cat" / "moved.jpg")
    prepare(pets)
    assert work() == (3, 1)
    # Another size is decoded in another way.
    prepare(pets, image_size=16)
    assert work() == (2 * COUNT, 2 * COUNT)
    prepare(pets, remember=False)
    assert work() == (2 * COUNT, 2 * COUNT)


def test_a_file_that_changed_just_before_it_was_read_is_not_trusted(pets, monkeypatch):
    """However long it took to decode the chunk that it is in."""
    monkeypatch.setattr(digests, "SETTLED_SECONDS", 2.0)
    read, passed = checking.read_regular, [0]

    def slow(path):
        passed[0] = 60
        return read(path)

    monkeypatch.setattr(checking, "read_regular", slow)
    clock = SimpleNamespace(time=lambda: time.time() + passed[0])
    monkeypatch.setattr(digests, "time", clock)
    monkeypatch.setattr(checking, "time", clock)
    name = "pool/dog/00.jpg"
    os.utime(pets / name)
    known = digests.Digests(pets, pets.parent / "record")
    (checked,) = checking.check_files(pets, [name], 8, digests=known)
    assert checked.problem == ""
    assert known.known(name, digests.status_of(pets / name)) is None


def test_broken_files_are_looked_at_again(pets, work):
    truncate(pets / "pool" / "dog" / "04.jpg")
    for expected in ((2 * COUNT, 2 * COUNT), (1, 1)):
        with pytest.raises(InputError, match="1 image cannot be used"):
            prepare(pets)
        assert work() == expected


def test_another_decoder_checks_again(pets, work, monkeypatch):
    prepare(pets)
    work()
    monkeypatch.setattr(checking, "decoder_key", lambda: "another")
    prepare(pets)
    assert work() == (2 * COUNT, 2 * COUNT)
    assert len(list((pets.parent / "state").glob("mine.decoded.*"))) == 1


def test_a_killed_check_goes_on_where_it_was(pets, work, monkeypatch):
    whole = prepare(pets, remember=False)
    work()
    real = checking.decode
    left = [50]

    def dying(*arguments, **options):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return real(*arguments, **options)

    monkeypatch.setattr(checking, "decode", dying)
    with pytest.raises(KeyboardInterrupt):
        prepare(pets)
    monkeypatch.setattr(checking, "decode", real)
    # The record's last line may be torn.
    (record,) = (pets.parent / "state").glob("mine.decoded.*")
    text = record.read_text()
    record.write_text(text[:-20])
    work()
    assert prepare(pets) == whole
    again = work()
    assert again[1] == 2 * COUNT - checking.CHUNK + 1


def test_threads_change_nothing(pets):
    truncate(pets / "pool" / "dog" / "04.jpg")
    one = prepare(pets, corrupt="skip", remember=False)
    assert prepare(pets, corrupt="skip", remember=False, threads=4) == one


def test_what_a_part_of_the_pool_leaves_out_is_not_decoded(pets, work):
    prepare(pets, pool_size=10)
    assert work()[1] == COUNT + 10


def test_what_cannot_be_written_down_is_decoded_again(tmp_path, caplog):
    (tmp_path / "file").touch()
    contents = checking.Contents(tmp_path / "file" / "record.jsonl")
    contents.add("0" * 64, False, None)
    with caplog.at_level("INFO"):
        contents.flush()
    assert "cannot be written" in caplog.text
    assert contents.get("1" * 64, near=False) is None


def test_a_folder_is_listed_once_and_anew_each_time(pets, monkeypatch):
    listed = []

    def counted(*args, **asked):
        listed.append(args)
        return list_images(*args, **asked)

    monkeypatch.setattr(image_folder, "list_images", counted)
    before = prepare(pets)
    assert len(listed) == 1
    (pets / "pool" / "dog" / "new.jpg").write_bytes((pets / "pool/dog/00.jpg").read_bytes() + b"1")
    after = prepare(pets)
    assert len(listed) == 2
    assert after["source_files"]["count"] == before["source_files"]["count"] + 1
    assert after["splits"]["pool"]["num_rows"] == before["splits"]["pool"]["num_rows"] + 1
