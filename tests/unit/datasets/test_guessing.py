"""What `--check` guesses of files as people have them: said, printed as an entry, and checked."""

import numpy as np
import pytest
import yaml

from helpers.pictures_by_table import paint, write_table
from labelbench_core.datasets import __main__ as command


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
    assert entry == {"implementation": "text-table", "options": options}
    assert "text_column: question, the longest texts" in told
    told, entry = check(capsys, "data/tickets.csv", "--options", "{label_column: agent}")
    assert entry["options"]["label_column"] == "agent"
    assert "label_column:" not in told.split("edit the entry")[0]


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
    assert entry["options"] == options


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
