"""Own embeddings: every format is read alike, and what is wrong is one line before any job."""

import json
import pickle

import numpy as np
import pytest

from helpers.embedding_files import SIZES, TWO_FILES, random_rows, save, told
from helpers.prepared import prepare
from labelbench_core import registry
from labelbench_core.configuration.sources.source_images import check_new_images
from labelbench_core.datasets import own_embeddings
from labelbench_core.embeddings.extract import extract_embeddings
from labelbench_core.embeddings.views import open_embeddings
from labelbench_core.errors import InputError
from labelbench_core.selection.in_memory import round_data

BY_NAME = {"splits": {"pool": "all.npz:a", "test": "all.npz:b"}}
BY_NAME["labels"] = {"pool": "all.npz:la", "test": "all.npz:lb"}
BY_NPY = {"splits": {"pool": "one.npy:a", "test": "test.npz"}}


@pytest.fixture
def rows():
    return random_rows()


# ---- formats


def as_npy(folder, rows):
    for split, (embeddings, labels) in rows.items():
        np.save(folder / f"{split}.npy", embeddings)
        np.save(folder / f"{split}-labels.npy", labels)
    labels = {split: f"{split}-labels.npy" for split in rows}
    return {"splits": {split: f"{split}.npy" for split in rows}, "labels": labels}


def as_npz(folder, rows):
    save(folder, rows)
    return TWO_FILES


def as_one_npz(folder, rows):
    (a, la), (b, lb) = rows["pool"], rows["test"]
    np.savez(folder / "all.npz", a=a, b=b, la=la, lb=lb)
    return BY_NAME


def as_zarr(folder, rows):
    import zarr

    for split, (embeddings, labels) in rows.items():
        group = zarr.open_group(str(folder / f"{split}.zarr"), mode="w")
        group.create_array("features", data=embeddings)
        group.create_array("labels", data=labels)
    return {"splits": {split: f"{split}.zarr" for split in rows}}


def as_zarr_arrays(folder, rows):
    import zarr

    for split, (embeddings, labels) in rows.items():
        zarr.create_array(str(folder / f"{split}.zarr"), data=embeddings)
        np.save(folder / f"{split}.npy", labels)
    labels = {split: f"{split}.npy" for split in rows}
    return {"splits": {split: f"{split}.zarr" for split in rows}, "labels": labels}


def as_parquet(folder, rows):
    import pyarrow
    from pyarrow import parquet

    for split, (embeddings, labels) in rows.items():
        table = pyarrow.table({"embedding": list(embeddings), "label": labels})
        parquet.write_table(table, folder / f"{split}.parquet", row_group_size=7)
    return {"splits": {split: f"{split}.parquet" for split in rows}}


def as_parquet_columns(folder, rows):
    import pyarrow
    from pyarrow import parquet

    for split, (embeddings, labels) in rows.items():
        columns = {f"f{number}": embeddings[:, number] for number in range(5)}
        parquet.write_table(
            pyarrow.table({**columns, "label": labels}), folder / f"{split}.parquet"
        )
    return {"splits": {split: f"{split}.parquet:f*" for split in rows}}


FORMATS = [
    *(as_npy, as_npz, as_one_npz, as_zarr, as_zarr_arrays),
    *(
        pytest.param(one, marks=pytest.mark.extra("pyarrow"))
        for one in (as_parquet, as_parquet_columns)
    ),
]


@pytest.mark.parametrize("write", FORMATS)
def test_every_format_gives_the_same_data_set(write, rows, tmp_path):
    options = write(tmp_path, rows)
    assert own_embeddings.check(tmp_path, **options) == SIZES
    raw = own_embeddings.load(tmp_path, **options)
    assert raw.class_names == ["0", "1", "2"]
    for split, (embeddings, labels) in rows.items():
        np.testing.assert_array_equal(raw.splits[split].embeddings, embeddings)
        np.testing.assert_array_equal(raw.splits[split].labels, labels)
    source = own_embeddings.source_files(tmp_path, **options)
    assert source.files == sorted(source.files)
    assert all((tmp_path / name).is_file() for name in source.files)


def test_names_of_classes_may_be_labels(rows, tmp_path):
    names = np.array(["zebra", "ape", "é"])
    save(tmp_path, {split: (array, names[labels]) for split, (array, labels) in rows.items()})
    raw = own_embeddings.load(tmp_path, **TWO_FILES)
    assert raw.class_names == ["ape", "zebra", "é"]
    assert raw.splits["test"].labels[:3].tolist() == [1, 0, 2]
    (tmp_path / "classes.txt").write_text("zebra\nape\né\n", encoding="utf-8")
    raw = own_embeddings.load(tmp_path, **TWO_FILES, classes="classes.txt")
    assert raw.splits["test"].labels.tolist() == rows["test"][1].tolist()


def test_half_precision_is_kept_and_others_become_float32(rows, tmp_path):
    halves = {split: (a.astype(np.float16), labels) for split, (a, labels) in rows.items()}
    save(tmp_path, halves)
    assert own_embeddings.load(tmp_path, **TWO_FILES).splits["pool"].embeddings.dtype == np.float16
    doubles = {split: (a.astype(np.float64), labels) for split, (a, labels) in rows.items()}
    save(tmp_path, halves | {"test": doubles["test"]})
    assert own_embeddings.load(tmp_path, **TWO_FILES).splits["pool"].embeddings.dtype == np.float32


# ---- the pipeline


def test_rows_reach_the_rounds_as_they_are(rows, tmp_path, monkeypatch):
    monkeypatch.setenv("LABELBENCH_DEVICE", "cpu")
    save(tmp_path, rows)
    dataset = prepare(tmp_path / "mine", "own-embeddings", tmp_path, TWO_FILES)
    assert dataset.rows == "embeddings"
    assert "images" not in json.dumps(dataset.manifest)
    dataset.verify_splits(dataset.splits)
    with pytest.raises(InputError, match="rows are embeddings; allowed here: images"):
        dataset.images("pool")
    given = registry.build("backbones", {"implementation": "precomputed"})
    manifest = tmp_path / "e" / "manifest.json"
    extract_embeddings(dataset, given, "precomputed", tmp_path / "e" / "arrays", manifest)
    _, found = open_embeddings(manifest, {"backbone": "precomputed"})
    for split, (embeddings, _) in rows.items():
        np.testing.assert_array_equal(found[split].load(), embeddings.astype(np.float16))


def test_a_part_of_the_pool_and_rows_in_both_splits(rows, tmp_path):
    rows["test"][0][3] = rows["pool"][0][4]
    save(tmp_path, rows)
    dataset = prepare(tmp_path / "mine", "own-embeddings", tmp_path, TWO_FILES, pool_size=20)
    assert len(dataset.labels("pool")) == 20
    whole = prepare(tmp_path / "whole", "own-embeddings", tmp_path, TWO_FILES)
    assert {leak["kind"] for leak in whole.manifest["leaks"]} >= {"pool and test"}
    with pytest.raises(
        InputError, match=r"near_copies: .*rows are embeddings; allowed with images"
    ):
        prepare(tmp_path / "x", "own-embeddings", tmp_path, TWO_FILES, near_copies={"count": 1})


def test_a_changed_file_is_checked_before_anything_is_deleted(rows, tmp_path):
    save(tmp_path, rows)
    manifest = prepare(tmp_path / "mine", "own-embeddings", tmp_path, TWO_FILES).manifest
    check_new_images(manifest, tmp_path, set(), None, tmp_path, print)
    rows["pool"][0][2, 1] = np.nan
    save(tmp_path, rows)
    with pytest.raises(InputError, match="row 2, feature 1: nan"):
        check_new_images(manifest, tmp_path, set(), None, tmp_path, print)


# ---- what is wrong


def change(index, value):
    def made(rows):
        rows["pool"][0][index] = value

    return made


def replace(split, **new):
    def made(rows):
        embeddings, labels = rows[split]
        rows[split] = (new.get("embeddings", embeddings), new.get("labels", labels))

    return made


WRONG = {
    "NaN": (change((7, 2), np.nan), "pool.npz: row 7, feature 2: nan; allowed: finite numbers"),
    "infinite": (change((0, 0), -np.inf), "row 0, feature 0: -inf; allowed: finite"),
    "too large": (change((29, 4), 1e6), "row 29, feature 4: 1000000.0; allowed: finite numbers be"),
    "tiny": (replace("test", embeddings=np.full((12, 5), 1e-9)), "multiplied by a constant"),
    "rank": (replace("pool", embeddings=np.zeros(30)), "has the shape (30,); allowed: (N, D)"),
    "images": (replace("test", embeddings=np.ones((12, 2, 2, 3))), "(12, 2, 2, 3); allowed: (N, D"),
    "empty": (replace("pool", embeddings=np.zeros((0, 5))), "is empty, of shape (0, 5)"),
    "text": (replace("pool", embeddings=np.full((30, 5), "a")), "values are <U1; allowed: numbers"),
    "booleans": (replace("pool", embeddings=np.ones((30, 5), bool)), "values are bool; allowed"),
    "complex": (replace("pool", embeddings=np.ones((30, 5), complex)), "values are complex128"),
    "fewer labels": (replace("pool", labels=np.arange(29) % 3), "30 rows, but 29 labels in"),
    "dimension": (
        replace("test", embeddings=np.ones((12, 4))),
        "test.npz: 4 features; those of the pool have 5; allowed: the same in all splits",
    ),
    "no label": (replace("pool", labels=np.r_[np.nan, np.zeros(29)]), "row 0: label missing"),
    "-1": (replace("test", labels=np.full(12, -1)), "row 0: label -1; allowed: a whole number"),
    "half": (replace("pool", labels=np.full(30, 0.5)), "row 0: label 0.5; allowed: a whole number"),
    "unknown label": (
        replace("test", labels=np.full(12, 3)),
        "row 0: label 3; allowed: a whole number from 0 to 2, the classes of the pool",
    ),
    "huge label": (replace("pool", labels=np.full(30, 10**12)), "1000000000001 classes for 30"),
    "other kind": (replace("test", labels=np.full(12, "a")), "labels are names; those of the pool"),
    "one-hot": (
        replace("pool", labels=np.eye(30)),
        "labels have the shape (30, 30); allowed: (N,)",
    ),
    "lacking class": (replace("test", labels=np.zeros(12, int)), "no row of class 1 (2 classes"),
    "no class in the pool": (
        replace("pool", labels=np.arange(30) % 2 * 2),
        "pool.npz: labels: no row has label 1, of 0 to 2 (1 of these are missing)",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_in_an_array_is_told_before_any_job(name, rows, tmp_path):
    spoil, expected = WRONG[name]
    spoil(rows)
    save(tmp_path, rows)
    assert expected in told(tmp_path)


def test_the_same_is_told_of_arrays_in_memory(rows):
    data = round_data(rows)
    np.testing.assert_allclose(data.statistics.mean, rows["pool"][0].mean(axis=0), atol=1e-6)
    rows["test"][0][1, 1] = np.inf
    with pytest.raises(InputError, match="split test: row 1, feature 1: inf"):
        round_data(rows)
    with pytest.raises(InputError, match="splits: test; allowed: pool, and others, such as test"):
        round_data({"test": rows["test"]})
    assert list(round_data({"pool": rows["pool"]}).truth) == ["pool"]


class Bomb:
    """Unpickling it would fail the test."""

    def __reduce__(self):
        return (pytest.fail, ("unpickled",))


def test_python_objects_are_never_unpickled(rows, tmp_path):
    objects = np.empty((30, 5), object)
    objects[:] = Bomb()
    save(tmp_path, rows)
    np.savez(tmp_path / "pool.npz", embeddings=objects, labels=rows["pool"][1])
    assert "never unpickled" in told(tmp_path)
    np.save(tmp_path / "pool.npy", objects)
    options = {"splits": {"pool": "pool.npy", "test": "test.npz"}}
    options["labels"] = {"pool": "test.npz:labels"}
    assert "never unpickled" in told(tmp_path, options)
    (tmp_path / "pool.npy").write_bytes(pickle.dumps(Bomb()))
    assert "never unpickled" in told(tmp_path, options)


def test_a_zarr_array_that_would_be_unpickled_is_refused(rows, tmp_path):
    folder = tmp_path / "pool.zarr"
    folder.mkdir()
    described = {"zarr_format": 2, "shape": [30, 5], "chunks": [30, 5], "dtype": "<f4"}
    described |= {"compressor": None, "fill_value": 0, "order": "C", "filters": [{"id": "pickle"}]}
    (folder / ".zarray").write_text(json.dumps(described))
    (folder / "0.0").write_bytes(pickle.dumps(Bomb()))
    save(tmp_path, rows)
    options = {"splits": {"pool": "pool.zarr", "test": "test.npz"}}
    assert "never unpickled" in told(tmp_path, {**options, "labels": {"pool": "test.npz:labels"}})


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "options.splits: missing"),
        ({"splits": {"test": "test.npz"}}, "options.splits: pool is missing; there are: test"),
        (
            {"splits": {"pool": "pool.npz", "test": "x.npz"}},
            "x.npz is not there; allowed: an existing f",
        ),
        ({"splits": {"pool": "pool.csv", "test": "x"}}, "'pool.csv'; allowed: FILE or FILE:ARRAY"),
        ({"splits": {"pool": "../pool.npz", "test": "x"}}, "a path below the data directory"),
        (
            {"splits": {"pool": "pool.npz:embedings", "test": "test.npz"}},
            "did you mean 'embeddings'",
        ),
        (
            {**TWO_FILES, "labels": {"tset": "x.npz"}},
            "'tset': no such split (did you mean 'test'?)",
        ),
        ({**TWO_FILES, "labels": {"pool": "pool.npz:embeddings"}}, "labels have the shape (30, 5)"),
        ({**TWO_FILES, "classes": "none.txt"}, "none.txt"),
        ({**TWO_FILES, "classes": ""}, "options.classes: '': "),
        ({"splits": {"pool": "one.npy", "test": "test.npz"}}, "no labels of split 'pool'"),
        (
            {"splits": {"pool": "one.npy:a", "test": "test.npz"}, "labels": {"pool": "one.npy"}},
            "FILE",
        ),
        ({"splits": {"pool": "odd.npz", "test": "test.npz"}}, "one of its 2 arrays: x, y"),
        ({"splits": {"pool": "broken.npz", "test": "test.npz"}}, "broken.npz: not a readable arr"),
        ({"splits": {"pool": "Pool Set.npz", "test": "test.npz"}}, "Pool Set.npz is not there"),
    ],
)
def test_a_wrong_entry_is_told_before_any_job(options, expected, rows, tmp_path):
    save(tmp_path, rows)
    np.save(tmp_path / "one.npy", rows["pool"][0])
    np.savez(tmp_path / "odd.npz", x=rows["pool"][0], y=rows["pool"][1])
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04 cut off")
    if not options:
        (line,) = registry.option_errors("datasets", "own-embeddings", options)
        assert line.startswith(expected)
    elif "none.txt" in expected:
        with pytest.raises(
            InputError, match=r"^options.classes: 'none.txt': .*none.txt is not a file"
        ):
            own_embeddings.check(tmp_path, **options)
    else:
        assert expected in told(tmp_path, options)


@pytest.mark.extra("pyarrow")
def test_parquet_cells_that_are_missing_or_of_other_lengths(rows, tmp_path):
    import pyarrow
    from pyarrow import parquet

    save(tmp_path, rows)
    embeddings = [list(map(float, row)) for row in rows["pool"][0]]
    for wrong, expected in (([1.0], "row 3 has 1 values, row 0 5"), (None, "row 3 is missing")):
        cells = [*embeddings[:3], wrong, *embeddings[4:]]
        table = pyarrow.table({"embedding": cells, "label": rows["pool"][1]})
        parquet.write_table(table, tmp_path / "pool.parquet")
        options = {"splits": {"pool": "pool.parquet", "test": "test.npz"}}
        assert expected in told(tmp_path, options)


@pytest.mark.parametrize("dtype", [int, float])
def test_labels_from_1_are_told_what_to_do(tmp_path, rows, dtype):
    embeddings, labels = rows["pool"]
    number = np.unique(labels, return_inverse=True)[1].astype(dtype)
    np.savez(tmp_path / "one.npz", embeddings=embeddings, labels=number + 1)
    line = told(tmp_path, {"splits": {"pool": "one.npz"}})
    assert "one.npz: labels: no row has label 0, of 0 to " in line
    assert "without a gap: subtract 1, or save the labels as text" in line
    np.savez(tmp_path / "one.npz", embeddings=embeddings, labels=number * 2)
    line = told(tmp_path, {"splits": {"pool": "one.npz"}})
    assert "no row has label 1, of 0 to " in line
    assert "subtract" not in line
