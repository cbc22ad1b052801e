"""What `--check` guesses of files as people have them: said, printed as an entry, and checked."""

import json

import numpy as np
import pytest
import yaml

from helpers.pictures_by_table import paint, write_table
from labelbench_core.datasets import __main__ as command
from labelbench_core.datasets import own_embeddings
from labelbench_core.errors import InputError


@pytest.fixture
def data(tmp_path, monkeypatch):
    """The data directory of an empty project."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LABELBENCH_DATA", raising=False)
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def check(capsys, *words, status=0):
    """What is printed, and the only entry."""
    assert command.main(["--check", *words]) == status
    told = capsys.readouterr().out
    (entry,) = yaml.safe_load("catalogue:" + told.split("catalogue:")[1])["catalogue"][
        "datasets"
    ].values()
    return told, entry


@pytest.mark.parametrize("path", ["data/pets", "data/pets/labels.csv"])
def test_images_and_a_table(data, capsys, path):
    rows = [[f"{n}.jpg", ("cat", "dog")[n % 2], str(n)] for n in range(20)]
    for number, (name, *_) in enumerate(rows):
        paint(data / "pets" / name, number)
    write_table(data / "pets" / "labels.csv", ["image", "kind", "number"], rows)
    told, entry = check(capsys, path)
    options = {"table": "pets/labels.csv", "path_column": "image", "label_column": "kind"}
    assert entry == {"implementation": "table", "options": options}
    assert "kind: cat, dog (2 different)" in told
    assert "label_column: kind, which has 2 values" in told
    assert "splits    pool 16 (80.0%), test 4 (20.0%)" in told


def test_texts(data, capsys):
    rows = [[f"where is my parcel {n}", "ab"[n % 2], "xyz"[n % 3]] for n in range(30)]
    write_table(data / "tickets.csv", ["question", "Category", "agent"], rows)
    told, entry = check(capsys, "data/tickets.csv")
    splits = {"pool": "tickets.csv"}
    options = {"splits": splits, "text_column": "question", "label_column": "Category"}
    options["test_share"] = 0.2
    assert "test_share: 0.2 of every class, as there is no test" in told
    assert entry == {"implementation": "text-table", "options": options}
    assert "text_column: question, the longest texts" in told
    told, entry = check(capsys, "data/tickets.csv", "--options", "{label_column: agent}")
    assert entry["options"]["label_column"] == "agent"
    assert "label_column:" not in told.split("edit the entry")[0]


def test_weights_of_rows_are_not_taken_for_labels_and_told(data, capsys):
    rows = [[f"where is my parcel {n}", "12"[n % 2]] for n in range(30)]
    write_table(data / "tickets.csv", ["question", "sample_weight"], rows)
    assert command.main(["--check", "data/tickets.csv"]) == 2
    told = capsys.readouterr().out
    how = "so that every row counts once; if it is the weight of each row, say so with --options"
    assert f"sample_weight is not used, {how} '{{weight_column: sample_weight}}'" in told
    assert "no column is taken for labels" in told
    np.savez(data / "mine.npz", X=np.eye(20), weights=np.arange(20) % 2)
    assert command.main(["--check", "data/mine.npz"]) == 2
    told = capsys.readouterr().out
    assert f"weights is not used, {how} '{{weights: {{pool: mine.npz:weights}}}}'" in told
    assert "no array is taken for labels of the pool" in told


@pytest.mark.parametrize("place", ["", "train/"])
def test_weights_in_metadata_beside_images_are_told(data, capsys, place):
    rows = [[f"{n}.png", "ab"[n % 2], str(1 + n)] for n in range(20)]
    for number, (name, *_) in enumerate(rows):
        paint(data / "pets" / place / name, number)
    write_table(
        data / "pets" / place / "metadata.csv", ["file_name", "label", "sample_weight"], rows
    )
    words = ("data/pets", "--options")
    told, entry = check(capsys, *words, "{test_share: 0.2}")
    assert entry["implementation"] == "hugging-face-folder"
    assert f"data/pets: holds {place}metadata.csv" in told
    assert "sample_weight is not used, so that every row counts once" in told
    told, entry = check(capsys, *words, "{test_share: 0.2, weight_column: sample_weight}")
    assert entry["options"]["weight_column"] == "sample_weight"
    assert "is not used" not in told
    assert "  weights   pool " in told


def test_weights_that_datasets_saved_are_told(data, capsys):
    (data / "mine" / "train").mkdir(parents=True)
    (data / "mine" / "dataset_dict.json").write_text('{"splits": ["train", "gone"]}')
    features = {"text": {}, "label": {}, "Sample Weight": {}}
    (data / "mine" / "train" / "dataset_info.json").write_text(json.dumps({"features": features}))
    # The files of rows are absent: what can be told comes before what is wrong.
    assert command.main(["--check", "data/mine"]) != 0
    told = capsys.readouterr().out
    assert "Sample Weight is not used, so that every row counts once" in told
    assert "guessed: hugging-face-saved" in told


def test_embeddings(data, capsys):
    rng = np.random.default_rng(0)
    arrays = {f"X_{split}": rng.normal(size=(20, 4)) for split in ("train", "test")}
    arrays |= {f"y_{split}": np.arange(20) % 2 for split in ("train", "test")}
    np.savez(data / "mine.npz", **arrays)
    told, entry = check(capsys, "data/mine.npz")
    assert entry["implementation"] == "own-embeddings"
    assert entry["options"] == {
        "splits": {"pool": "mine.npz:X_train", "test": "mine.npz:X_test"},
        "labels": {"pool": "mine.npz:y_train", "test": "mine.npz:y_test"},
    }
    assert "X_train: (20, 4), float64" in told
    np.save(data / "vectors.npy", arrays["X_train"])
    np.save(data / "vectors-labels.npy", arrays["y_train"])
    told, entry = check(capsys, "data/vectors.npy")
    options = {"splits": {"pool": "vectors.npy"}, "labels": {"pool": "vectors-labels.npy"}}
    assert entry["options"] == {**options, "test_share": 0.2}
    _, entry = check(capsys, "data/vectors.npy", "--options", "{test_size: 4}")
    assert entry["options"] == {**options, "test_size": 4}


@pytest.mark.parametrize("name", ["mine.npz", "mine.npy", "objects.npy", "mine.zarr"])
def test_arrays_that_cannot_be_read_are_one_line(data, capsys, name):
    if name == "objects.npy":
        np.save(data / name, np.array([{}, []], dtype=object), allow_pickle=True)
    elif name == "mine.zarr":
        (data / name).mkdir()
        (data / name / "zarr.json").write_text("{")
    else:
        (data / name).write_bytes(b"PK\3\4broken")
    assert command.main(["--check", f"data/{name}"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: data/{name}: not a readable array (")


def test_a_broken_array_beside_embeddings_does_not_matter(data, capsys):
    np.save(data / "vectors.npy", np.eye(20))
    np.save(data / "labels.npy", np.arange(20) % 2)
    (data / "broken.npy").write_bytes(b"")
    assert check(capsys, "data/vectors.npy")[1]["options"]["labels"] == {"pool": "labels.npy"}


def test_an_unreadable_table_beside_folders_of_classes_does_not_matter(data, capsys):
    for place, kind in enumerate(("cat", "dog")):
        for number in range(10):
            paint(data / "pets" / "train" / kind / f"{number}.png", 100 * place + number)
    (data / "pets" / "notes.csv").write_bytes(b"a,b\n\xff,1\n")
    assert check(capsys, "data/pets")[1]["implementation"] == "image-folder"


def test_what_fits_nothing_is_shown_with_the_syntax(data, capsys):
    write_table(data / "sizes.csv", ["a", "b"], [["1", "2"], ["3", "4"]])
    assert command.main(["--check", "data/sizes.csv"]) == 2
    told = capsys.readouterr().err
    assert "--options '{path_column: file, label_column: animal}'" in told
    assert "a: 1, 3 (2 different)" in told


def tickets(path, header=("question", "topic"), more=(), count=24):
    """A table of texts with two topics, and further columns of the values in `more`."""
    rows = [
        [f"where is my parcel {path.stem} {n}", "ab"[n % 2], *(one[n % len(one)] for one in more)]
        for n in range(count)
    ]
    write_table(path, [*header, *(f"more{place}" for place in range(len(more)))], rows)


@pytest.mark.parametrize("values", [("train", "train", "test", "test"), ("Train", "train", "TEST")])
def test_a_column_of_splits_is_not_mixed(data, capsys, values):
    tickets(data / "tickets.csv", more=[values])
    told, entry = check(capsys, "data/tickets.csv")
    assert entry["options"]["split_column"] == "more0"
    test = sum(values[n % len(values)].lower() == "test" for n in range(24))
    assert f"splits    pool {24 - test} (" in told
    assert "test_share" not in entry["options"]


def test_a_column_of_splits_of_images_and_several_labels(data, capsys):
    rows = [
        [f"{n}.jpg", ("Train", "TEST")[n % 4 // 3], n % 2, n // 2 % 2, ("x;y", "y", "x")[n % 3]]
        for n in range(24)
    ]
    for number, (name, *_) in enumerate(rows):
        paint(data / "pets" / name, number)
    header = ["image", "part", "cat", "dog", "more"]
    write_table(data / "pets" / "all.csv", header, rows)
    told, entry = check(capsys, "data/pets")
    assert entry["options"]["split_column"] == "part"
    assert "splits    pool 18 (75.0%), test 6 (25.0%)" in told
    assert entry["options"]["label_columns"] == ["cat", "dog"]
    assert "label_columns: cat, dog, which hold only 0 and 1" in told
    write_table(data / "pets" / "all.csv", [*header[:-1], "tags"], rows)
    told, entry = check(capsys, "data/pets")
    assert entry["options"]["label_separator"] == ";"
    assert "label_column: tags, which has 2 values, separated by ';'" in told
    lines = [{"image": name, "classes": tags.split(";")} for name, *_, tags in rows]
    (data / "pets" / "all.csv").unlink()
    (data / "pets" / "all.jsonl").write_text("\n".join(map(json.dumps, lines)))
    told, entry = check(capsys, "data/pets")
    assert entry["options"]["label_column"] == "classes"
    assert "splits    pool 19 (79.2%), test 5 (20.8%)" in told


def test_labels_that_are_not_found_are_asked_for(data, capsys):
    tickets(data / "tickets.csv", ("question", "topic"), more=["xyz"])
    assert command.main(["--check", "data/tickets.csv"]) == 2
    told = capsys.readouterr().out
    assert "(topic, more0 could be): name it with --options '{label_column: topic}'" in told
    np.savez(data / "bare.npz", embeddings=np.eye(20))
    assert command.main(["--check", "data/bare.npz"]) == 2
    told = capsys.readouterr()
    assert "no array is taken for labels of the pool: name it with --options" in told.out
    assert told.err.count("\n") == 1
    assert "or set `unlabeled: true` where the pool has none" in told.err


def test_tables_of_other_splits_beside_a_train(data, capsys):
    for name in ("mine_train", "mine_test", "mine_dev", "other_test"):
        tickets(data / f"{name}.csv")
    tickets(data / "mine_val.csv", ("question", "another"))
    _, entry = check(capsys, "data/mine_train.csv")
    splits = {"pool": "mine_train.csv", "val": "mine_dev.csv", "test": "mine_test.csv"}
    assert entry["options"]["splits"] == splits
    assert "test_share" not in entry["options"]


@pytest.mark.extra("pyarrow")
def test_parquet_with_embeddings(data, capsys):
    import pyarrow
    from pyarrow import parquet

    rows, labels = np.random.default_rng(0).normal(size=(20, 9)), ["a", "b"] * 10
    listed = {"id": range(20), "vector": list(rows), "label": labels}
    parquet.write_table(pyarrow.table(listed), data / "mine.parquet")
    _, entry = check(capsys, "data/mine.parquet")
    assert entry["options"]["splits"] == {"pool": "mine.parquet:vector"}
    wide = {f"f{place}": rows[:, place] for place in range(9)} | {"label": labels}
    parquet.write_table(pyarrow.table(wide), data / "mine.parquet")
    _, entry = check(capsys, "data/mine.parquet")
    assert entry["options"]["splits"] == {"pool": "mine.parquet:f*"}
    assert entry["options"]["labels"] == {"pool": "mine.parquet:label"}


def test_cells_that_share_parts_are_several_labels(data, capsys):
    rows = [[f"{n}.png", "a, b" if n % 3 else "a"] for n in range(24)]
    for number, (name, _) in enumerate(rows):
        paint(data / "pets" / name, number)
    write_table(data / "pets" / "all.csv", ["file", "tags"], rows)
    told, entry = check(capsys, "data/pets")
    assert entry["options"]["label_separator"] == ","
    rows = [[name, ("red, dark", "blue")[n % 2]] for n, (name, _) in enumerate(rows)]
    write_table(data / "pets" / "all.csv", ["file", "tags"], rows)
    told, entry = check(capsys, "data/pets")
    assert "label_separator" not in entry["options"]
    assert "blue: pool" in told


def test_paths_of_windows_are_told_what_separates_folders(data, capsys):
    for number in range(8):
        paint(data / "pets" / "in" / f"{number}.png", number)
    rows = [[f"in\\{number}.png", "ab"[number % 2]] for number in range(8)]
    write_table(data / "pets" / "all.csv", ["file", "label"], rows)
    assert command.main(["--check", "data/pets/all.csv"]) != 0
    told = "".join(capsys.readouterr())
    assert "an existing file, its folders separated by `/`; " in told


def test_labels_in_columns_of_an_array(data, capsys):
    x, y = np.random.default_rng(0).normal(size=(20, 4)), np.eye(2, dtype=int)[np.arange(20) % 2]
    np.savez(data / "mine.npz", embeddings=x, labels=y)
    told, entry = check(capsys, "data/mine.npz")
    assert entry["options"]["multilabel"] is True
    assert "multilabel: True, as labels have a column for each class" in told


def test_a_first_line_of_data_and_a_class_called_nan_are_told(data, capsys):
    tickets(data / "tickets.csv", ("where is my parcel tickets 99", "a"))
    told, _ = check(capsys, "data/tickets.csv")
    assert "but 'a' is a cell of its own column, too: is it data?" in told
    rows = [[f"where is my parcel {n}", ("a", "NaN")[n % 2]] for n in range(20)]
    write_table(data / "tickets.csv", ["text", "label"], rows)
    told, _ = check(capsys, "data/tickets.csv")
    assert "NaN is a class here: if it means that a label is missing" in told
    assert "first line" not in told


def test_splits_that_are_given_are_those_of_the_entry(data, capsys):
    x, y = np.random.default_rng(0).normal(size=(20, 4)), np.arange(20) % 2
    (data / "e").mkdir()
    np.savez(data / "e" / "1.npz", embeddings=x, labels=y)
    splits = "{pool: 'e/1.npz:embeddings', test: 'e/1.npz:embeddings'}"
    _, entry = check(capsys, "data/e/1.npz", "--options", f"{{splits: {splits}}}")
    assert "test_share" not in entry["options"]
    arrays = {
        f"{name}_{split}": one
        for split in ("train", "test")
        for name, one in zip("Xy", (x, y), strict=True)
    }
    np.savez(data / "both.npz", **arrays)
    _, entry = check(capsys, "data/both.npz", "--options", "{splits: {pool: 'both.npz:X_train'}}")
    assert entry["options"]["labels"] == {"pool": "both.npz:y_train"}
    assert entry["options"]["test_share"] == 0.2
    for name in ("tickets", "others"):
        tickets(data / f"{name}.csv")
    splits = "{pool: tickets.csv, test: others.csv}"
    _, entry = check(capsys, "data/tickets.csv", "--options", f"{{splits: {splits}}}")
    assert "test_share" not in entry["options"]


def test_a_folder_of_images_is_looked_into_or_is_not_one(data, capsys):
    rows = [[f"{n}.png", "ab"[n % 2]] for n in range(20)]
    for number, (name, _) in enumerate(rows):
        paint(data / "pictures" / name, number)
    write_table(data / "pets.csv", ["file", "label"], rows)
    _, entry = check(capsys, "data/pets.csv", "--options", "{images: pictures}")
    assert entry["options"]["path_column"] == "file"
    assert command.main(["--check", "data/pets.csv", "--options", "{images: nope}"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: options.images: 'nope': ")
    assert "data/nope is not a folder; allowed: an existing folder" in line


@pytest.mark.parametrize("objects", [np.array(["a", "b"] * 10, object), np.array([1, None] * 10)])
def test_arrays_of_objects_are_named_and_how_labels_are_saved(data, capsys, objects):
    np.savez(data / "mine.npz", embeddings=np.eye(20), labels=objects)
    np.save(data / "labels.npy", objects)
    told = "not a readable array (an array of Python objects); Python objects are never unpickled: "
    told += "save plain numbers, and labels as text by `.astype(str)`"
    options = {"splits": {"pool": "mine.npz"}, "unlabeled": False}
    assert command.main(["--check", "data/mine.npz"]) == 2
    assert capsys.readouterr().err == f"error: data/mine.npz: labels: {told}\n"
    for name, place in (("mine.npz", "mine.npz: labels"), ("labels.npy", "labels.npy")):
        named = {"pool": f"{name}:labels" if name == "mine.npz" else name}
        with pytest.raises(InputError) as error:
            own_embeddings.load(data, **options, labels=named)
        assert place in str(error.value)
        assert told in str(error.value)


@pytest.mark.parametrize("what", ["", "x" * 300, f"{'x' * 300}.yaml"])
def test_what_names_nothing_is_refused(data, capsys, what):
    np.savez("mine.npz", embeddings=np.eye(20), labels=np.arange(20) % 2)
    (data.parent / "config" / "catalogue").mkdir(parents=True)
    (data.parent / "config" / "catalogue" / "datasets.yaml").write_text("{}")
    assert command.main(["--check", what]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: --check: '")
    assert "; allowed: " in line


def test_short_texts_in_a_column_called_text(data, capsys):
    rows = [[f"parcel {n}", ("late", "lost")[n % 2]] for n in range(20)]
    write_table(data / "tickets.csv", ["text", "label"], rows)
    told, entry = check(capsys, "data/tickets.csv")
    assert "text_column: text, called as texts are" in told
    assert (entry["options"]["text_column"], entry["options"]["label_column"]) == ("text", "label")
    write_table(data / "tickets.csv", ["sentence", "text"], [(b, a) for a, b in rows])
    _, entry = check(capsys, "data/tickets.csv")  # cells that are few, whatever they are called
    assert entry["options"]["text_column"] == "text"
    assert entry["options"]["label_column"] == "sentence"


@pytest.mark.parametrize("marks", [("0", "1"), ("False", "True"), ("0.0", "1.0")])
def test_texts_with_several_labels(data, capsys, marks):
    def row(n):
        return [f"where is my parcel {n}", marks[n % 2], marks[n % 3 == 0], f"c{n % 4}"]

    write_table(data / "tickets.csv", ["text", "late", "lost", "who"], map(row, range(40)))
    told, entry = check(capsys, "data/tickets.csv")
    assert entry["options"]["label_columns"] == ["late", "lost"]
    assert "late: pool 16, test 4" in told
    rows = [[f"where is my parcel {n}", ("late", "late;lost", "lost")[n % 3]] for n in range(40)]
    write_table(data / "tickets.csv", ["text", "tags"], rows)
    _, entry = check(capsys, "data/tickets.csv")
    assert entry["options"]["label_separator"] == ";"


def test_arrays_of_one_column_are_labels_and_weights(data, capsys):
    column = np.arange(20).reshape(-1, 1)
    np.savez(data / "a.npz", X=np.eye(20), y=column % 2, weight=column + 1.0)
    told, entry = check(capsys, "data/a.npz")
    assert entry["options"]["labels"] == {"pool": "a.npz:y"}
    assert "multilabel" not in entry["options"]
    assert "weight is not used" in told
    (data / "e").mkdir()
    np.save(data / "e" / "X.npy", np.eye(20))
    np.save(data / "e" / "y.npy", column % 2)
    _, entry = check(capsys, "data/e/X.npy")
    assert entry["options"]["labels"] == {"pool": "e/y.npy"}
    np.savez(data / "a.npz", X=column + 0.5, y=column % 2)  # embeddings of one feature
    _, entry = check(capsys, "data/a.npz")
    assert entry["options"]["splits"] == {"pool": "a.npz:X"}
