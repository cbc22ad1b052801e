"""Pools without labels: every source that can have one, what is stored, and rounds on it."""

import csv

import numpy as np
import pytest

from helpers.pictures_by_table import paint
from helpers.prepared import prepare
from labelbench_core import registry
from labelbench_core.annotators.annotating import annotate_pool
from labelbench_core.annotators.annotations import Annotations, open_annotations
from labelbench_core.configuration.sources.source_sizes import source_sizes
from labelbench_core.datasets import image_folder as image_folder_source
from labelbench_core.datasets.labels.unlabeled import has_labels
from labelbench_core.errors import InputError
from labelbench_core.selection import initial_pool
from labelbench_core.selection.in_memory import round_data
from labelbench_core.selection.rounds import initial_round, next_round
from labelbench_core.storage.records import read_record

RNG = np.random.default_rng(0)
POOL, TEST = (RNG.standard_normal((size, 4)).astype(np.float32) for size in (30, 12))
NAMES = np.array(["cat", "dog", "eel"])
CLASSES = "ant\ncat\ndog\neel\n"


def write(path, rows):
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows(rows)


def own_embeddings(folder):
    np.save(folder / "pool.npy", POOL)
    np.savez(folder / "test.npz", embeddings=TEST, labels=NAMES[np.arange(12) % 3])
    return {"splits": {"pool": "pool.npy", "test": "test.npz"}}


def text_table(folder):
    write(folder / "pool.csv", [["text"], *([f"text {row}"] for row in range(30))])
    told = [[f"test {row}", NAMES[row % 3]] for row in range(12)]
    write(folder / "test.csv", [["text", "label"], *told])
    return {"splits": {"pool": "pool.csv", "test": "test.csv"}}


def table(folder):
    rows = [[f"{row}.png", "", "train"] for row in range(30)]
    rows += [[f"{row}.png", NAMES[row % 3], "test"] for row in range(30, 42)]
    for row in range(42):
        paint(folder / f"{row}.png", row)
    write(folder / "all.csv", [["file", "animal", "part"], *rows])
    columns = {"path_column": "file", "label_column": "animal", "split_column": "part"}
    return {"table": "all.csv", **columns}


def image_folder(folder):
    for row in range(30):  # at any depth: names of folders say nothing
        paint(folder / "pets" / "train" / ("", "a/b")[row % 2] / f"{row}.png", row)
    for row in range(30, 42):
        paint(folder / "pets" / "test" / NAMES[row % 3] / f"{row}.png", row)
    return {"folder": "pets"}


def hugging_face_folder(folder):
    image_folder(folder)
    told = [[f"{NAMES[row % 3]}/{row}.png", NAMES[row % 3]] for row in range(30, 42)]
    write(folder / "pets" / "test" / "metadata.csv", [["file_name", "label"], *told])
    return {"folder": "pets"}


SOURCES = {
    "own-embeddings": own_embeddings,
    "text-table": text_table,
    "table": table,
    "image-folder": image_folder,
    "hugging-face-folder": hugging_face_folder,
}


@pytest.mark.parametrize("source", SOURCES)
def test_a_pool_without_labels_is_prepared(source, tmp_path):
    options = {**SOURCES[source](tmp_path), "unlabeled": True}
    entry = {"implementation": source, "options": options}
    assert not has_labels(entry)
    assert source_sizes(entry, tmp_path).splits == {"pool": 30, "test": 12}
    dataset = prepare(tmp_path / "mine", source, tmp_path, options)
    assert dataset.class_names == NAMES.tolist()
    assert [dataset.has_labels(split) for split in ("pool", "test")] == [False, True]
    assert sorted(dataset.labels("test").tolist()) == [0] * 4 + [1] * 4 + [2] * 4
    assert "class_counts" not in dataset.manifest["splits"]["pool"]
    dataset.verify_splits(dataset.splits)
    with pytest.raises(InputError, match="pool has no labels; allowed: an annotator's"):
        dataset.labels("pool")
    # Names of classes that the test lacks come from a file.
    (tmp_path / "classes.txt").write_text(CLASSES)
    more = {**options, "classes": "classes.txt", "allow_missing_classes": True}
    assert registry.load("datasets", source).load(tmp_path, **more).class_names[0] == "ant"


@pytest.mark.parametrize("source", SOURCES)
def test_labels_are_needed_unless_it_says_that_there_are_none(source, tmp_path):
    options = SOURCES[source](tmp_path)
    assert has_labels({"implementation": source, "options": options})
    with pytest.raises(InputError, match=r"label|animal|class folders|class cat|no metadata"):
        source_sizes({"implementation": source, "options": options}, tmp_path)


@pytest.mark.parametrize(
    ("source", "more", "told"),
    [
        ("own-embeddings", {"labels": {"pool": "a.npy"}}, "options.labels: pool; `unlabeled` says"),
        ("own-embeddings", {"multilabel": True}, "`multilabel` is given, for which there is no an"),
        ("table", {"test_size": 5}, "options.test_size: 5; `unlabeled` says that the pool has no"),
        ("table", {"label_separator": ";"}, "options.label_separator: ';'; `unlabeled` says that"),
        (
            "image-folder",
            {"val_share": 0.1},
            "options.val_share: 0.1; `unlabeled` says that the po",
        ),
        ("image-folder", {"near_together": 4}, "options.near_together: 4; `unlabeled` says that"),
        ("image-folder", {"classes": "none.txt"}, "options.classes: 'none.txt': "),
        ("image-folder", {"classes": ""}, "options.classes: '': "),
        ("image-folder", {"classes": "two.txt"}, "a class folder is called eel, which `classes` d"),
        ("image-folder", {"splits": {"none": "pool", "test": "test"}}, "the pool has no image"),
        ("hugging-face-folder", {"test_size": 5}, "options.test_size: 5; `unlabeled` says that"),
        ("hugging-face-folder", {"together_column": "x"}, "options.together_column: 'x'; `unlabel"),
        (
            "hugging-face-folder",
            {"group_column": "label"},
            "pets/train has no metadata.csv; allowed",
        ),
        ("hugging-face-folder", {"classes": "two.txt"}, "test/metadata.csv: line 4: column label"),
    ],
)
def test_what_does_not_go_with_it_is_told(source, more, told, tmp_path):
    options = {**SOURCES[source](tmp_path), "unlabeled": True, **more}
    (tmp_path / "two.txt").write_text("ant\ncat\ndog\n")
    for name in more.get("splits", ()):
        (tmp_path / "pets" / name).mkdir(parents=True, exist_ok=True)
    with pytest.raises(InputError) as caught:
        source_sizes({"implementation": source, "options": options}, tmp_path)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


ALONE = {
    "own-embeddings": {"splits": {"pool": "pool.npy"}},
    "text-table": {"splits": {"pool": "pool.csv"}},
    "table": {"table": "alone.csv", "path_column": "file"},
    "image-folder": {"folder": "pets/train"},
    "hugging-face-folder": {"folder": "alone"},
}


@pytest.mark.parametrize("source", ALONE)
def test_of_a_pool_alone_no_class_need_be_known(source, tmp_path):
    """Those who label it name them (`labelbench_core.campaign`); an experiment cannot measure."""
    SOURCES[source](tmp_path)
    write(tmp_path / "alone.csv", [["file"], *([f"{row}.png"] for row in range(30))])
    if source == "hugging-face-folder":
        for row in range(30):
            paint(tmp_path / "alone" / "train" / f"{row}.png", row)
    options = {**ALONE[source], "unlabeled": True}
    entry = {"implementation": source, "options": options}
    assert source_sizes(entry, tmp_path).splits == {"pool": 30}
    dataset = prepare(tmp_path / "mine", source, tmp_path, options)
    assert dataset.class_names == []
    assert dataset.splits == ["pool"]
    assert not dataset.has_labels("pool")


def test_one_folder_of_images_is_a_pool(tmp_path):
    """Nothing is there to measure on: experiments are told so, data sets may be so."""
    for row in range(5):
        paint(tmp_path / "mine" / f"{row}.png", row)
    (tmp_path / "mine" / "notes.txt").touch()
    options = {"folder": "mine", "unlabeled": True, "classes": "classes.txt"}
    (tmp_path / "classes.txt").write_text(CLASSES)
    entry = {"implementation": "image-folder", "options": options}
    assert source_sizes(entry, tmp_path).splits == {"pool": 5}
    assert source_sizes({**entry, "pool_size": 3}, tmp_path).splits == {"pool": 3}
    dataset = prepare(tmp_path / "out", "image-folder", tmp_path, options)
    assert dataset.class_names == CLASSES.split()
    assert dataset.manifest["splits"]["pool"]["num_rows"] == 5
    assert dataset.manifest["left_out"]["not images, by their names"]["count"] == 1
    told = "One folder of images, none for a split"
    assert dataset.manifest["splits_note"] == told
    source = image_folder_source.source_files(tmp_path, **options)
    assert source.root / source.files[0] == tmp_path / "classes.txt"
    assert [(source.root / name).is_file() for name in source.files] == [True] * 6
    assert dataset.manifest["source_files"]["count"] == 6
    with pytest.raises(InputError, match="class folders name the classes of the pool; allowed: le"):
        image_folder_source.check(tmp_path, folder="mine", classes="classes.txt")


def test_a_pool_with_metadata_but_no_labels(tmp_path):
    hugging_face_folder(tmp_path)
    listed = [[f"{row}.png", f"painter {row % 4}"] for row in range(0, 30, 2)]
    write(tmp_path / "pets" / "train" / "metadata.csv", [["file_name", "painter"], *listed])
    told = [[f"{NAMES[row % 3]}/{row}.png", NAMES[row % 3], "x"] for row in range(30, 42)]
    write(tmp_path / "pets" / "test" / "metadata.csv", [["file_name", "label", "painter"], *told])
    options = {"folder": "pets", "unlabeled": True, "group_column": "painter"}
    dataset = prepare(tmp_path / "out", "hugging-face-folder", tmp_path, options)
    assert [len(dataset.groups(split)) for split in dataset.splits] == [15, 12]
    assert not dataset.has_labels("pool")
    # A wrong label is told with its own table and line.
    told[5][1] = ""
    write(tmp_path / "pets" / "test" / "metadata.csv", [["file_name", "label", "painter"], *told])
    with pytest.raises(InputError, match=r"test/metadata.csv: line 7: column label: '';"):
        prepare(tmp_path / "out", "hugging-face-folder", tmp_path, options)


def test_an_annotator_gives_the_labels_and_nobody_knows_how_wrong(tmp_path):
    options = {**own_embeddings(tmp_path), "unlabeled": True}
    dataset = prepare(tmp_path / "mine", "own-embeddings", tmp_path, options)
    write(tmp_path / "said.csv", [["label"], *([NAMES[row % 3]] for row in range(30))])
    entry = {"id": "said", "implementation": "recorded"}
    entry["options"] = {"table": "said.csv", "column": "label"}
    record, arrays = tmp_path / "record.json", tmp_path / "labels.npz"
    annotate_pool(dataset, entry, tmp_path, record, arrays)
    assert "noise" not in read_record(record, "annotations")
    settings = {"dataset": dataset.manifest["dataset"], "annotator": "said"}
    said = open_annotations(settings, dataset, record)
    assert said.labels.tolist() == [0, 1, 2] * 10
    entry["options"]["clean"] = "label"
    with pytest.raises(InputError, match=r"options.clean: 'label'; the pool has no labels"):
        annotate_pool(dataset, entry, tmp_path, record, arrays)


def test_rounds_measure_what_has_labels():
    labels = np.arange(12) % 3
    said = Annotations("people", np.arange(30) % 3, "0" * 64)
    data = round_data({"pool": (POOL, None), "test": (TEST, labels)}, annotations=said)
    settings = {
        **{"dataset": "mine", "backbone": "precomputed", "seed": 0},
        "schedule": {"id": "few", "initial": 6, "batch": 4},
        "proxy": {"id": "linear", "implementation": "linear", "options": {"penalty": 0.1}},
        "strategy": {"id": "margin", "implementation": "margin"},
    }
    first = initial_pool.draw(len(POOL), 6, "uniform", np.random.default_rng(0))
    done = next_round(data, settings, initial_round(data, settings, first))
    assert list(done.record["metrics"]) == ["test"]
    assert done.record["num_labeled"] == 10
    assert done.record["annotator"] == "people"
    without = round_data({"pool": (POOL, None), "test": (TEST, labels)})
    with pytest.raises(InputError, match="the pool has no labels; allowed: an annotator"):
        initial_round(without, settings, first)
    with pytest.raises(InputError, match="draw: 'class-balanced' needs labels of the pool"):
        initial_pool.draw(30, 6, "class-balanced", np.random.default_rng(0))
