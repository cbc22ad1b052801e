"""The table of costs has every job that Snakemake would run, whatever the proxies need."""

import collections
import csv
import shlex
import subprocess

import pytest

from helpers import forked_jobs
from helpers.checkouts import ANALYSIS, jobs_in
from helpers.proxy_entries import CATALOGUE, EXPERIMENT

FINETUNE = """
finetune:
  trainers: [fresh]
  strategies: [margin]
  rounds: [1, 2]
  seeds: 1
"""


@pytest.mark.parametrize(
    ("proxies", "counts"),
    [
        # One of the refreshes is a fine-tuning that the experiment asks for, too.
        ("[views, images, refreshed]", (1, 1, 1, 6)),
        ("[images]", (0, 0, 0, 2)),
    ],
)
def test_every_planned_job_is_in_the_table(fresh, proxies, counts):
    for kind, entries in CATALOGUE.items():
        fresh.append(f"config/catalogue/{kind}.yaml", entries)
    text = EXPERIMENT.replace("[views, images, refreshed]", proxies) + FINETUNE
    (fresh.folder / "proxies.yaml").write_text(text)
    planned = collections.Counter()
    told = fresh.snakemake("-n", "-p", config="proxies.yaml")
    for rule, count in jobs_in(told).items():
        if rule not in ANALYSIS:
            planned[rule.removesuffix("_deep")] += count
    stages = ("extract_embeddings", "extract_views", "refresh_embeddings", "finetune_model")
    assert tuple(planned[stage] for stage in stages) == counts

    (command,) = (line for line in told.splitlines() if "-m workflow_scripts.collect_costs" in line)
    words = shlex.split(command[command.index("python -m workflow_scripts.collect_costs") :])
    subprocess.run([forked_jobs.python(), *words[1:]], cwd=fresh.folder, check=True)
    with open(fresh.folder / "results/reports/proxies/costs.csv", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert collections.Counter(row["stage"] for row in rows) == planned
