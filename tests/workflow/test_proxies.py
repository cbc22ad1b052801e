"""Proxies beyond the linear one, run for real: on views, on images, on refreshed embeddings."""

import pytest

from labelbench_core import files

EXPERIMENT = """
experiment: proxies
datasets: [digits]
backbones: [tiny]
proxies: [views, images, refreshed]
schedules: [small]
strategies: [margin]
rounds: 3
seeds: 1
baseline: margin
"""
CATALOGUE = {
    "proxies": """
views:
  implementation: shallow
  options: {hidden: 16, trainer: few, augmentation: once}
images:
  implementation: finetune
  options: {trainer: fresh, start: warm}
refreshed:
  implementation: blend
  options: {trainer: fresh, refresh_every: 1}
""",
    "trainers": """
few:
  implementation: flexmatch
  training: {steps: 20, batch_size: 8, unlabeled_ratio: 2, warmup_steps: 0, head: fresh}
fresh:
  implementation: supervised
  training: {steps: 4, batch_size: 8, warmup_steps: 0, head: fresh}
""",
    "augmentations": """
once:
  weak: {}
  strong: {operations: 1, cutout: 0.3}
  draws: 1
""",
}
CHAIN = "results/selections/digits/tiny/{}/small/margin/seed-0/round-2.json"


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A checkout in which the experiment has run."""
    from conftest import checkout

    workflow = checkout(tmp_path_factory.mktemp("proxies") / "project")
    for kind, entries in CATALOGUE.items():
        workflow.append(f"config/catalogue/{kind}.yaml", entries)
    (workflow.folder / "proxies.yaml").write_text(EXPERIMENT)
    workflow.snakemake("selections", config="proxies.yaml")
    return workflow


def test_every_kind_of_proxy_runs_through_the_workflow(ran):
    for proxy in ("views", "images", "refreshed"):
        record = files.read_json(ran.folder / CHAIN.format(proxy))
        assert record["num_labeled"] == 60
        assert record["fit"]["converged"]
        assert record["fit"]["flops"] > 0
        assert "pool" in record["metrics"]
        assert not (ran.folder / CHAIN.format(proxy)).with_suffix(".partial").exists()
    assert ran.planned("selections", config="proxies.yaml") == {}


def test_a_refreshed_pool_is_another_for_every_chain(ran):
    sources = {
        number: files.read_json(
            ran.folder / CHAIN.format("refreshed").replace("round-2", f"round-{number}")
        )["source"]
        for number in (1, 2)
    }
    # Round 1 sees the pretrained embeddings, round 2 those of the network after round 1.
    assert sources[1] != sources[2]
    (refreshed,) = (ran.folder / "results/refreshed").rglob("manifest.json")
    assert refreshed.parent.name == "round-1"
    assert files.read_json(refreshed)["fingerprint"] == sources[2]


def test_a_proxys_trainer_and_views_rerun_its_chains_only(ran):
    ran.edit("config/catalogue/trainers.yaml", "{steps: 20", "{steps: 21")
    planned = ran.planned("selections", config="proxies.yaml")
    assert planned == {"train_initial_deep": 1, "select_round_deep": 2, "selections": 1}
    ran.edit("config/catalogue/trainers.yaml", "{steps: 21", "{steps: 20")
    ran.edit("config/catalogue/augmentations.yaml", "cutout: 0.3", "cutout: 0.4")
    planned = ran.planned("selections", config="proxies.yaml")
    assert planned["extract_views"] == 1
    assert "select_round" not in planned
    ran.edit("config/catalogue/augmentations.yaml", "cutout: 0.4", "cutout: 0.3")
