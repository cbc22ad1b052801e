"""`--check` of what no catalogue names: the entry that it prints is the one that then runs."""

import os
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from helpers.pictures_by_table import paint
from helpers.project import PROJECT
from labelbench_core.datasets import __main__ as command
from labelbench_core.datasets.looking.new_entry import entry_lines, place_of
from labelbench_core.datasets.rows.row_kinds import rows_of
from labelbench_core.datasets.sheets import sheet_font
from labelbench_core.datasets.sheets.contact_sheet import NAMES, SIDE
from labelbench_core.datasets.sheets.sheet_font import drawable
from labelbench_core.registry import describe


@pytest.fixture
def check(tmp_path, monkeypatch, capsys):
    """A function: what is printed of a folder or file, and its entry by id."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LABELBENCH_DATA", raising=False)

    def of(path, *more, status=0):
        assert command.main(["--check", path, *more]) == status
        told = capsys.readouterr().out
        return told, yaml.safe_load("catalogue:" + told.split("catalogue:")[-1])["catalogue"]

    return of


def photos(folder, classes=("cat", "dog")):
    """Ten images of each class."""
    for place, kind in enumerate(classes):
        for number in range(10):
            paint(folder / kind / f"{number}.png", 100 * place + number)


def test_a_link_in_the_data_directory_keeps_its_name(check, tmp_path):
    photos(tmp_path / "elsewhere" / "Meine Fotos")
    (tmp_path / "data").mkdir()
    os.symlink(tmp_path / "elsewhere" / "Meine Fotos", tmp_path / "data" / "my-photos")
    told, catalogue = check("data/my-photos")
    entry = {"implementation": "image-folder", "options": {"folder": "my-photos"}}
    assert catalogue["datasets"] == {"my-photos": entry}
    assert "LABELBENCH_DATA" not in told
    assert (tmp_path / "my-photos-check.png").is_file()


def test_a_folder_below_the_data_directory_keeps_its_path(check, tmp_path):
    photos(tmp_path / "data" / "2024" / "Fotos Größe.v2")
    _, catalogue = check("./data/2024/Fotos Größe.v2")
    (entry,) = catalogue["datasets"].items()
    options = {"folder": "2024/Fotos Größe.v2"}
    assert entry == ("fotos-grosse-v2", {"implementation": "image-folder", "options": options})


def test_elsewhere_the_data_directory_is_named(check, tmp_path):
    photos(tmp_path / "elsewhere" / "pets")
    told, catalogue = check("elsewhere/pets")
    assert f"with LABELBENCH_DATA={tmp_path / 'elsewhere'}:" in told
    assert catalogue["datasets"]["pets"]["options"] == {"folder": "pets"}


def test_the_entry_says_how_broken_images_are_left_out(check, tmp_path):
    photos(tmp_path / "data" / "pets")
    (tmp_path / "data/pets/cat/0.png").write_bytes(b"none")
    told, catalogue = check("data/pets", status=1)
    assert catalogue["datasets"]["pets"]["options"] == {"folder": "pets"}
    (line,) = [one for one in told.splitlines() if "# options:" in one]
    options = yaml.safe_load(line.replace("#", ""))["options"]
    assert options == {"folder": "pets", "corrupt": "skip"}
    assert "# Replace or remove the image named above, or leave out" in told
    again, _ = check("data/pets", "--options", "{corrupt: skip}")
    assert "#" not in again.split("catalogue:")[1]


def test_images_none_of_which_can_be_read_are_an_error_that_names_them(check, tmp_path, capsys):
    photos(tmp_path / "data" / "pets")
    for path in (tmp_path / "data" / "pets").glob("*/*.png"):
        path.write_bytes(b"none")
    assert command.main(["--check", "data/pets"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: 20 images cannot be used, of 20; replace or remove what is")
    assert "cat/0.png: not an image that Pillow can read" in told


def test_what_the_usual_backbone_does_not_read_names_one_that_does(tmp_path):
    known = yaml.safe_load((PROJECT / "config/catalogue/backbones.yaml").read_text())
    for source, options in (
        ("text-table", {"splits": {"pool": "t.csv"}}),
        ("own-embeddings", {"splits": {"pool": "x.npy"}}),
        ("image-folder", {"folder": "pets"}),
    ):
        entry = {"implementation": source, "options": options}
        told = "\n".join(entry_lines("mine", entry, tmp_path))
        names = yaml.safe_load(told[told.index("catalogue:") :]).get("backbones", [])
        reads = [
            describe("backbones", known[name]["implementation"]).info["reads"] for name in names
        ]
        assert reads == [rows_of(source)] * (source != "image-folder")


def test_letters_with_accents_are_drawn(check, tmp_path):
    font = sheet_font.sheet_font()
    if font is None:
        pytest.skip("needs matplotlib")
    assert drawable("Füße, été, Łódź, собака", font) == "Füße, été, Łódź, собака"
    assert drawable("猫 cat", font) == "\\u732b cat"
    photos(tmp_path / "data" / "pets", ("ü", "ß"))
    check("data/pets")
    sheet = np.asarray(Image.open(tmp_path / "pets-check.png").convert("L"))
    drawn = [sheet[row * SIDE : (row + 1) * SIDE, :NAMES] for row in range(2)]
    assert min(one.min() for one in drawn) < 128
    assert (drawn[0] != drawn[1]).any()  # not the same box


def test_without_that_font_letters_are_spelt_in_ascii(monkeypatch):
    monkeypatch.setattr(sheet_font.importlib.util, "find_spec", lambda name: None)
    assert sheet_font.sheet_font() is None
    assert drawable("Füße, é, 猫", None) == "Fusse, e, \\u732b"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("tickets/train.csv", "tickets"),
        ("tickets/X_train_2.npy", "tickets"),
        ("Birds 2024/data/embeddings.zarr", "birds-2024"),
        ("tickets/answers.csv", "answers"),
        ("tickets/train-answers.csv", "train-answers"),
        ("data/train.csv", "train"),  # the data directory says no more
        ("data/tickets/all.jsonl", "tickets"),
        ("tickets/data", "data"),  # a folder is called as it is
    ],
)
def test_a_file_that_is_called_like_any_other_has_its_folders_name(
    tmp_path, monkeypatch, path, name
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LABELBENCH_DATA", raising=False)
    folder = tmp_path / path if "." not in path else (tmp_path / path).parent
    folder.mkdir(parents=True)
    if path.endswith(".zarr"):
        (tmp_path / path).mkdir()
    assert place_of(Path(path))[0] == name
