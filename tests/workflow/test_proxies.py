"""Proxies beyond the linear one, run for real: on views, images, refreshed embeddings, names."""

import functools

import numpy as np
import open_clip
import pytest
import torch
import yaml
from safetensors.numpy import load_file

from helpers.proxy_entries import CATALOGUE, EXPERIMENT, NAMES_CATALOGUE
from labelbench_core.configuration import entries
from labelbench_core.configuration.catalogue import load_catalogue
from labelbench_core.configuration.loading import load_experiment
from labelbench_core.configuration.sources.source_sizes import source_sizes
from labelbench_core.stages.estimates import DatasetFacts, estimate_jobs
from labelbench_core.stages.plan import Needs
from labelbench_core.stages.table import COSTED
from labelbench_core.storage import files

ROUND = "results/selections/digits/tiny/{}/small/margin/seed-0/round-{}.json"
TARGETS = [ROUND.format("views", 1), ROUND.format("images", 1), ROUND.format("refreshed", 2)]


@pytest.mark.thorough
def test_proxies_beyond_the_linear_one(finished):
    for kind, added in CATALOGUE.items():
        finished.append(f"config/catalogue/{kind}.yaml", added)
    (finished.folder / "proxies.yaml").write_text(EXPERIMENT)
    finished.snakemake(*TARGETS, config="proxies.yaml")
    records = [files.read_json(finished.folder / target) for target in TARGETS]
    assert [record["num_labeled"] for record in records] == [40, 40, 60]
    assert all(record["fit"]["flops"] > 0 for record in records)
    assert not list((finished.folder / "results/selections").rglob("*.partial"))

    # Round 1 saw the pretrained embeddings, round 2 those of the network after round 1.
    before = files.read_json(finished.folder / ROUND.format("refreshed", 1))
    (refreshed,) = (finished.folder / "results/refreshed").rglob("manifest.json")
    assert refreshed.parent.name == "round-1"
    assert files.read_json(refreshed)["fingerprint"] == records[2]["source"] != before["source"]

    # The tables are told which proxies end in a fine-tuned network.
    text = finished.snakemake("report", "--dry-run", "--printshellcmds", config="proxies.yaml")
    (command,) = (line for line in text.splitlines() if "workflow_scripts.tabulate" in line)
    assert '"images":["images"]' in command

    check_estimates(finished.folder)

    # What a proxy is trained by and on reruns its chains, and no other.
    assert finished.planned(*TARGETS, config="proxies.yaml") == {}
    finished.edit("config/catalogue/trainers.yaml", "{steps: 20", "{steps: 21")
    planned = finished.planned(*TARGETS, config="proxies.yaml")
    assert planned == {"train_initial_deep": 1, "select_round_deep": 1}
    finished.edit("config/catalogue/augmentations.yaml", "cutout: 0.3", "cutout: 0.4")
    assert finished.planned(*TARGETS, config="proxies.yaml") == {**planned, "extract_views": 1}


def check_estimates(folder):
    """What was recorded is what is estimated of a checkout in which nothing has run."""
    catalogue = load_catalogue(folder / "config" / "catalogue")
    given = yaml.safe_load(EXPERIMENT)
    experiment = load_experiment(given, catalogue, folder / "config" / "schema", "proxies.yaml")
    needs = Needs.from_values(entries.needs(experiment, catalogue))
    sizes = source_sizes(catalogue["datasets"]["digits"], folder).splits
    facts = {"digits": DatasetFacts(sizes, 10)}
    seen = set()
    for job in estimate_jobs(experiment, catalogue, needs, facts):
        path = job.stage.record and folder / job.stage.record.format_map(job.ids)
        if path is None or not path.exists():
            continue
        record = functools.reduce(dict.__getitem__, job.stage.flops[1:-1], files.read_json(path))
        if job.ids.get("proxy") == "refreshed" and "trainer" not in job.ids:
            assert job.flops is None
            continue
        # What diverged was trained twice.
        flops = record["flops"] / len(record.get("attempts", [None]))
        assert job.flops == pytest.approx(flops, rel=0.1), job
        arrays = [path.parent / "arrays", path.with_suffix(".npz")]
        arrays += [path.with_name("model.safetensors")]
        (kept,) = (one for one in arrays if one.exists())
        parts = [kept] if kept.is_file() else [one for one in kept.rglob("*") if one.is_file()]
        assert job.disk == pytest.approx(sum(one.stat().st_size for one in parts), rel=0.1), job
        seen.add(job.stage.name)
    assert seen == {stage.name for stage in COSTED if stage.flops}


NAMES_EXPERIMENT = """
experiment: names
datasets: [digits]
backbones: [clip]
proxies: [pulled]
schedules: [small]
strategies: [margin]
rounds: 2
seeds: 1
finetune:
  trainers: [named]
  strategies: [margin]
  rounds: [1]
  seeds: 1
baseline: margin
"""


@pytest.mark.thorough
def test_class_names_start_a_proxy_and_a_fine_tuning(fresh):
    """By OpenCLIP's smallest network, with random weights: what it says of the names is noise."""
    torch.manual_seed(0)  # with one network in some, a weight lies just beside where it is rounded
    network = open_clip.create_model("ViT-S-32-alt", force_image_size=32).half()
    torch.save(network.state_dict(), fresh.folder / "clip.pt")
    for kind, added in NAMES_CATALOGUE.items():
        fresh.append(f"config/catalogue/{kind}.yaml", added)
    fresh.edit("config/catalogue/datasets.yaml", "\ndigits:", "\ndigits:\n  prompts: ['a {}.']")
    (fresh.folder / "names.yaml").write_text(NAMES_EXPERIMENT)
    fresh.snakemake("finetuned", config="names.yaml")
    results = fresh.folder / "results"
    head = files.read_npz(results / "zero_shot/digits/clip/head.npz")
    assert head["weights"].shape == (256, 10)
    np.testing.assert_allclose(np.linalg.norm(head["weights"], axis=0), 1, rtol=1e-5)

    # The penalty leaves the proxy nothing but the names; it is one for unit length on average.
    chain = "digits/clip/pulled/small"
    (round_1,) = (results / "selections" / chain).rglob("round-1.npz")
    weights = files.read_npz(round_1)["weights"]
    factor = np.linalg.norm(weights) / np.linalg.norm(head["weights"])
    np.testing.assert_allclose(weights, factor * head["weights"], atol=1e-3 * factor)

    # A step so small that half precision does not show it.
    (model,) = (results / "finetuned").rglob("model.safetensors")
    state = load_file(model)
    assert bool(state["unit_features"])
    expected = (head["scale"] * head["weights"].T).astype(np.float16)
    np.testing.assert_array_equal(state["head.weight"], expected)

    # Other words make another classifier; embeddings are those of images alone.
    fresh.edit("config/catalogue/datasets.yaml", "'a {}.'", "'the {}.'")
    assert fresh.planned("finetuned", config="names.yaml") == {
        **{"build_zero_shot_head": 1, "train_initial": 1, "select_round": 1},
        **{"finetune_model": 1, "finetuned": 1},
    }
