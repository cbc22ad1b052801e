"""The job that writes down what an annotator says, and reading it: verified, of its place."""

import json

import numpy as np
import pytest

from helpers.small_chain import World
from labelbench_core.annotators.annotations import arrays_of, open_annotations
from labelbench_core.datasets import open_dataset
from labelbench_core.errors import InputError
from labelbench_core.storage import files
from labelbench_core.storage.records import read_record, write_record
from workflow_scripts import annotate

NOISE = {"id": "noisy", "implementation": "uniform-noise", "options": {"share": 0.5}}


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path, "world")
    made.write_data()
    return made


def run(world, entry=NOISE, place="annotations"):
    """Record and exit status of the job."""
    record = world.folder / place / "record.json"
    settings = json.dumps({"dataset": world.dataset, "annotator": entry})
    options = {"dataset": world.data / "manifest.json", "settings": settings}
    options |= {"record": record, "arrays": arrays_of(record)}
    pairs = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    return record, annotate.main(pairs)


def read(world, record, annotator="noisy", dataset=None):
    settings = {"dataset": dataset or world.dataset, "annotator": annotator}
    return open_annotations(settings, open_dataset(world.data), record)


def test_what_was_said_is_written_with_how_often_it_is_wrong(world):
    record, status = run(world)
    assert status == 0
    found, truth = read(world, record), open_dataset(world.data).labels("pool")
    wrong = found.labels != truth
    content = read_record(record, "annotations")
    assert content["noise"] == wrong.mean() > 0
    by_class = [wrong[truth == label].mean() for label in range(3)]
    assert content["noise_by_class"] == pytest.approx(by_class)
    assert found.ids == {"annotator": "noisy", "annotations_sha256": content["arrays_sha256"]}
    assert "source_sha256" not in content
    again, _ = run(world, place="again")
    assert [one.read_bytes() for one in (again, arrays_of(again))] == [
        one.read_bytes() for one in (record, arrays_of(record))
    ]


def test_the_exact_annotator_needs_no_file(world):
    assert open_annotations({"dataset": "world"}, open_dataset(world.data), None) is None
    with pytest.raises(InputError, match="annotator 'noisy': --annotations is not given"):
        read(world, None)


def test_what_is_of_another_place_is_refused(world, tmp_path):
    record, _ = run(world)
    with pytest.raises(InputError, match="annotator is 'noisy', expected 'other'"):
        read(world, record, "other")
    with pytest.raises(InputError, match="dataset is 'world', expected 'elsewhere'"):
        read(world, record, dataset="elsewhere")


def test_damaged_labels_are_noticed(world):
    record, _ = run(world)
    arrays = arrays_of(record)
    whole = arrays.read_bytes()
    arrays.write_bytes(whole[:-400] + bytes([whole[-400] ^ 1]) + whole[-399:])
    with pytest.raises(InputError, match="does not match its SHA-256"):
        read(world, record)
    arrays.unlink()
    with pytest.raises(InputError, match=r"labels\.npz: file not found"):
        read(world, record)


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (np.zeros(59, np.int64), "not int64 of 60 rows"),
        (np.zeros(60, np.int32), "not int64 of 60 rows"),
        (np.full(60, 3), "labels are not all from 0 to 2"),
        (np.full(60, -1), "labels are not all from 0 to 2"),
    ],
)
def test_labels_that_belong_to_no_such_pool_are_refused(world, labels, told):
    record, _ = run(world)
    digest = files.write_npz(arrays_of(record), labels=labels)
    content = files.read_json(record)
    write_record(record, "annotations", {**content, "arrays_sha256": digest})
    with pytest.raises(InputError, match=told):
        read(world, record)


def test_an_annotator_that_cannot_be_used_names_itself(world, capsys, monkeypatch):
    entry = {"id": "mine", "implementation": "class-noise", "options": {"flips": [["a", "z", 1]]}}
    record, status = run(world, entry)
    assert status == 2
    told = "error: annotator 'mine' on data set 'world': options.flips: 'z': no such class"
    assert told in capsys.readouterr().err
    assert not record.exists()
    several = type(open_dataset(world.data))
    monkeypatch.setattr(several, "labels", lambda self, split: np.eye(3, dtype=np.int64))
    assert run(world)[1] == 2
    assert "a row can belong to any number of classes" in capsys.readouterr().err


def test_chains_of_an_annotator_are_its_own(world, monkeypatch, capsys):
    """The first labels are balanced by what was said; rounds take no other's files."""
    world.write_embeddings()
    flips = {"flips": [["c", "a", 1.0]]}
    entry = {"id": "blind", "implementation": "class-noise", "options": flips}
    record, _ = run(world, entry, "blind")
    other, _ = run(world)
    chain = world.chain()
    chain.settings["schedule"]["draw"] = "class-balanced"
    plain = chain.run(1)
    exact = [files.read_json(path) for path in (plain.initial, plain.files(1)[0])]
    assert not any({"annotator", "annotations_sha256"} & set(one) for one in exact)

    told = world.chain(schedule="told")
    told.settings |= {"annotator": "blind"}
    told.settings["schedule"]["draw"] = "class-balanced"
    options = told._options
    annotations = {"annotations": record}
    monkeypatch.setattr(
        told, "_options", lambda number, **more: options(number, **{**annotations, **more})
    )
    told.run(1)
    said = read(world, record, "blind").labels
    labeled = files.read_json(told.initial)["labeled"]
    assert np.bincount(said[labeled]).tolist() == [6, 6]
    assert files.read_json(told.files(1)[0])["annotator"] == "blind"
    for key, changed in (("annotator", other), ("annotator", record)):
        annotations["annotations"] = changed
        told.settings[key] = "noisy"
        told.files(1)[0].unlink(missing_ok=True)
        assert told.select(1) == 2
        error = capsys.readouterr().err
        assert "annotator is 'blind', expected 'noisy'" in error
    # The exact annotator's chain does not go on from them either.
    del told.settings["annotator"]
    annotations.clear()
    assert told.select(1) == 2
    assert "annotator is 'blind', expected None" in capsys.readouterr().err
