"""What `--check` says of a source of one's own is what preparing it would say."""

import pytest

from helpers.pictures_by_table import paint
from labelbench_core.datasets import __main__ as command
from labelbench_core.datasets.preparing.prepare import prepare_dataset
from labelbench_core.errors import InputError

SOURCE = """
import numpy as np

from labelbench_core.datasets import RawDataset, RawSplit

INFO = {"summary": "-", "rows": "images"}


def check(data_dir):
    return {"pool": 6}


def load(data_dir):
    labels, images = np.arange(6) % 2, np.zeros((6, 4, 4, 3), np.uint8)
    splits, names = {"pool": RawSplit(labels, images)}, ["a", "b"]
    CHANGE
    return RawDataset(names, splits)
"""
POOL = 'splits["pool"] = RawSplit'
CHANGES = {
    "names = ['a']": "needs at least two classes with different names; has ['a']",
    "names = ['a', 'a']": "needs at least two classes with different names; has ['a', 'a']",
    "names = ['a', 3]": "class_names: 3; allowed: texts",
    "names = ['a', 'b', 'c']": "split pool has no image of class c (1 classes missing); allowed: ",
    "labels[:] = 1": "of class a (1 classes missing); allowed: images of it there, or the class le",
    "splits['test'] = RawSplit(labels[:2] * 0, images[:2])": "split test has no image of class b "
    "(1 classes missing); allowed: images of it there, or the class left out of all splits",
    "labels += 1": "split pool: labels 1 to 2; allowed: 0 to 1",
    "labels[0] = -5": "split pool: labels -5 to 1; allowed: 0 to 1",
    f"{POOL}(labels / 2, images)": "split pool: labels are float64 (6,); allowed: int64 (N,)",
    f"{POOL}([0, 1], images)": "as split 'pool'; allowed: a RawSplit, with an array of labels",
    "splits['pool'] = labels": "as split 'pool'; allowed: a RawSplit, with an array of labels",
    f"{POOL}(labels, images[:4])": "images are uint8 (4, 4, 4, 3); allowed: uint8 (6, H, W, 3)",
    f"{POOL}(labels, images[0])": "images are uint8 (4, 4, 3); allowed: uint8 (6, H, W, 3)",
    f"{POOL}(labels, images * 1.0)": "images are float64 (6, 4, 4, 3); allowed: uint8 (6, H, W, 3)",
    f"{POOL}(labels, images, weights=np.ones(6, np.float32))": "and its INFO does not say so; ",
    f"{POOL}(labels)": "split pool: 0 images for 6 labels; allowed: one image or one file for each",
    f"{POOL}(labels[:0], images[:0])": "split pool has no image left",
    "splits['train'] = splits.pop('pool')": "needs the split pool; has train",
    "return None": "load returned None; allowed: a RawDataset",
    "return splits": "; allowed: a RawDataset",
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_does_not_fit_is_one_line(change, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    # A module of each name is imported once.
    path = tmp_path / f"source_{[*CHANGES].index(change)}.py"
    path.write_text(SOURCE.replace("CHANGE", change))
    (tmp_path / "mine.yaml").write_text(f"mine:\n  implementation: ./{path.name}\n")
    assert command.main(["--check", "mine.yaml"]) != 0
    shown = capsys.readouterr()
    (told,) = [line for line in (shown.out + shown.err).splitlines() if CHANGES[change] in line]
    assert told.startswith(("error: ", "  wrong     "))
    with pytest.raises(InputError) as error:
        prepare_dataset("mine", str(path), {}, tmp_path, tmp_path / "a", tmp_path / "m.json")
    assert CHANGES[change] in str(error.value)


def test_what_is_left_out_because_it_cannot_be_read_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LABELBENCH_DATA", raising=False)
    for number in range(24):
        paint(tmp_path / "data" / "pets" / ("cat", "dog")[number % 2] / f"{number}.png", number)
    (tmp_path / "data" / "pets" / "dog" / "3.png").write_bytes(b"no image")
    words = ["--check", "data/pets", "--options"]
    assert command.main([*words, "{test_share: 0.25, corrupt: skip}"]) == 0
    told = capsys.readouterr().out
    assert "  left out  1 file left out, which cannot be decoded: dog/3.png" in told
    assert "  wrong     nothing" in told
    assert command.main([*words, "{test_share: 0.25}"]) == 1
    told = capsys.readouterr().out
    assert "  left out  nothing" in told
    assert "dog/3.png" in told.split("  wrong ")[1]


def test_a_wrong_entry_does_not_hide_the_others(tmp_path, monkeypatch, capsys):
    (tmp_path / "own").mkdir()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own" / "good_source.py").write_text(SOURCE.replace("CHANGE", ""))
    entries = {
        "options-3": "{implementation: ./good_source.py, options: 3}",
        "unknown": "{implementation: nope, options: [1]}",
        "misspelt": "{implementation: image-folder, options: {image_sise: 8}}",
        "bits": "{implementation: ./good_source.py, near_duplicates: x}",
        "../up": "{implementation: ./good_source.py}",
        "good": "{implementation: ./good_source.py}",
    }
    listed = "".join(f"  {name}: {entry}\n" for name, entry in entries.items())
    forms = {
        "plain.yaml": ("", ""),
        "several.yaml": ("datasets:\n", ": datasets"),
        "mine.yaml": ("experiment: mine\ncatalogue:\n datasets:\n", ": catalogue.datasets"),
    }
    for name, (head, told) in forms.items():
        (tmp_path / "own" / name).write_text(head + listed)
        assert command.main(["--check", f"own/{name}"]) == 2
        shown = capsys.readouterr()
        assert "good: ./good_source.py" in shown.out
        where = f"error: own/{name}{told}"
        lines = shown.err.splitlines()
        assert len(lines) == len(entries) - 1
        assert lines[0] == f"{where}: options-3: options: 3; allowed: a mapping"
        assert lines[1] == f"{where}: unknown: options: [1]; allowed: a mapping"
        assert lines[2].startswith(f"{where}: misspelt: datasets: image-folder: options.i")
        assert "near_duplicates: 'x'; allowed: a whole number of bits from 0 to 32" in lines[3]
        assert lines[4].startswith(f"{where}: ../up: no id; allowed: lower-case letters")
    assert not (tmp_path / "up-check.png").exists()
    # An id of a catalogue elsewhere: its file is looked for beside it.
    assert command.main(["--check", "good", "--catalogue", "own/plain.yaml"]) == 0
    (tmp_path / "own" / "lists.yaml").write_text("experiment: a\ncatalogue: [other.yaml]\n")
    assert command.main(["--check", "own/lists.yaml"]) == 2
    assert "the file with these in place of the one that names it" in capsys.readouterr().err
