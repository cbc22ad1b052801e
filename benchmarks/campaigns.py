"""Campaigns rehearsed on labelled pools: how often their intervals hold, and what rules would cost.

    LABELBENCH_DATA=… python -m benchmarks.campaigns --folder FOLDER [--only digits pacs] [--keep]

The settings are those of benchmarks/campaigns.yaml. For each, the pool is prepared and embedded by
the workflow, and 20 campaigns (`--campaigns`) with different seeds run by themselves; all of it is
kept in FOLDER, and a second call does only what is missing. Then tables are written to
FOLDER/tables/SETTING, or, with `--keep`, to docs/benchmarks/campaigns/SETTING, from which
`python -m docs.make_results` makes docs/benchmarks/campaigns.md:

- `intervals.csv`: coverage and median width of intervals of accuracy, by size of the audit.
  `campaigns`: every model of every campaign, by the first rows of that campaign's own audit, the
  next ones, and so on, up to eight times.
  `redrawn`: the models' kept predictions, by at least 2,000 audits (`--audits`) of random rows
  that did not train the model. Estimators: `plain` and `prediction-powered`; `audit alone`: the
  audit's share of right rows taken for that of the pool, exact for random rows, for comparison;
  `classes`: of each class.
- `batches.csv`: what each campaign said after each batch, and what was true.
- `savings.csv`: what each said of its saving at the end; `least` to `most`: what is true. The truth
  is that of the campaign's own models and of the expected accuracy of a control trained on `labels`
  random rows of the pool (20 models), both on rows of the pool that they were not trained on (for
  rows that trained the campaign's model by five-fold cross-validation).
- `stopping.csv`: what each rule for stopping would have cost each campaign.
"""

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from benchmarks import _redrawn
from benchmarks._rehearsed import Rehearsal, batches_of, folder_of, rehearsed
from labelbench_core.campaign.pool import CampaignPool, open_pool
from labelbench_core.campaign.settings import Campaign
from labelbench_core.compute.devices import processor_name
from labelbench_core.storage import files
from workflow_scripts import _snakefile as parsing
from workflow_scripts._campaign_file import campaign_of
from workflow_scripts._commit import commit
from workflow_scripts._experiment import PROJECT, asked_for

SETTINGS = PROJECT / "benchmarks" / "campaigns.yaml"
KEPT = PROJECT / "docs" / "benchmarks" / "campaigns"
CAMPAIGNS, AUDITS = 20, 2000
"""Of each setting; of each setting and size."""


def written_files(folder: Path, chosen: Sequence[str]) -> dict[str, Path]:
    """Setting → the campaign's file, as a user would write it, in the order of the settings."""
    content = yaml.safe_load(SETTINGS.read_text(encoding="utf-8"))
    if unknown := [one for one in chosen if one not in content["campaigns"]]:
        sys.exit(f"--only: {unknown[0]}; allowed: {', '.join(content['campaigns'])}")
    found = {}
    for name, setting in content["campaigns"].items():
        if chosen and name not in chosen:
            continue
        own = {"campaign": name, **content["all"], **setting, "catalogue": content["catalogue"]}
        found[name] = folder / f"{name}.yaml"
        folder.mkdir(parents=True, exist_ok=True)
        with files.atomic_path(found[name]) as aside:
            aside.write_text(yaml.safe_dump(own, sort_keys=False), encoding="utf-8")
    return found


def embedded(file: Path, folder: Path, threads: int) -> tuple[Campaign, CampaignPool]:
    """The campaign that a file asks for, and its pool, which the workflow prepares and embeds."""
    wanted = asked_for([file])
    campaign = campaign_of(wanted, parsing.catalogue_of(wanted, PROJECT), PROJECT)
    command = [sys.executable, "-m", "snakemake", "--cores", str(threads), "--quiet", "all"]
    command += ["--snakefile", str(PROJECT / "Snakefile"), "--directory", str(folder)]
    command += ["--configfile", str(file), "--", "embeddings"]
    subprocess.run(command, check=True, cwd=PROJECT)
    results = folder / "results"
    manifests = (
        results / "datasets" / campaign.pool / "manifest.json",
        results / "embeddings" / campaign.pool / campaign.backbone / "manifest.json",
    )
    return campaign, open_pool(*manifests, campaign.pool, campaign.backbone)


def tables_of(
    campaigns: Sequence[Rehearsal], pool: CampaignPool, audits: int
) -> dict[str, pd.DataFrame]:
    """All tables of a setting."""
    truth = pool.dataset.labels("pool")
    intervals = _redrawn.summarised(_redrawn.WHOLE, _redrawn.in_campaigns(campaigns, truth))
    again = _redrawn.drawn_again(campaigns, truth, audits)
    intervals += _redrawn.summarised(_redrawn.DRAWN, again)

    def table(rows_of: Callable[[Rehearsal], Iterable[Mapping[str, Any]]]) -> pd.DataFrame:
        return pd.DataFrame(
            [{"seed": one.campaign.seed, **row} for one in campaigns for row in rows_of(one)]
        )

    return {
        "intervals": pd.DataFrame(intervals),
        "batches": table(lambda one: batches_of(one, truth)),
        "stopping": table(lambda one: one.said["stopping"]),
        "savings": table(lambda one: [one.said["saving"]]),
    }


def run(name: str, file: Path, options: argparse.Namespace) -> None:
    """Rehearse the campaigns of a setting and write its tables."""
    asked, pool = embedded(file, options.folder, options.threads)
    started = time.perf_counter()
    campaigns = []
    for seed in range(options.campaigns):
        own = replace(asked, seed=seed, folder=folder_of(options.folder, name, seed))
        campaigns.append(rehearsed(own, pool, options.threads))
        print(f"{name}: seed {seed}, {time.perf_counter() - started:.0f} s", flush=True)
    tables = tables_of(campaigns, pool, options.audits)
    folder = (KEPT if options.keep else options.folder / "tables") / name
    folder.mkdir(parents=True, exist_ok=True)
    for table, content in tables.items():
        with files.atomic_path(folder / f"{table}.csv") as aside:
            content.to_csv(aside, index=False, float_format="%.5g")
    more = "" if options.campaigns == CAMPAIGNS else f"--campaigns {options.campaigns} "
    made_from = {
        "command": f"python -m benchmarks.campaigns --folder FOLDER --only {name} {more}--keep",
        "commit": commit(),
        "campaigns": options.campaigns,
        "rows": len(pool),
        "classes": len(pool.dataset.class_names),
        "settings": yaml.safe_load(file.read_text(encoding="utf-8")) | {"catalogue": None},
        "data": pool.dataset.manifest["fingerprint"],
        "embeddings": pool.source,
        "machine": f"{os.cpu_count()} cores, {processor_name()}",
        "python": platform.python_version(),
        **{package: version(package) for package in ("numpy", "torch")},
    }
    files.write_json(folder / "made-from.json", made_from)
    print(f"written: {folder}", flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, required=True, help="where all of it is kept")
    parser.add_argument("--only", nargs="+", default=[], metavar="SETTING", help="default: all")
    parser.add_argument("--campaigns", type=int, default=CAMPAIGNS, help="of each setting")
    parser.add_argument("--audits", type=int, default=AUDITS, help="redrawn, of each size")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="write tables to docs/benchmarks")
    options = parser.parse_args(argv)
    options.folder = options.folder.resolve()
    for name, file in written_files(options.folder, options.only).items():
        run(name, file, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
