"""docs/your-data.md: its commands and entries, run on the layouts that it shows."""

import re
from pathlib import Path

import pytest
import yaml

from helpers.pictures_by_table import paint, write_table
from helpers.project import PROJECT
from labelbench_core import registry
from labelbench_core.datasets import __main__ as command

PAGE = (PROJECT / "docs/your-data.md").read_text("utf-8")
EXPERIMENT, OTHERS, WEIGHTED, EVALUATION_ALONE = (
    yaml.safe_load(block)
    for block in re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
)


def by_class(root):
    paint_all(root, "{kind}/{number}.png")


def by_split(root):
    for split in ("train", "test"):
        paint_all(root, f"{split}/{{kind}}/{{number}}.png")


def by_medium(root):
    for medium in ("photo", "sketch"):
        paint_all(root, f"{medium}/{{kind}}/{{number}}.png")


def deeper(root):
    for site in ("site1", "site2"):
        paint_all(root, f"{site}/{{kind}}/{{number}}.png")


def by_animal(root):
    paint_all(root, "{kind}/{animal}_{number}.png")


def by_table(root):
    write_table(root / "all.csv", ["file", "animal"], paint_all(root, "{kind}{number}.png"))


def by_number(root):
    rows = paint_all(root / "train", "{number}.jpg")
    write_table(root / "train.csv", ["id", "animal"], [[name[:-4], kind] for name, kind in rows])


def by_path(root):
    rows = [
        one for split in ("train", "test") for one in paint_all(root, f"{split}/{{number}}.png")
    ]
    write_table(root / "all.csv", ["file", "animal"], rows)


def hugging_face(root):
    for split in ("train", "test"):
        rows = paint_all(root / split, "{kind}{number}.png")
        write_table(root / split / "metadata.csv", ["file_name", "animal"], rows)


def saved(root):
    import datasets

    pictures, kinds = zip(*paint_all(root, "{kind}{number}.png"), strict=True)
    columns = {"image": [str(root / name) for name in pictures], "animal": list(kinds)}
    features = {"image": datasets.Image(), "animal": datasets.Value("string")}
    one = datasets.Dataset.from_dict(columns, features=datasets.Features(features))
    datasets.DatasetDict({"train": one}).save_to_disk(str(root.parent / "saved-photos"))


def paint_all(root, pattern):
    """(path, class) of ten images."""
    names = {"cat": ("tom", "kitty", "mog"), "dog": ("rex", "ben", "fido")}
    rows = []
    for number in range(10):
        kind = ("cat", "dog")[number % 2]
        name = pattern.format(kind=kind, number=number, animal=names[kind][number // 2 % 3])
        paint(root / name, len(rows) + len(pattern) * 100)
        rows.append([name, kind])
    return rows


@pytest.mark.parametrize(
    ("make", "entry", "sizes"),
    [
        (by_class, "pets-by-class", {"pool": 8, "test": 2}),
        (by_split, "pets-by-class", {"pool": 10, "test": 10}),
        (by_medium, "pets-by-medium", {"pool": 8, "sketch": 10, "test": 2}),
        (deeper, "pets-by-class", {"pool": 16, "test": 4}),
        (by_animal, "pets-by-animal", {"pool": 6, "test": 4}),
        (by_table, "pets-by-table", {"pool": 8, "test": 2}),
        (by_number, "pets-by-number", {"pool": 8, "test": 2}),
        (by_path, "pets-by-path", {"pool": 10, "test": 10}),
        (hugging_face, "pets-hugging-face", {"pool": 10, "test": 10}),
        pytest.param(
            saved, "pets-saved", {"pool": 8, "test": 2}, marks=pytest.mark.extra("datasets")
        ),
    ],
)
def test_each_layout_is_read_by_its_entry(tmp_path, make, entry, sizes):
    make(tmp_path / "my-photos")
    options = registry.options_of(OTHERS[entry])
    component = registry.load("datasets", OTHERS[entry]["implementation"])
    assert component.check(tmp_path, **options) == sizes
    raw = registry.build("datasets", OTHERS[entry], tmp_path)
    assert {split: len(one.labels) for split, one in raw.splits.items()} == sizes
    assert raw.class_names == ["cat", "dog"]


def test_texts_are_read_by_their_entries(tmp_path):
    names = ["text", "label", "late", "lost", "channel", "importance", "customer"]
    rows = [
        [f"parcel {n}", "ab"[n % 2], n % 2, n % 4 // 2, "wab"[n % 3], 1 + n, n // 2]
        for n in range(40)
    ]
    write_table(tmp_path / "tickets.csv", names, rows)
    for entry, shape in (("tickets", (32,)), ("tickets-several", (32, 2))):
        raw = registry.build("datasets", OTHERS[entry], tmp_path)
        assert raw.splits["pool"].labels.shape == shape
        assert (raw.splits["test"].weights is None) == (entry == "tickets")
    assert raw.group_names == ["a", "b", "w"]


def test_the_check_shows_what_is_there_and_the_entry(tmp_path, monkeypatch, capsys):
    by_class(tmp_path / "data" / "my-photos")
    monkeypatch.chdir(tmp_path)
    (words,) = re.findall(
        r"^.*python -m labelbench_core.datasets (--check .*)$", PAGE, re.MULTILINE
    )
    assert command.main(words.split()) == 0
    told = capsys.readouterr().out
    assert (tmp_path / "my-photos-check.png").read_bytes()[:4] == b"\x89PNG"
    assert "pool 8 (80.0%), test 2 (20.0%)" in told
    assert "wrong     nothing" in told
    (entry,) = yaml.safe_load(told.split("\n\n")[-1])["catalogue"]["datasets"].values()
    shown = EXPERIMENT["catalogue"]["datasets"]["my-photos"]
    assert entry["implementation"] == shown["implementation"]
    assert entry["options"].items() <= shown["options"].items()


def test_the_check_names_all_that_is_wrong(tmp_path, monkeypatch, capsys):
    by_table(tmp_path / "my-photos")
    root = tmp_path / "my-photos"
    (root / "cat0.png").write_bytes(b"none")
    (root / "dog1.png").write_bytes((root / "cat2.png").read_bytes())
    monkeypatch.chdir(tmp_path)
    options = "{path_column: file, label_column: animal}"
    assert command.main(["--check", "my-photos/all.csv", "--options", options]) == 1
    told = capsys.readouterr().out
    assert "cat0.png (all.csv: line 2): not an image that Pillow can read" in told
    assert "identical in content, is under two classes" in told
    assert command.main(["--check", "my-photos/all.csv"]) == 1
    assert "path_column: file, whose values are files" in capsys.readouterr().out
    assert command.main(["--check", "cifar-10"]) == 2


def test_metadata_of_hugging_face_are_checked_by_line(tmp_path):
    hugging_face(tmp_path / "pets")
    component = registry.load("datasets", "hugging-face-folder")
    options = {"folder": "pets", "label_column": "animal"}
    (tmp_path / "pets/train/cat2.png").unlink()
    with pytest.raises(ValueError, match=r"train/metadata.csv: line 4: column file_name: 'cat2"):
        component.check(tmp_path, **options)
    write_table(tmp_path / "pets/train/metadata.csv", ["file", "animal"], [["a.png", "cat"]])
    with pytest.raises(ValueError, match="path: 'file_name': no such column"):
        component.check(tmp_path, **options)
    (tmp_path / "pets/train/metadata.csv").unlink()
    with pytest.raises(ValueError, match=r"no metadata.csv or metadata.jsonl in it or in train/"):
        component.check(tmp_path, **options)


def test_the_entries_of_an_experiment_are_checked(tmp_path, monkeypatch, capsys):
    by_class(tmp_path / "data" / "my-photos")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.yaml").write_text(yaml.safe_dump(EXPERIMENT))
    assert command.main(["--check", "my.yaml"]) == 0
    assert "pool 8 (80.0%), test 2 (20.0%)" in capsys.readouterr().out


def test_entries_in_a_file_of_ones_own_are_checked(tmp_path, monkeypatch, capsys):
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "mine.py").write_text(
        "from labelbench_core.datasets import digits\n"
        "INFO = {'summary': '', 'license': '', 'paper': '', 'num_classes': 10}\n"
        "check = digits.check\n\n\ndef load(data_dir):\n    return digits.load(data_dir)\n"
    )
    (tmp_path / "study" / "entries.yaml").write_text("mine: {implementation: ./mine.py}\n")
    monkeypatch.chdir(tmp_path)
    assert command.main(["--check", "study/entries.yaml"]) == 0
    assert "1,297" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("[a, b]", "my.yaml: ['a', 'b']; allowed for --check: a mapping of ids to entries"),
        ("", "my.yaml: {}; allowed for --check"),
        ("experiment: a\ncatalogue: other.yaml", "my.yaml: catalogue: 'other.yaml'; allowed for"),
        ("experiment: a", "my.yaml: catalogue.datasets: {}; allowed for --check"),
        ("pets: table", "my.yaml: pets: 'table'; allowed: a mapping with `implementation`"),
        ("pets: {options: {}}", "my.yaml: pets: {'options': {}}; allowed: a mapping with"),
        ("pets: {implementation: ./no.py}", "'./no.py': there is no file"),
        ("pets: {implementation: tabel}", "tabel"),
    ],
)
def test_a_file_without_entries_is_one_line(tmp_path, monkeypatch, capsys, content, told):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.yaml").write_text(content)
    assert command.main(["--check", "my.yaml"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line


def test_rows_that_count_more_than_others(tmp_path):
    rows = paint_all(tmp_path / "data/my-photos", "{kind}{number}.png")
    weighted = [[*row, str(1 + place)] for place, row in enumerate(rows)]
    write_table(tmp_path / "data/my-photos/all.csv", ["file", "animal", "importance"], weighted)
    raw = registry.build("datasets", WEIGHTED["pets-weighted"], tmp_path / "data")
    found = {
        Path(file).name: float(weight)
        for one in raw.splits.values()
        for file, weight in zip(one.files, one.weights, strict=True)
    }
    assert found == {row[0]: float(row[-1]) for row in weighted}
    alone = EVALUATION_ALONE["pets-weighted-test"]
    assert alone == {**WEIGHTED["pets-weighted"], "weights_for": "evaluation"}
