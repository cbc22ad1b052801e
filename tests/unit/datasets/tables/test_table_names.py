"""Names in tables: blanks around them and Unicode's forms make no other class, group or unit."""

import pytest

from helpers.pictures_by_table import Pets
from labelbench_core.datasets import table
from labelbench_core.errors import InputError

DRAWN = {"split_column": None, "splits": None, "group_column": None, "test_share": 0.25}


@pytest.fixture
def pets(tmp_path):
    """Animals with blanks around their names, one painter with a name in two forms."""
    pets = Pets(tmp_path)
    pets.rows = [
        [path, f" {animal}" if place % 2 else f"{animal}\t", medium, "Rene\u0301 "]
        if place % 2
        else [path, animal, medium, "Ren\u00e9"]
        for place, (path, animal, medium, _) in enumerate(pets.rows)
    ]
    pets.write()
    return pets


def test_they_are_one_class_and_one_group(pets):
    raw = table.load(pets.data, **Pets.OPTIONS)
    assert (raw.class_names, raw.group_names) == (["cat", "dog"], ["Ren\u00e9"])
    assert raw.splits["pool"].labels.tolist() == [0] * 4 + [1] * 4


def test_they_are_drawn_together(pets):
    options = {**Pets.OPTIONS, **DRAWN, "together_column": "painter"}
    told = "class cat has 16 images in 1 group: none is left for test"
    with pytest.raises(InputError, match=told):
        table.load(pets.data, **options)


def test_one_class_alone_is_refused_before_any_job(pets):
    pets.rows = [[row[0], "cat", *row[2:]] for row in pets.rows]
    pets.write()
    with pytest.raises(InputError, match=r"all.csv: one class, cat; allowed: at least two"):
        table.check(pets.data, **Pets.OPTIONS)
