"""How many rows come of files that are alike or broken: told while planning, or while preparing."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers.pictures_by_table import paint
from labelbench_core.configuration.sources.source_sizes import source_sizes
from labelbench_core.datasets import digits
from labelbench_core.datasets.looking.look import look
from labelbench_core.datasets.preparing.prepare import prepare_dataset
from labelbench_core.datasets.rows.needed_rows import NeededRows, shortages
from labelbench_core.datasets.source_files import digests
from labelbench_core.datasets.splits.drawn_ahead import Remembered, drawn_ahead
from labelbench_core.errors import InputError

BUYS_19 = NeededRows(
    "pool", 19, "my.yaml: rounds: 3 rounds … buy 19 labels, but the pool of 'pets'"
)
BY_NAMES = {"pool": 20, "test": 4}


@pytest.fixture(autouse=True)
def settled(monkeypatch):
    """Files are remembered however new they are."""
    monkeypatch.setattr(digests, "SETTLED_SECONDS", -60)


@pytest.fixture
def pets(tmp_path):
    """Two classes, twelve images each; the dogs are four pictures, three times each."""
    for number in range(12):
        paint(tmp_path / "data" / "pets" / "cat" / f"{number}.png", number)
        paint(tmp_path / "data" / "pets" / "dog" / f"{number}.png", 100 + number % 4)
    return tmp_path


def entry(**options):
    return {
        "implementation": "image-folder",
        "options": {"folder": "pets", "image_size": 8, **options},
    }


def remembered(base):
    return Remembered("pets", base / "state", base / "out")


def planned(base, **options):
    return source_sizes(entry(**options), base / "data", remembered(base)).splits


def prepare(base, needed=(), **options):
    out, asked = base / "out", entry(**options)["options"]
    paths = out / "arrays", out / "manifest.json"
    manifest = prepare_dataset(
        "pets", "image-folder", asked, base / "data", *paths, state=base / "state", needed=needed
    )
    return {split: one["num_rows"] for split, one in manifest["splits"].items()}


def test_needed_rows_tell_how_many_are_allowed():
    rounds = NeededRows("pool", 430, "rounds: 8: the pool", first=10 - 60, step=60)
    assert list(shortages([rounds], {"pool": 429})) == [
        "rounds: 8: the pool has 429; allowed: at most 7"
    ]
    assert list(shortages([rounds], {"pool": 430})) == []
    assert list(shortages([rounds], {})) == []


def test_too_few_rows_stop_preparing_and_then_the_plan(pets):
    options = {"test_size": 5}
    # By the names of the files 19 are left for the pool, but three of one content stay together.
    assert planned(pets, **options) == {"pool": 19, "test": 5}
    told = r"buy 19 labels, but the pool of 'pets' has 18; allowed: at most 18; images that are ali"
    with pytest.raises(InputError, match=told) as caught:
        prepare(pets, [BUYS_19], **options)
    assert "which gave pool 18, test 6" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (pets / "out" / "manifest.json").exists()
    # Now all contents are known.
    assert planned(pets, **options) == {"pool": 18, "test": 6} == prepare(pets, **options)


def test_a_look_is_enough_for_the_plan_and_what_was_drawn_stays(pets):
    options = {"test_size": 5}
    look("pets", entry(**options), pets / "data", pets / "state")
    assert planned(pets, **options) == {"pool": 18, "test": 6}
    prepare(pets, **options)
    for number in range(12, 30):  # of the test, as the record says; by names most would not be
        shutil.copy(_in_test(pets, "cat"), pets / "data" / "pets" / "cat" / f"{number}.png")
    look("pets", entry(**options), pets / "data", pets / "state")
    assert planned(pets, **options) == prepare(pets, **options)
    assert planned(pets, **options)["pool"] == 18
    # One content that is not known: by names, as far as that goes.
    paint(pets / "data" / "pets" / "cat" / "new.png", 500)
    assert planned(pets, **options) == {"pool": 38, "test": 5}


def _in_test(base, kind):
    import json

    listed = json.loads((base / "out" / "arrays" / "test-files.json").read_text())
    return next(base / "data" / "pets" / path for path, _ in listed if path.startswith(kind))


def test_near_duplicates_are_drawn_ahead_too(pets):
    rng = np.random.default_rng(0)
    for number in range(12):  # the cats are four pictures, three nearly equal ones each
        if number % 3 == 0:
            pixels = rng.integers(0, 200, (8, 8, 3), dtype=np.uint8)
        picture = Image.fromarray(pixels + np.uint8(number % 3)).resize((32, 32))
        picture.save(pets / "data" / "pets" / "cat" / f"{number}.png")
    options = {"near_together": 6, "test_size": 7, "image_size": 32}
    assert planned(pets, **options) == {"pool": 17, "test": 7}
    look("pets", entry(**options), pets / "data", pets / "state")
    assert planned(pets, **options) == {"pool": 18, "test": 6} == prepare(pets, **options)
    # All of a class are one: refused before anything is prepared.
    told = "class cat has 12 images in 1 group: none is left for test"
    with pytest.raises(InputError, match=told):
        planned(pets, **{**options, "near_together": 32})


def test_broken_images_that_are_left_out_stop_preparing(pets):
    for number in range(5):
        (pets / "data" / "pets" / "cat" / f"{number}.png").write_bytes(b"no image")
    told = r"has 1\d; allowed: at most 1\d; .*5 files left out, which cannot be decoded"
    with pytest.raises(InputError, match=told):
        prepare(pets, [BUYS_19], corrupt="skip")
    # Without a draw, too.
    (pets / "data" / "pets" / "cat" / "0.png").unlink()
    with pytest.raises(InputError, match="'pets' has 19; allowed: at most 19; 4 files left out"):
        prepare(pets, [BUYS_19._replace(least=20)], corrupt="skip", test_share=0)


def test_a_split_that_is_needed_and_absent(pets):
    needed = NeededRows("val", 4, "x: 4 labels", unit=" rows in its split 'val'")
    with pytest.raises(InputError, match="x: 4 labels has 0 rows in its split 'val'; allowed"):
        prepare(pets, [needed])


def test_nothing_is_drawn_ahead_where_nothing_is_known(pets):
    assert planned(pets) == BY_NAMES
    (pets / "state").mkdir()
    assert planned(pets) == BY_NAMES
    assert drawn_ahead(entry(), pets / "data", {"pool": 10_001}, remembered(pets)) is None
    assert (
        source_sizes({"implementation": "digits"}, Path(), remembered(pets)).splits["pool"] == 1297
    )


def test_a_source_from_which_nothing_is_drawn_is_not_read_to_plan(tmp_path, monkeypatch):
    def read(_):
        raise AssertionError("digits were read")

    monkeypatch.setattr(digits, "load", read)
    planned_digits = source_sizes({"implementation": "digits"}, tmp_path, remembered(tmp_path))
    assert planned_digits.splits == {"pool": 1297, "test": 500}
