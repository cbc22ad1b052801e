"""Splits drawn of texts and of embeddings: as of images, by content, and never moved after."""

import json

import numpy as np
import pytest

from helpers.pictures_by_table import write_table
from helpers.prepared import prepare
from labelbench_core.configuration.sources.source_sizes import source_sizes
from labelbench_core.datasets import DRAWN_FILE
from labelbench_core.datasets import __main__ as command
from labelbench_core.datasets.splits.drawn_ahead import Remembered
from labelbench_core.errors import InputError

NAMES = [f"text number {one}" for one in range(40)]
GROUPS = [f"author {one // 4}" for one in range(40)]
LABELS = [("cat", "dog")[one % 2] for one in range(40)]


def texts(folder, names, groups=None):
    """A table of texts; its source and options."""
    labels = [LABELS[int(name.split()[2]) % 40] for name in names]
    columns = {"text": names, "label": labels, **({"by": groups} if groups else {})}
    write_table(folder / "all.csv", list(columns), list(zip(*columns.values(), strict=True)))
    options = {"splits": {"pool": "all.csv"}, "test_share": 0.2}
    return "text-table", {**options, **({"together_column": "by"} if groups else {})}


def embeddings(folder, names, groups=None):
    """The same rows as arrays; the place of a text is its feature."""
    numbers = np.array([int(name.split()[2]) for name in names])
    arrays = {"embeddings": np.stack([numbers, numbers**2], axis=1).astype(np.float32)}
    arrays |= {"labels": np.array([LABELS[one % 40] for one in numbers])}
    np.savez(folder / "all.npz", **arrays, **({"by": np.array(groups)} if groups else {}))
    options = {"splits": {"pool": "all.npz"}, "test_share": 0.2}
    return "own-embeddings", {**options, **({"together": "all.npz:by"} if groups else {})}


@pytest.fixture(params=[texts, embeddings])
def save(request):
    return request.param


def split_of(dataset):
    """Number of a text → its splits."""
    found = {}
    for split in dataset.splits:
        if dataset.rows == "texts":
            rows = dataset.texts(split)
            numbers = [int(one.split()[2]) for one in rows.batch(np.arange(len(rows)))]
        else:
            rows = dataset.embeddings(split)
            numbers = rows.batch(np.arange(len(rows)))[:, 0].astype(int).tolist()
        for number, label in zip(numbers, dataset.labels(split).tolist(), strict=True):
            assert dataset.class_names[label] == LABELS[number % 40]
            found.setdefault(number, set()).add(split)
    return found


def drawn(folder, save, names, groups=None, **more):
    source, options = save(folder, names, groups)
    return prepare(folder / "out", source, folder, {**options, **more})


def test_a_share_of_every_class_whatever_the_order(save, tmp_path):
    first = drawn(tmp_path, save, NAMES)
    counts = {split: first.manifest["splits"][split]["class_counts"] for split in first.splits}
    assert counts == {"pool": [16, 16], "test": [4, 4]}
    assert first.manifest["splits_note"].startswith("Drawn by seed 0: 0.2 of every class for test")
    assert (tmp_path / "out" / DRAWN_FILE).is_file()
    (tmp_path / "out" / DRAWN_FILE).unlink()
    found = split_of(first)
    assert split_of(drawn(tmp_path, save, NAMES[::-1])) == found
    assert split_of(drawn(tmp_path, save, NAMES, split_seed=1)) != found
    three = drawn(tmp_path, save, NAMES, test_share=None, test_size=10, val_size=4)
    sizes = {split: entry["num_rows"] for split, entry in three.manifest["splits"].items()}
    assert sizes == {"pool": 26, "test": 10, "val": 4}


def test_groups_stay_together_and_rows_never_move(save, tmp_path):
    before = split_of(drawn(tmp_path, save, NAMES, GROUPS))
    for first in range(0, 40, 4):
        assert len(set.union(*(before[one] for one in range(first, first + 4)))) == 1
    source, options = save(
        tmp_path,
        [*NAMES, *(f"text number {one}" for one in range(40, 60))],
        [*GROUPS, *["author 3"] * 2, *[f"author {one}" for one in range(42, 60)]],
    )
    memory = Remembered("mine", tmp_path / "state", tmp_path / "out")
    entry = {"implementation": source, "options": options}
    planned = source_sizes(entry, tmp_path, memory).splits
    after = prepare(tmp_path / "out", source, tmp_path, options)
    assert {split: len(after.labels(split)) for split in after.splits} == planned
    now = split_of(after)
    assert {one: now[one] for one in before} == before
    assert now[40] == now[41] == before[12]
    assert after.manifest["drawn"]["known"] == 42


def test_equal_rows_are_drawn_together(save, tmp_path):
    groups = [f"author {one}" for one in range(80)]
    found = split_of(drawn(tmp_path, save, NAMES * 2, groups))
    assert all(len(splits) == 1 for splits in found.values())
    assert {len(splits) for splits in split_of(drawn(tmp_path, save, NAMES * 2)).values()} == {1}


def test_a_look_says_how_a_test_is_drawn(save, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LABELBENCH_DATA", raising=False)
    (tmp_path / "data").mkdir()
    source, options = save(tmp_path / "data", NAMES)
    entry = {"implementation": source, "options": options}
    (tmp_path / "mine.yaml").write_text(json.dumps({"mine": entry}))
    assert command.main(["--check", "mine.yaml"]) == 0
    assert "no test" not in capsys.readouterr().out
    del options["test_share"]
    (tmp_path / "mine.yaml").write_text(json.dumps({"mine": entry}))
    assert command.main(["--check", "mine.yaml"]) == 0
    assert "no test: results are those on the pool" in capsys.readouterr().out
    assert command.main(["--check", "mine.yaml", "--options", "{test_share: 0}"]) == 0
    assert "no test" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"test_size": 5}, "options.test_size: 5; `test_share` is given, too"),
        ({"test_share": None}, "no split is drawn here; allowed: leave it out, or `test_share`"),
        ({"test_share": None, "test_size": 40}, "none of 40 "),
    ],
)
def test_what_excludes_each_other_is_one_line(save, tmp_path, more, told):
    source, options = save(tmp_path, NAMES, GROUPS)
    entry = {"implementation": source, "options": {**options, **more}}
    with pytest.raises(InputError) as error:
        source_sizes(entry, tmp_path)
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_a_class_that_is_too_rare_is_named_as_what_it_is(tmp_path):
    source, options = texts(tmp_path, NAMES)
    with (tmp_path / "all.csv").open("a") as file:
        file.write("another text,bird\n")
    entry = {"implementation": source, "options": options}
    with pytest.raises(InputError, match=r"all.csv: class bird has 1 text: none is left for test"):
        source_sizes(entry, tmp_path)


def test_groups_that_are_no_names_are_one_line(tmp_path):
    _, options = embeddings(tmp_path, NAMES, GROUPS)
    for bad in (np.zeros(40), np.zeros(3, int)):
        np.save(tmp_path / "bad.npy", bad)
        entry = {"implementation": "own-embeddings", "options": {**options, "together": "bad.npy"}}
        told = r"options.together: .*bad.npy: .* allowed: \(40,\)"
        with pytest.raises(InputError, match=told):
            source_sizes(entry, tmp_path)
