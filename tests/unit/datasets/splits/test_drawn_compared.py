"""`--check` of a data set whose splits were drawn before: the recorded beside a new draw."""

import pytest

from helpers.pictures_by_table import paint
from labelbench_core.datasets import DRAWN_FILE
from labelbench_core.datasets import __main__ as command
from labelbench_core.datasets.preparing.prepare import prepare_dataset
from labelbench_core.stages.table import STAGES

OPTIONS = {"folder": "pets", "image_size": 8}
START = "results/datasets/pets/drawn-splits.json: "


@pytest.fixture
def check(tmp_path, monkeypatch, capsys):
    """A function that prepares 24 images, or checks them: the exit status and its lines."""
    for place, kind in enumerate(("cat", "dog")):
        for number in range(12):
            paint(tmp_path / "data" / "pets" / kind / f"{number}.png", 100 * place + number)
    monkeypatch.chdir(tmp_path)

    def of(prepare=False, **options):
        if prepare:
            out = command.PREPARED / "pets"
            paths, asked = (out / "arrays", out / "manifest.json"), {**OPTIONS, **options}
            manifest = prepare_dataset("pets", "image-folder", asked, tmp_path / "data", *paths)
            return {split: one["num_rows"] for split, one in manifest["splits"].items()}
        given = "{" + ", ".join(f"{key}: {value}" for key, value in options.items()) + "}"
        status = command.main(["--check", "data/pets", "--options", given])
        lines = [line[12:] for line in capsys.readouterr().out.splitlines()]
        return status, lines

    return of


def after(lines, start):
    """The lines from the one that starts so."""
    (first,) = [place for place, line in enumerate(lines) if line.startswith(start)]
    return lines[first:]


def test_they_lie_where_data_sets_are_prepared():
    manifest = STAGES["prepare_dataset"].path("manifest")
    assert manifest == f"{command.PREPARED}/{{dataset}}/manifest.json"


def test_nothing_is_said_where_nothing_is_recorded(check):
    status, lines = check()
    assert status == 0
    assert not any("recorded" in line or DRAWN_FILE in line for line in lines)


def test_recorded_images_stay_and_new_ones_are_drawn(check, tmp_path):
    assert check(prepare=True) == {"pool": 20, "test": 4}
    status, lines = check()
    assert status == 0
    assert after(lines, START)[:3] == [
        f"{START}pool 20, test 4 contents of files",
        "24 stay in their split; none is new",
        "without it, drawn anew: pool 20, test 4; 0 of those recorded move to another split",
    ]
    for path in (tmp_path / "data" / "pets" / "cat").iterdir():
        path.rename(path.with_name(f"renamed-{path.name}"))  # a new draw goes by names
    for number in range(20):
        paint(tmp_path / "data" / "pets" / "cat" / f"a{number}.png", 300 + number)
    (tmp_path / "data" / "pets" / "dog" / "0.png").unlink()
    status, lines = check()
    told = after(lines, START)
    assert told[1] == "1 of them are not there any more"
    assert told[2].startswith("23 stay in their split; new: pool ")
    assert told[3].startswith("without it, drawn anew: pool ")
    assert "; 0 of those recorded" not in told[3]
    # What the check says of the splits is what preparing gives.
    sizes = check(prepare=True)
    assert lines[1].startswith(f"pool {sizes['pool']} (")


def test_another_draw_is_named(check):
    check(prepare=True)
    status, lines = check(test_share=0.5, val_share=0.1)
    assert status == 0
    told = after(lines, START)
    assert told[1].startswith(
        "of another draw (shares: {'test': 0.2}, now {'test': 0.5, 'val': 0.1"
    )
    assert told[1].endswith("): all splits are drawn anew")
    assert told[2].startswith("drawn anew: pool 10, test 12, val 2; ")


def test_a_damaged_record_is_wrong(check, tmp_path):
    check(prepare=True)
    (tmp_path / command.PREPARED / "pets" / DRAWN_FILE).write_text("{}")
    status, lines = check()
    assert status == 1
    assert any(
        "drawn-splits.json: damaged; delete it and run the same command again to draw all" in line
        for line in lines
    )
