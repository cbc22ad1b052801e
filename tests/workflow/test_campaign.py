"""A labelling campaign by Snakemake, outside the checkout: batches are facts, no outputs."""

import csv
import json
import re
import subprocess
import sys

import open_clip
import pytest
import torch

from helpers import campaign_files
from helpers.checkouts import failing
from helpers.proxy_entries import NAMES_CATALOGUE


@pytest.fixture
def own(fresh, tmp_path):
    return campaign_files.Own(fresh, tmp_path / "my own study")


@pytest.mark.thorough
def test_batches_are_handed_out_answered_and_never_changed(own):
    told = own.call()
    assert "Campaign pets, batch 1: 10 of 10 to label." in told
    assert (own.folder / "pets" / "batches" / "batch-001" / "label.html").is_file()
    own.answer(1)
    told = own.call()
    assert "10 new answers in 1 file." in told
    assert "Campaign pets, batch 2: 10 of 10 to label." in told
    before = own.facts()
    # What only the page tells has no influence on batches: the page alone is made again.
    own.call()
    own.file.write_text(own.file.read_text() + "target: 90%\nprices: {label: 0.1, currency: EUR}\n")
    assert own.project.planned(config=str(own.file)) == {"render_campaign": 1}
    own.call()
    own.project.append(
        "labelbench_core/campaign/standing_page/campaign.css", "\np { margin: 0; }\n"
    )
    assert own.project.planned(config=str(own.file)) == {"render_campaign": 1}
    # An update of the software, another strategy and --forceall: what was handed out stays.
    own.project.append("labelbench_core/campaign/calls.py", "\n_UPDATED = 1\n")
    own.file.write_text(own.file.read_text().replace("strategy: margin", "strategy: entropy"))
    assert "batch 2: 10 of 10 to label" in own.call("--forceall")
    assert own.facts() == before
    # Labels that are not there yet are no error; then there is nothing to do.
    assert own.project.planned(config=str(own.file)) == {}
    own.answer(2)
    assert own.project.planned(config=str(own.file)) == {
        "advance_campaign": 1,
        "render_campaign": 1,
    }
    told = own.call()
    [page] = re.findall(r"Where it stands: (\S+campaign-003\.html)", told)
    page = (own.project.folder / page).read_text()
    assert "is right on a random image of the pool" in page
    assert page.count("<img") >= 10
    after = own.facts()
    assert {name: after[name] for name in before} == before
    assert "pets/batches/batch-003/proposal.json" in after


SHORT = """  trainers:
    short:
      implementation: flexmatch
      training: {steps: 4, batch_size: 4, unlabeled_ratio: 1, warmup_steps: 1, head: fresh}
finish: {trainer: short, look_below: 80%}
"""


def test_a_campaign_is_finished_and_goes_on(own):
    # Made in a folder of its own: what is told at the end is of there.
    made_in = own.folder / "made"
    elsewhere = ("--directory", str(made_in))
    own.call(*elsewhere)
    tasks = own.folder / "pets" / "batches" / "batch-001" / "label-studio.json"
    first = json.loads(tasks.read_text())[0]["data"]
    assert first["image"] == f"/data/local-files/?d=photos/{first['item']}"
    own.answer(1)
    own.file.write_text(own.file.read_text() + SHORT)
    told = own.call("finish", *elsewhere)
    assert "Campaign pets is finished: 60 rows, 10 labelled by people and 50 by the model" in told
    made = made_in / "results" / "campaigns" / "pets" / "finished"
    [table] = re.findall(r"by the model.*: (.*dataset\.csv)$", told, re.MULTILINE)
    assert (own.project.folder / table).samefile(made / "dataset.csv")
    rows = list(csv.DictReader((made / "dataset.csv").open()))
    assert [row["item"] for row in rows] == [f"{number:03d}.png" for number in range(60)]
    assert [row["by"] for row in rows].count("people") == 10
    assert "fine-tuned end to end by `short`" in (made / "model" / "README.md").read_text()
    # No batch is handed out; what was answered is received.
    assert len(list((own.folder / "pets" / "batches").iterdir())) == 1
    assert len(list((own.folder / "pets" / "received").iterdir())) >= 1
    assert own.project.planned("finish", *elsewhere, config=str(own.file)) == {}
    # Only what depends on an edit is made again.
    own.file.write_text(own.file.read_text().replace("80%", "70%"))
    again = own.project.planned("finish", *elsewhere, config=str(own.file))
    assert again == {"finish_campaign": 1, "finish": 1}
    # The model is used on a photo from elsewhere.
    photo = own.folder / "photos" / "007.png"
    command = ["-m", "workflow_scripts.predict", str(made / "model"), str(photo)]
    printed = subprocess.run(
        [sys.executable, *command],
        cwd=own.project.folder,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert re.search(r"007\.png,(cat|dog),[01]\.\d{4}", printed)
    # And the campaign goes on.
    assert "Campaign pets, batch 2: 10 of 10 to label." in own.call()


def test_a_rehearsal_is_not_finished(fresh, tmp_path):
    file = tmp_path / "rehearsal.yaml"
    file.write_text("campaign: one\npool: digits\nbackbone: tiny\nrehearsal: {batches: 2}\n")
    printed = failing(fresh, "finish", "-n", config=str(file))
    assert "rehearsal.yaml: rehearsal: given; allowed with the target `finish`: a" in printed
    printed = failing(fresh, "finish", "-n")
    assert "an experiment; allowed with the target `finish`: a campaign's file" in printed


def test_a_campaign_is_rehearsed_on_a_labelled_pool(fresh, tmp_path):
    file = tmp_path / "rehearsal.yaml"
    file.write_text(
        "campaign: rehearsed\npool: digits\nbackbone: tiny\nbatch_size: 20\naudit_share: 50%\n"
        "rehearsal: {batches: 2, annotator: uniform-10, seconds: 2}\n"
    )
    told = fresh.snakemake(config=str(file))
    assert "Campaign rehearsed was rehearsed: " in told
    made = fresh.folder / "results" / "campaigns" / "rehearsed" / "rehearsal"
    rows = list(csv.DictReader((made / "batches.csv").open()))
    assert [row["num_labeled"] for row in rows] == ["10", "20"]
    for row in rows:
        inside = float(row["low"]) <= float(row["answered"]) <= float(row["high"])
        assert row["holds"] == str(int(inside))
    assert "is right on a random image of the pool" in (made / "campaign.html").read_text()
    assert len(list((made / "facts" / "batches").iterdir())) == 3
    assert fresh.planned(config=str(file)) == {}


@pytest.mark.thorough
def test_the_first_batch_can_be_chosen_by_class_names(own):
    """By OpenCLIP's smallest network, with random weights: what it says of the names is noise."""
    torch.manual_seed(0)
    network = open_clip.create_model("ViT-S-32-alt", force_image_size=32).half()
    torch.save(network.state_dict(), own.project.folder / "clip.pt")
    catalogue = own.project.folder / "config" / "catalogue" / "backbones.yaml"
    catalogue.write_text(catalogue.read_text() + NAMES_CATALOGUE["backbones"])
    asked = own.file.read_text().replace("backbone: tiny", "backbone: clip")
    own.file.write_text(asked + "first: {zero-shot: margin}\n")
    planned = own.project.planned(config=str(own.file))
    assert planned["build_campaign_head"] == 1
    assert "batch 1: 10 of 10 to label" in own.call()
    proposal = own.folder / "pets" / "batches" / "batch-001" / "proposal.json"
    record = json.loads(proposal.read_text())
    assert record["zero_shot"]
    assert {one["suggestion"]["label"] for one in record["items"]} <= {"cat", "dog"}
    # Another name is another classifier; what was handed out stays.
    before = own.facts()
    own.file.write_text(own.file.read_text().replace("[cat, dog]", "[cat, dog, owl]"))
    assert own.project.planned(config=str(own.file))["build_campaign_head"] == 1
    own.call()
    assert own.facts() == before
    own.answer(1)
    assert "batch 2: 10 of 10 to label" in own.call()
    own.file.write_text(own.file.read_text().replace("backbone: clip", "backbone: tiny"))
    printed = failing(own.project, "-n", config=str(own.file))
    assert "pets.yaml: first.zero-shot: the backbone 'tiny' has no text tower" in printed


def test_a_wrong_file_is_told_before_any_job(own):
    own.file.write_text(own.file.read_text().replace("pool: my-photos", "pool: my-photo"))
    printed = failing(own.project, "-n", config=str(own.file))
    assert "pets.yaml: pool: 'my-photo' is not in the catalogue of datasets (did you" in printed
    assert "Traceback" not in printed
