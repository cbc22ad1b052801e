"""Proxies beyond the linear one, run for real: on views, on images, on refreshed embeddings."""

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
ROUND = "results/selections/digits/tiny/{}/small/margin/seed-0/round-{}.json"
TARGETS = [ROUND.format("views", 1), ROUND.format("images", 1), ROUND.format("refreshed", 2)]


def test_proxies_beyond_the_linear_one(fresh):
    for kind, entries in CATALOGUE.items():
        fresh.append(f"config/catalogue/{kind}.yaml", entries)
    (fresh.folder / "proxies.yaml").write_text(EXPERIMENT)
    fresh.snakemake(*TARGETS, config="proxies.yaml")
    records = [files.read_json(fresh.folder / target) for target in TARGETS]
    assert [record["num_labeled"] for record in records] == [40, 40, 60]
    assert all(record["fit"]["flops"] > 0 for record in records)
    assert not list((fresh.folder / "results/selections").rglob("*.partial"))

    # Round 1 saw the pretrained embeddings, round 2 those of the network after round 1.
    before = files.read_json(fresh.folder / ROUND.format("refreshed", 1))
    (refreshed,) = (fresh.folder / "results/refreshed").rglob("manifest.json")
    assert refreshed.parent.name == "round-1"
    assert files.read_json(refreshed)["fingerprint"] == records[2]["source"] != before["source"]

    # What a proxy is trained by and on reruns its chains, and no other.
    assert fresh.planned(*TARGETS, config="proxies.yaml") == {}
    fresh.edit("config/catalogue/trainers.yaml", "{steps: 20", "{steps: 21")
    planned = fresh.planned(*TARGETS, config="proxies.yaml")
    assert planned == {"train_initial_deep": 1, "select_round_deep": 1}
    fresh.edit("config/catalogue/augmentations.yaml", "cutout: 0.3", "cutout: 0.4")
    assert fresh.planned(*TARGETS, config="proxies.yaml") == {**planned, "extract_views": 1}
