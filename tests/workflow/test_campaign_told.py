"""What a call of a campaign prints last, when it goes well and when it fails."""

import csv
import importlib.util
import re

import pytest
from PIL import Image

from helpers import campaign_files
from helpers.checkouts import failing


@pytest.fixture
def own(fresh, tmp_path):
    return campaign_files.Own(fresh, tmp_path / "my own study")


def lines_of(text):
    return [line for line in text.splitlines() if line.strip()]


def test_errors_come_last_and_everything_new_is_told_once(own):
    own.file.write_text(own.file.read_text().replace("32}", "32, corrupt: skip}"))
    own.call()
    own.answer(1, "ada", slice(0, 4))
    own.answer(1, "bob", slice(4, 6), label="cta")
    for number, options in enumerate([(), ("--quiet", "all", "--keep-going")]):
        lines = lines_of(failing(own.project, *options, config=str(own.file)))
        log = "(rule advance_campaign; log: results/logs/advance_campaign/pets/002.log)"
        last = [line for line in lines if line.endswith(log)]
        assert lines[-len(last) :] == last
        assert last[0].startswith("error: ")
        assert "bob.csv: " in last[0]
        assert "'cta'" in last[0]
        taken = "error: 4 new answers in 1 other file taken in all the same; no batch is handed"
        assert [line.startswith(taken) for line in last[1:]] == [True] * (not number)
        assert not any("to label" in line for line in lines)
    # The next call tells of what the failed ones took in, and of photos that come, go and break.
    own.answer(1, "bob", slice(4, 6))
    photos = own.folder / "photos"
    table = own.folder / "pets" / "batches" / "batch-001" / "to_label.csv"
    labelled, *_, asked = [row["item"] for row in csv.DictReader(table.open())]
    (photos / labelled).rename(own.folder / "one.png")
    (photos / asked).unlink()
    (photos / "broken.png").write_bytes((own.folder / "one.png").read_bytes()[:60])
    for number in range(3):
        Image.new("RGB", (40, 40), (number, 90, 0)).save(photos / f"new-{number}.png")
    told = own.call()
    assert "6 new answers in 2 files." in told
    assert "Pool: 3 new rows, 2 gone (1 of them labelled), 1 unreadable: broken.png" in told
    [left] = re.findall(r"batch 1: 3 of 10 to label \((.*)\)\. They are in", told)
    assert asked not in left
    assert left.count(".png") == 3
    told = own.call()
    assert "Nothing to be done" in told
    assert "batch 1: 3 of 10 to label" in told
    assert "new answers" not in told
    assert "Pool: " not in told


def test_two_campaigns_of_one_name_do_not_replace_each_others_results(own, tmp_path):
    own.call()
    page = own.project.folder / "results" / "campaigns" / "pets" / "campaign-001.html"
    before = page.read_bytes()
    other = campaign_files.Own(own.project, tmp_path / "another study")
    other.file.write_text(other.file.read_text().replace("my-photos", "my-pictures"))
    for options in (("-n",), ()):
        printed = failing(own.project, *options, config=str(other.file))
        assert "pets.yaml: campaign: 'pets': of that name is the campaign in " in printed
        assert str(own.folder / "pets") in printed
        assert str(other.folder / "pets") in printed
    assert page.read_bytes() == before
    # The same campaign elsewhere is no other.
    file = tmp_path / "moved" / "pets.yaml"
    file.parent.mkdir()
    own.file.rename(file)
    (own.folder / "pets").rename(file.parent / "pets")
    assert "batch 1: 10 of 10 to label" in own.project.snakemake(config=str(file))


def test_an_end_that_fails_tells_of_no_earlier_one(own):
    own.call()
    own.answer(1)
    own.file.write_text(own.file.read_text() + "finish: {trainer: none}\n")
    assert "Campaign pets is finished: " in own.call("finish")
    before = own.file.read_text()
    own.file.write_text(before.replace("trainer: none", "trainer: none, look_below: 70%"))
    (own.folder / "pets" / "labels" / "wrong.csv").write_text("item,label\n000.png,cta\n")
    printed = failing(own.project, "finish", config=str(own.file))
    assert lines_of(printed)[-1].startswith("error: ")
    assert "wrong.csv: " in lines_of(printed)[-1]
    assert "is finished" not in printed
    # A package that is missing stops it before any job.
    (own.folder / "pets" / "labels" / "wrong.csv").unlink()
    own.file.write_text(before.replace("trainer: none", "trainer: none, onnx: true"))
    if importlib.util.find_spec("onnx") is None:
        told = "not installed; allowed: `.venv/bin/pip install -e '.[onnx-export]'`"
        assert told in own.project.snakemake("finish", "-n", config=str(own.file))
        printed = failing(own.project, "finish", config=str(own.file))
        assert told in printed
        assert "Execute" not in printed
        assert "is finished" not in printed
