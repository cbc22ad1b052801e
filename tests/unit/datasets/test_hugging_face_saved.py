"""Texts that Hugging Face's package datasets has saved are read, and what is wrong is one line."""

import json

import pytest

from helpers.prepared import prepare
from labelbench_core.configuration.sources.source_sizes import source_sizes
from labelbench_core.datasets import hugging_face_saved
from labelbench_core.errors import InputError

pytestmark = pytest.mark.extra("pyarrow")

NAMES = ["sad", "glad"]
ROWS = {
    "train": [("Grüße,\nfriend", 1), ("lost my card", 0), ("fine", 1)],
    "validation": [("lost", 0), ("good", 1)],
    "test": [("new", -1)],
}
WEIGHED = {"weight_column": "w"}
CHOSEN = {"folder": "saved", "splits": {"pool": "train", "test": "validation"}}


def save(root, rows=ROWS, feature=None, state=None, more=None):
    """The files of `DatasetDict.save_to_disk`, a table for every two rows."""
    import pyarrow

    folder = root / "saved"
    folder.mkdir(exist_ok=True)
    (folder / "dataset_dict.json").write_text(json.dumps({"splits": list(rows)}))
    for split, pairs in rows.items():
        place = folder / split
        place.mkdir(exist_ok=True)
        files = []
        for first in range(0, len(pairs), 2):
            texts, labels = map(list, zip(*pairs[first : first + 2], strict=True))
            table = pyarrow.table({"text": texts, "label": labels, **(more or {})})
            files.append({"filename": f"data-{first}.arrow"})
            with (
                pyarrow.OSFile(str(place / f"data-{first}.arrow"), "wb") as sink,
                pyarrow.ipc.new_stream(sink, table.schema) as writer,
            ):
                writer.write_table(table)
        told = {"_data_files": files, "_fingerprint": "1", **(state or {})}
        (place / "state.json").write_text(json.dumps(told))
        feature = feature or {"names": NAMES, "_type": "ClassLabel"}
        features = {"label": feature, "text": {"dtype": "string", "_type": "Value"}}
        (place / "dataset_info.json").write_text(json.dumps({"features": features}))


def told(folder, **options):
    entry = {"implementation": "hugging-face-saved", "options": {**CHOSEN, **options}}
    with pytest.raises(InputError) as error:
        source_sizes(entry, folder)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_texts_and_classes_are_those_that_were_saved(tmp_path):
    save(tmp_path)
    assert hugging_face_saved.check(tmp_path, **CHOSEN) == {"pool": 3, "test": 2}
    dataset = prepare(tmp_path / "mine", "hugging-face-saved", tmp_path, CHOSEN)
    assert dataset.class_names == NAMES
    for split, name in CHOSEN["splits"].items():
        texts = dataset.texts(split).batch(range(len(ROWS[name])))
        assert list(zip(texts, dataset.labels(split).tolist(), strict=True)) == ROWS[name]
    files = hugging_face_saved.source_files(tmp_path, **CHOSEN).files
    assert "saved/dataset_dict.json" in files
    assert "saved/train/data-2.arrow" in files
    assert not any("/test/" in one for one in files)
    assert hugging_face_saved.source_files(tmp_path, folder="nowhere") is None


def test_labels_may_be_names_and_splits_are_called_as_elsewhere(tmp_path):
    rows = {split: [(text, NAMES[label]) for text, label in ROWS[split]] for split in ROWS}
    save(tmp_path, rows, {"dtype": "string", "_type": "Value"})
    raw = hugging_face_saved.load(tmp_path, folder="saved")
    assert list(raw.splits) == ["pool", "val", "test"]
    assert raw.class_names == ["glad", "sad"]
    assert raw.splits["pool"].labels.tolist() == [0, 1, 0]


def test_what_is_wrong_is_one_line(tmp_path):
    assert "options.folder: 'saved': " in told(tmp_path)
    save(tmp_path)
    assert "test: row 0: column label: '-1'; allowed: one of the 2 classes of the feature lab" in (
        told(tmp_path, splits=None)
    )
    assert "options.splits: test: 'tests' was not saved (did you mean 'test'?); allo" in (
        told(tmp_path, splits={"pool": "train", "test": "tests"})
    )
    assert "options.splits: pool is missing" in told(tmp_path, splits={"test": "train"})
    assert "options.text_column: 'txt': " in told(tmp_path, text_column="txt")
    assert "column label: 1; allowed: text" in told(tmp_path, text_column="label")
    save(tmp_path, {**ROWS, "train": [(" ", 1), *ROWS["train"]]})
    assert "train: row 0: column text: ' '; allowed: a text that is not blank" in told(tmp_path)
    save(tmp_path, state={"_indices_data_files": [{"filename": "indices.arrow"}]})
    assert "allowed: what `save_to_disk` writes after `flatten_indices()`" in told(tmp_path)
    for damaged in (None, 1, [], ["data-0.arrow"], [{"file": "a"}]):
        save(tmp_path, state={"_data_files": damaged})
        assert "state.json: _data_files: " in told(tmp_path)
    save(tmp_path)
    (tmp_path / "saved/train/data-2.arrow").write_bytes(b"no table")
    assert "data-2.arrow: not a readable Arrow file (" in told(tmp_path)
    (tmp_path / "saved/train/data-2.arrow").unlink()
    assert "data-2.arrow: file not found" in told(tmp_path)
    (tmp_path / "saved/dataset_dict.json").unlink()
    assert "has no dataset_dict.json; allowed: what `save_to_disk` of a Dataset" in told(tmp_path)


@pytest.mark.extra("datasets")
def test_what_the_package_writes_is_read(tmp_path):
    import datasets

    label = datasets.ClassLabel(names=NAMES)
    features = datasets.Features({"text": datasets.Value("string"), "label": label})
    splits = {}
    for split, pairs in ROWS.items():
        columns = dict(zip(("text", "label"), map(list, zip(*pairs, strict=True)), strict=True))
        splits[split] = datasets.Dataset.from_dict(columns, features=features)
    # Rows chosen by indices, which are saved flat.
    splits["train"] = splits["train"].select([2, 0])
    datasets.DatasetDict(splits).save_to_disk(str(tmp_path / "saved"))
    raw = hugging_face_saved.load(tmp_path, **CHOSEN)
    assert (raw.class_names, raw.splits["pool"].texts) == (NAMES, ["fine", "Grüße,\nfriend"])
    assert raw.splits["test"].labels.tolist() == [0, 1]


def test_weights_are_read_and_what_is_none_is_one_line(tmp_path):
    rows = {"train": [("fine", 1), ("lost", 0)], "validation": [("bad", 0), ("good", 1)]}
    save(tmp_path, rows, more={"w": [0.5, 3.0]})
    dataset = prepare(tmp_path / "mine", "hugging-face-saved", tmp_path, {**CHOSEN, **WEIGHED})
    assert dataset.weights("pool").tolist() == dataset.weights("test").tolist() == [0.5, 3.0]
    assert prepare(tmp_path / "b", "hugging-face-saved", tmp_path, CHOSEN).weights("pool") is None
    assert "options.weight_column: ''" in told(tmp_path, weight_column="")
    for bad, shown in ((None, "''"), (float("nan"), "'nan'"), (-1.0, "'-1.0'")):
        save(tmp_path, rows, more={"w": [0.5, bad]})
        wrong = f"train: row 1: column w: {shown}; allowed: a finite number above 0"
        assert wrong in told(tmp_path, **WEIGHED)
