"""Weights of rows: read from every kind of file, stored, checked, kept with their rows."""

import json
import math
import re

import numpy as np
import pytest

from helpers.pictures_by_table import Pets, paint, write_table
from labelbench_core import registry
from labelbench_core.configuration.sources.source_sizes import source_sizes
from labelbench_core.datasets import RawSplit, digits, open_dataset
from labelbench_core.datasets import __main__ as command
from labelbench_core.datasets.preparing.notes import small_test_notes, variant_notes
from labelbench_core.datasets.preparing.prepare import prepare_dataset
from labelbench_core.datasets.tables.beside_labels import WEIGHT, check_beside, has_weights
from labelbench_core.errors import InputError

TEXTS = {"splits": {"pool": "all.csv"}, "text_column": "t", "label_column": "y"}
SOURCES = ("table", "text-table", "text-table of JSON Lines", "folder", "npz", "npy", "zarr")
ROWS = 24


def values(count=ROWS):
    """Weights as exact in single precision as in text, each that of one row."""
    return [0.25 + row / 8 for row in range(count)]


def save(folder, kind, weights):
    """The files of a data set of two classes whose rows have these weights; source and options."""
    count = len(weights)
    labels = ["ab"[row % 2] for row in range(count)]
    drawn = {"test_share": 0.25}
    if kind in ("table", "folder"):
        for row in range(count):
            paint(folder / "mine" / f"{row}.png", row)
        name = "metadata.csv" if kind == "folder" else "all.csv"
        rows = [[f"{row}.png", labels[row], str(weights[row])] for row in range(count)]
        write_table(folder / "mine" / name, ["file_name", "label", "w"], rows)
        options = {"image_size": 8, "weight_column": "w", **drawn}
        if kind == "folder":
            return "hugging-face-folder", {"folder": "mine", **options}
        named = {"table": "mine/all.csv", "path_column": "file_name", "label_column": "label"}
        return "table", {**named, **options}
    if kind.startswith("text-table"):
        rows = [[f"text {row}", labels[row], str(weights[row])] for row in range(count)]
        options = {**TEXTS, "weight_column": "w", **drawn}
        if kind == "text-table":
            write_table(folder / "all.csv", ["t", "y", "w"], rows)
            return kind, options
        lines = [json.dumps({"t": t, "y": y, "w": float(w)}) for t, y, w in rows]
        (folder / "all.jsonl").write_text("\n".join(lines))
        return "text-table", {**options, "splits": {"pool": "all.jsonl"}}
    embeddings = np.column_stack([np.arange(count), np.ones(count)]).astype(np.float32)
    options = {"splits": {"pool": f"all.{kind}"}, "weights": {"pool": f"all.{kind}"}, **drawn}
    arrays = {"embeddings": embeddings, "labels": np.array(labels), "weights": np.array(weights)}
    if kind == "npz":
        np.savez(folder / "all.npz", **arrays)
    elif kind == "npy":
        for name, array in arrays.items():
            np.save(folder / f"{name}.npy", array)
        options["splits"] = {"pool": "embeddings.npy"}
        options |= {name: {"pool": f"{name}.npy"} for name in ("labels", "weights")}
    else:
        import zarr

        group = zarr.open_group(str(folder / "all.zarr"), mode="w")
        arrays["labels"] = np.arange(count) % 2
        for name, array in arrays.items():
            group.create_array(name, data=array)
    return "own-embeddings", options


def prepared(folder, source, options, name="out", **more):
    out = folder / name
    paths = (folder, out / "arrays", out / "manifest.json")
    return prepare_dataset("mine", source, options, *paths, **more), open_dataset(out)


def numbers_of(dataset, split):
    """Which row of the source each row of a split is, by what it shows."""
    count = dataset.manifest["splits"][split]["num_rows"]
    if dataset.rows == "texts":
        return [int(text.split()[1]) for text in dataset.texts(split).batch(np.arange(count))]
    if dataset.rows == "embeddings":
        return dataset.embeddings(split).batch(np.arange(count))[:, 0].astype(int).tolist()
    listed = json.loads((dataset.folder / "arrays" / f"{split}-files.json").read_text())
    return [int(path.rpartition("/")[2].removesuffix(".png")) for path, _ in listed]


@pytest.mark.parametrize("kind", SOURCES)
def test_weights_stay_with_their_rows_wherever_these_are_drawn(kind, tmp_path):
    given = values()
    source, options = save(tmp_path, kind, given)
    assert has_weights({"implementation": source, "options": options})
    manifest, dataset = prepared(tmp_path, source, options)
    assert dataset.splits == ["pool", "test"]
    rows = {split: numbers_of(dataset, split) for split in dataset.splits}
    assert sorted(rows["pool"] + rows["test"]) == list(range(ROWS))
    for split in dataset.splits:
        weights = dataset.weights(split)
        assert weights.dtype == np.float32
        assert weights.tolist() == [given[row] for row in rows[split]]
        described = manifest["splits"][split]["weights"]
        assert described["sum"] == math.fsum(weights.tolist())
        assert (described["min"], described["max"]) == (weights.min(), weights.max())


@pytest.mark.parametrize("kind", ["table", "folder", "text-table"])
def test_rows_that_are_left_out_take_their_weights_with_them(kind, tmp_path):
    given = values()
    source, options = save(tmp_path, kind, given)
    broken: set[int] = set()
    if kind != "text-table":
        broken, options["corrupt"] = {3, 10}, "skip"
        for row in broken:
            (tmp_path / "mine" / f"{row}.png").write_bytes(b"none")
    manifest, dataset = prepared(tmp_path, source, options, long_tail={"ratio": 3})
    rows = {split: numbers_of(dataset, split) for split in dataset.splits}
    assert not broken & {*rows["pool"], *rows["test"]}
    for split in dataset.splits:
        kept = [given[row] for row in rows[split]]
        assert dataset.weights(split).tolist() == kept
        assert [row % 2 for row in rows[split]] == dataset.labels(split).tolist()
        assert manifest["splits"][split]["weights"]["sum"] == math.fsum(kept)
    many, few = manifest["splits"]["pool"]["class_counts"]
    assert (many, few) == (len(rows["pool"]) - few, many // 3)


@pytest.mark.parametrize("kind", ["table", "npz"])
def test_rows_that_were_drawn_before_stay_with_the_weights_that_they_have_now(kind, tmp_path):
    given = values()
    source, options = save(tmp_path, kind, given)
    before = prepared(tmp_path, source, options)[1]
    rows = {split: numbers_of(before, split) for split in before.splits}
    source, options = save(tmp_path, kind, [2 * one for one in given])
    _, again = prepared(tmp_path, source, options)
    for split in again.splits:
        assert numbers_of(again, split) == rows[split]
        assert again.weights(split).tolist() == [2 * given[row] for row in rows[split]]


def test_they_decide_the_fingerprint_and_a_data_set_without_them_has_none(tmp_path):
    source, options = save(tmp_path, "npz", values())
    weighted, dataset = prepared(tmp_path, source, options)
    without = {key: one for key, one in options.items() if key != "weights"}
    plain, unweighted = prepared(tmp_path, source, without, "plain")
    save(tmp_path, "npz", [1.5, *values()[1:]])
    changed, _ = prepared(tmp_path, source, options, "changed")
    assert len({one["fingerprint"] for one in (weighted, plain, changed)}) == 3
    assert unweighted.weights("pool") is None
    assert "weights" not in plain["splits"]["pool"]
    assert "pool-weights" not in plain["arrays"]
    assert not has_weights({"implementation": source, "options": without})
    (block,) = (dataset.folder / "arrays" / "pool-weights").rglob("c/0")
    content = bytearray(block.read_bytes())
    content[-1] ^= 1
    block.write_bytes(content)
    with pytest.raises(InputError, match="pool-weights"):
        open_dataset(dataset.folder).verify_splits(["pool"])
    with pytest.raises(InputError, match="pool-weights"):
        open_dataset(dataset.folder).weights("pool")


def test_a_split_may_have_none_and_a_part_of_the_pool_keeps_its_own(tmp_path):
    source, options = save(tmp_path, "npz", values())
    np.savez(tmp_path / "test.npz", embeddings=np.ones((4, 2), np.float32), labels=list("abab"))
    options |= {"splits": {"pool": "all.npz", "test": "test.npz"}}
    del options["test_share"]
    _, dataset = prepared(tmp_path, source, options, pool_size=12)
    assert dataset.weights("test") is None
    rows = dataset.source_rows("pool")
    assert dataset.weights("pool").tolist() == [values()[row] for row in rows]
    dataset.verify_splits(["pool", "test"])
    copied = RawSplit(np.zeros(3, np.int64), weights=np.arange(1, 4, dtype=np.float32))
    assert copied.take(np.array([2, 2, 0])).weights.tolist() == [3, 3, 1]


BAD = {
    "": "''",
    " ": "' '",
    "much": "'much'",
    "-1": "'-1'",
    "0": "'0'",
    "nan": "'nan'",
    "inf": "'inf'",
    "1e-60": "'1e-60'",
    "1e-40": "'1e-40'",  # 0 where denormals are flushed
    "1e60": "'1e60'",
    "1_000": "'1_000'",
    "0x1p3": "'0x1p3'",
}


@pytest.mark.parametrize(
    ("kind", "bad"), [("table", "0"), ("folder", ""), *(("text-table", one) for one in BAD)]
)
def test_a_cell_that_is_no_weight_is_one_line(kind, bad, tmp_path):
    weights = [str(one) for one in values(8)]
    weights[2] = weights[5] = bad
    source, options = save(tmp_path, kind, weights)
    with pytest.raises(InputError) as error:
        source_sizes({"implementation": source, "options": options}, tmp_path)
    told = str(error.value)
    assert told.endswith(f".csv: line 4: column w: {BAD[bad]}; allowed: {WEIGHT} (2 rows are such)")
    assert "\n" not in told


def test_a_comma_for_a_point_is_told_and_numbers_may_be_written_as_people_do(tmp_path):
    source, options = save(tmp_path, "text-table", ["1,5", *values(7)])
    with pytest.raises(InputError, match=r"column w: '1,5'; allowed: .* precision, such as 1\.5$"):
        registry.build("datasets", {"implementation": source, "options": options}, tmp_path)
    source, options = save(tmp_path, "text-table", [" +2 ", ".5", "5.", "1E-2", *values(8)])
    raw = registry.build("datasets", {"implementation": source, "options": options}, tmp_path)
    found = np.concatenate([one.weights for one in raw.splits.values()])
    assert {2.0, 0.5, 5.0, float(np.float32(0.01))} <= set(found.tolist())


@pytest.mark.parametrize(
    ("weights", "told"),
    [
        ([1.0, 0.0, -1.0, *values(5)], f"row 1: weight 0.0; allowed: {WEIGHT} (2 rows are such)"),
        ([1.0, np.nan, *values(6)], f"row 1: weight nan; allowed: {WEIGHT}"),
        ([1.0, 1e-40, *values(6)], f"row 1: weight 1e-40; allowed: {WEIGHT}"),
        ([1.0, 1e60, *values(6)], f"row 1: weight 1e+60; allowed: {WEIGHT}"),
        (["1"] * 8, "<U1 of shape (8,); allowed: (8,), a number for each row"),
        ([True] * 8, "bool of shape (8,); allowed: (8,), a number for each row"),
    ],
)
def test_an_array_of_no_weights_is_one_line(weights, told, tmp_path):
    source, options = save(tmp_path, "npz", weights)
    with pytest.raises(InputError) as error:
        source_sizes({"implementation": source, "options": options}, tmp_path)
    assert str(error.value).endswith(f"options.weights: {tmp_path}/all.npz: {told}")
    options["weights"] = {"tset": "all.npz"}
    with pytest.raises(InputError, match=r"options.weights: 'tset': no such split; allowed: pool"):
        source_sizes({"implementation": source, "options": options}, tmp_path)


@pytest.mark.parametrize("kind", ["table", "text-table", "text-table of JSON Lines", "folder"])
def test_an_empty_name_of_a_column_is_no_way_to_have_no_weights(kind, tmp_path):
    source, options = save(tmp_path, kind, values(8))
    entry = {"implementation": source, "options": {**options, "weight_column": ""}}
    with pytest.raises(InputError, match=r"weight_column: '': .*no such column"):
        registry.build("datasets", entry, tmp_path)


def test_a_missing_column_and_images_without_metadata_are_one_line(tmp_path):
    pets = Pets(tmp_path)
    with pytest.raises(InputError, match=r"options.weight_column: 'w': no such column; allowed: f"):
        registry.build(
            "datasets",
            {"implementation": "table", "options": {**Pets.OPTIONS, "weight_column": "w"}},
            pets.data,
        )
    source, options = save(tmp_path / "b", "folder", values(8))
    paint(tmp_path / "b" / "mine" / "train" / "x.png", 1)
    folder = tmp_path / "b" / "mine"
    (folder / "test").mkdir()
    for path in [*folder.glob("*.png"), folder / "metadata.csv"]:
        path.rename(folder / "test" / path.name)
    options = {"folder": "mine", "weight_column": "w", "unlabeled": True}
    with pytest.raises(InputError, match=r"weight_column: 'w': .*train has no metadata.csv"):
        registry.build("datasets", {"implementation": source, "options": options}, tmp_path / "b")


@pytest.mark.parametrize(
    ("weights", "told"),
    [
        (np.ones(2), "split pool: weights are float64; allowed: float32, one for each label"),
        (np.ones(3, np.float32), r"split pool: float32 of shape \(3,\); allowed: \(2,\)"),
        (np.zeros(2, np.float32), "split pool: row 0: weight 0.0; allowed"),
    ],
)
def test_a_source_of_ones_own_is_checked(weights, told):
    with pytest.raises(InputError, match=told):
        check_beside("pool", RawSplit(np.zeros(2, np.int64), weights=weights), [])


def test_reports_say_that_metrics_are_weighted_and_what_a_row_weighs(tmp_path):
    source, options = save(tmp_path, "npz", values())
    manifest, dataset = prepared(tmp_path, source, options)
    pool, test = (dataset.weights(split) for split in dataset.splits)
    (note,) = variant_notes({**manifest, "splits_note": ""})
    counts = "are weighted: a row counts as many times as its weight says ("
    assert note.startswith(f"Metrics and training {counts}")
    assert f"test {test.min():.6g} to {test.max():.6g}, {test.sum():.6g} in all for" in note
    told = list(small_test_notes(manifest))
    least, most = (100 * one / test.sum() for one in (test.min(), test.max()))
    assert told[1].startswith(
        f"The test split has {len(test)} rows: one of them is {least:.2f} to {most:.2f} % of it."
    )
    assert f"{100 * pool.max() / pool.sum():.2f} % of it." in told[0]
    for chosen, said in (
        ("evaluation", "Metrics are weighted, and training is not: a row counts"),
        ("training", "Training is weighted, and metrics are not: a row counts"),
    ):
        other, dataset = prepared(tmp_path, source, options, chosen, weights_for=chosen)
        assert other["fingerprint"] != manifest["fingerprint"]
        assert next(variant_notes({**other, "splits_note": ""})).startswith(said)
        assert (dataset.evaluation_weights("test") is None) == (chosen == "training")
        assert (dataset.training_weights("pool") is None) == (chosen == "evaluation")
    told = list(small_test_notes(other))
    assert f"rows: one of them is {100 / len(test):.2f} % of it." in told[1]


def test_reports_do_not_say_that_training_is_weighted_by_weights_of_the_test(tmp_path):
    _, options = save(tmp_path, "npz", values())
    options |= {"splits": {"pool": "all.npz", "test": "all.npz"}, "weights": {"test": "all.npz"}}
    del options["test_share"]
    manifest, dataset = prepared(tmp_path, "own-embeddings", options)
    assert dataset.training_weights("pool") is None
    said = "Metrics are weighted, and training is not: a row counts as many times as its weight"
    assert next(variant_notes({**manifest, "splits_note": ""})).startswith(said)


SOURCE = """
import numpy as np

from labelbench_core.datasets import RawDataset, RawSplit

INFO = {"summary": "-", "rows": "embeddings"KEY}


def check(data_dir):
    return {"pool": 4}


def load(data_dir):
    rows = {"embeddings": np.ones((4, 2), np.float32), "weights": np.ones(4, np.float32)}
    return RawDataset(["a", "b"], {"pool": RawSplit(np.arange(4) % 2, **rows)})
"""


@pytest.mark.parametrize("says_so", [True, False])
def test_a_source_of_ones_own_says_that_its_rows_have_weights(says_so, tmp_path):
    path = tmp_path / f"weights_{says_so}.py"
    path.write_text(SOURCE.replace("KEY", ', "weights": True' if says_so else ""))
    if says_so:
        _, dataset = prepared(tmp_path, str(path), {})
        assert dataset.weights("pool").tolist() == [1, 1, 1, 1]
        return
    with pytest.raises(InputError, match="rows have weights, and its INFO does not say so"):
        prepared(tmp_path, str(path), {})


def test_the_check_shows_their_range(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LABELBENCH_DATA", raising=False)
    data = tmp_path / "data"
    data.mkdir()
    save(data, "text-table", values())
    named = "{text_column: t, label_column: y, weight_column: w}"
    assert command.main(["--check", "data/all.csv", "--options", named]) == 0
    told = capsys.readouterr().out
    assert re.search(
        r"\n  weights   pool \d[0-9.]* to \d[0-9.]*, [0-9.]+ in all for 20 rows\n", told
    )
    assert re.search(r"\n {12}test \d[0-9.]* to \d[0-9.]*, [0-9.]+ in all for 4 rows\n", told)
    assert "weight_column: w" in told.split("catalogue:")[1]
    assert digits.load(data).splits["pool"].weights is None


@pytest.mark.extra("pyarrow")
def test_weights_in_parquet_are_read(tmp_path):
    import pyarrow
    from pyarrow import parquet

    columns = {"t": [f"text {row}" for row in range(8)], "y": list("ab" * 4), "w": values(8)}
    options = {**TEXTS, "splits": {"pool": "all.parquet"}, "weight_column": "w"}
    entry = {"implementation": "text-table", "options": options}
    parquet.write_table(pyarrow.table(columns), tmp_path / "all.parquet")
    raw = registry.build("datasets", entry, tmp_path)
    assert raw.splits["pool"].weights.tolist() == values(8)
    columns["w"][2] = None
    parquet.write_table(pyarrow.table(columns), tmp_path / "all.parquet")
    with pytest.raises(InputError, match=r"all.parquet: row 3: column w: ''; allowed: a finite"):
        registry.build("datasets", entry, tmp_path)
    arrays = {"embedding": [[1.0, row] for row in range(8)], "label": list("ab" * 4)}
    parquet.write_table(pyarrow.table({**arrays, "w": values(8)}), tmp_path / "e.parquet")
    options = {"splits": {"pool": "e.parquet"}, "weights": {"pool": "e.parquet:w"}}
    entry = {"implementation": "own-embeddings", "options": options}
    raw = registry.build("datasets", entry, tmp_path)
    assert raw.splits["pool"].weights.tolist() == values(8)
