"""Sources that are no folders of images: a file of labels, official files, packages."""

import hashlib
import shutil

import numpy as np
import pytest

from helpers.own_images import changed, prepare, refuse
from labelbench_core import registry
from labelbench_core.datasets import (
    RawDataset,
    RawSplit,
    Source,
)
from labelbench_core.datasets.official_files import fetching
from labelbench_core.datasets.source_files import digests
from labelbench_core.errors import InputError

pytestmark = pytest.mark.usefixtures("settled")


def use(monkeypatch, component):
    """Have every data set be one of `component`."""
    monkeypatch.setattr(registry, "load", lambda kind, name: component)
    monkeypatch.setattr(registry, "option_errors", lambda *_, **__: [])
    monkeypatch.setattr(registry, "build", lambda kind, entry, *given: component.load(*given))


class LabelsFile:
    """A component whose images come from nowhere, and whose labels come from a file."""

    @staticmethod
    def load(data_dir):
        labels = np.loadtxt(data_dir / "labels.csv", dtype=np.int64)
        split = RawSplit(labels, np.zeros((len(labels), 4, 4, 3), np.uint8))
        return RawDataset(["a", "b"], {"pool": split, "test": split})

    @staticmethod
    def source_files(data_dir):
        path = data_dir / "labels.csv"
        return Source(data_dir, ["labels.csv"]) if path.exists() else None


def test_an_edited_file_of_labels_is_a_change(tmp_path, monkeypatch):
    use(monkeypatch, LabelsFile)
    labels = tmp_path / "data" / "labels.csv"
    labels.parent.mkdir()
    labels.write_text("0\n1\n0\n")
    prepare(tmp_path, "labelled", {})
    entry = {"implementation": "labelled"}
    assert changed(tmp_path, entry) is None
    labels.write_text("0\n1\n1\n")
    assert changed(tmp_path, entry) == "1 file edited (labels.csv)"
    labels.unlink()
    assert changed(tmp_path, entry) is None


MD5 = {
    "images": (hashlib.md5(b"images").hexdigest(), hashlib.md5(b"other").hexdigest()),
    "labels": (hashlib.md5(b"labels").hexdigest(),),
}


class Official:
    """A component with two official files, one of them in two allowed forms."""

    @staticmethod
    def load(data_dir):
        split = RawSplit(np.arange(2), np.zeros((2, 4, 4, 3), np.uint8))
        return RawDataset(["a", "b"], {"pool": split, "test": split})

    @staticmethod
    def source_files(data_dir):
        return fetching.source_files(data_dir / "official", MD5)


def test_official_files_are_fixed(tmp_path, monkeypatch):
    use(monkeypatch, Official)
    folder = tmp_path / "data" / "official"
    folder.mkdir(parents=True)
    for name in MD5:
        (folder / name).write_text(name)
    assert prepare(tmp_path, "official", {})["source_files"] is None
    entry = {"implementation": "official"}
    assert changed(tmp_path, entry) is None
    (folder / "images").write_text("other")  # the same data, compressed again
    assert changed(tmp_path, entry) is None
    with monkeypatch.context() as patch:
        patch.setattr(digests.Digests, "_read", None)  # called, it would fail
        assert changed(tmp_path, entry) is None
    (folder / "labels").write_text("Labels")
    told = r"data set 'mine': .*official/labels: changed since it was prepared: its MD5 is .*;"
    with pytest.raises(InputError, match=told) as error:
        changed(tmp_path, entry)
    assert "\n" not in str(error.value)
    assert changed(tmp_path, entry, when="never") is None
    (folder / "labels").unlink()
    assert changed(tmp_path, entry) is None
    shutil.rmtree(folder)
    assert changed(tmp_path, entry) is None


def test_official_files_that_may_not_be_read_are_out_of_reach(tmp_path, monkeypatch):
    use(monkeypatch, Official)
    folder = tmp_path / "data" / "official"
    folder.mkdir(parents=True)
    for name in MD5:
        (folder / name).write_text(name)
    prepare(tmp_path, "official", {})
    refuse(monkeypatch, "official/labels")
    assert changed(tmp_path, {"implementation": "official"}) is None


@pytest.mark.parametrize("name", registry.names("datasets"))
def test_every_data_set_says_what_it_is_made_from(name, tmp_path):
    component = registry.load("datasets", name)
    if name == "digits":  # comes with a package
        assert not hasattr(component, "source_files")
    else:
        found = component.source_files(tmp_path)
        assert found is None or found.md5  # Fashion-MNIST may be installed here
