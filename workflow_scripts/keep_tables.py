"""Keep a finished experiment's numbers in small files, which a page can be made from.

Writes `docs/results/EXPERIMENT/`, or `--folder`:

- `metrics.csv`: the headline metric, and those of `--metrics`, of every round of every seed;
- `savings.csv`: label savings at the baseline's last level, with their intervals;
- `orders.csv`: rank correlations with a published setting, where the experiment names one;
- the tables of `--tables`, whole, for the headline metric;
- `code.json`: digests of the code that made them;
- `made-from.json`: command, commit, machine, versions, SHA-256 of the experiment, and of each data
  set the number of classes and the fingerprint: of its rows, labels, groups and weights.
"""

import argparse
import hashlib
import os
import platform
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from labelbench_core.analysis.collected.frames import SETTING, WEIGHTED, present
from labelbench_core.analysis.savings.label_savings import HEADLINE
from labelbench_core.compute.devices import processor_name
from labelbench_core.configuration.catalogue import LoadedCatalogue
from labelbench_core.configuration.sources.since_prepared import read_manifest
from labelbench_core.errors import listed, raise_all
from labelbench_core.stages import report_files
from labelbench_core.storage import files
from labelbench_core.storage.records import read_record
from workflow_scripts import _snakefile as parsing
from workflow_scripts._code_notes import changed_modules, digests_of
from workflow_scripts._commit import commit
from workflow_scripts._experiment import (
    PROJECT,
    add_experiment_arguments,
    asked_for,
    require_experiment,
    run_command,
)

METRIC_COLUMNS = (
    *(*SETTING, "strategy", "seed", "num_labeled", "split", "metric", "value"),
    WEIGHTED,
)
PACKAGES = ("numpy", "torch")
CODE, MADE_FROM = "code.json", "made-from.json"
FURTHER_TABLES = ("best", "carried_orders", "combined", "finetuning", "headroom")
"""Tables that pages show, beside those that are always kept."""
SCRIPTS = (
    "prepare_dataset", "extract_embeddings", "extract_views", "draw_initial_pool", "train_initial",
    "select_round", "finetune_model", "tabulate",
)  # fmt: skip


def keep_tables(arguments: argparse.Namespace, options: object = None) -> None:
    import pandas as pd

    wanted = asked_for(arguments.configfile, arguments.config)
    require_experiment(wanted)
    experiment, catalogue = parsing.load(wanted, PROJECT)
    name = experiment.experiment
    summary = read_record(
        report_files.SUMMARY.format(experiment=name), "summary", {"experiment": name}
    )

    def table(kind: str) -> Path:
        return Path(report_files.table(kind).format(experiment=name))

    metrics = pd.read_csv(table("metrics"))
    chosen = list(dict.fromkeys([summary["metric"], *arguments.metrics]))
    raise_all(
        f"--metrics: {one}: {table('metrics')} has no such metric; "
        f"allowed: {listed(sorted(metrics['metric'].unique()))}"
        for one in chosen
        if one not in set(metrics["metric"])
    )
    metrics = metrics[metrics["metric"].isin(chosen)]
    folder = arguments.folder / name
    folder.mkdir(parents=True, exist_ok=True)
    columns = present(metrics, METRIC_COLUMNS)
    metrics[columns].to_csv(folder / "metrics.csv", index=False, float_format="%.6g")
    savings = pd.read_csv(table("savings"))
    is_headline = savings["definition"] == HEADLINE
    savings = savings[is_headline & (savings["metric"] == summary["metric"])]
    savings.to_csv(folder / "savings.csv", index=False, float_format="%.4g")
    if table("orders").exists():
        orders = pd.read_csv(table("orders"))
        orders.to_csv(folder / "orders.csv", index=False, float_format="%.3g")
    for kind in arguments.tables:
        whole = pd.read_csv(table(kind))
        whole = whole[whole["metric"] == summary["metric"]]
        whole.to_csv(folder / f"{kind}.csv", index=False, float_format="%.4g")
    given = " ".join(map(str, arguments.configfile))
    prepared = {
        dataset: read_manifest(dataset, Path("results/datasets", dataset, "manifest.json"))
        for dataset in sorted(experiment.all_of("datasets"))
    }
    made_from = {
        "command": f"snakemake --cores all --configfile {given}" if given else "make demo",
        "commit": commit(),
        "metric": summary["metric"],
        "experiment_sha256": hashlib.sha256(experiment.to_json().encode()).hexdigest(),
        "machine": f"{os.cpu_count()} cores, {processor_name()}",
        "python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
        "classes": {dataset: one["num_classes"] for dataset, one in prepared.items()},
        "data": {dataset: one["fingerprint"] for dataset, one in prepared.items()},
    }
    files.write_json(folder / MADE_FROM, made_from)
    files.write_json(folder / CODE, _code(parsing.configuration(experiment, catalogue)))
    print(f"written: {folder}")


def _code(configuration: Mapping[str, Any]) -> dict[str, str]:
    """Module → digest, of the jobs and of all components of an experiment."""
    components = [
        (kind, entry["implementation"], entry.get("options"))
        for kind, entries in configuration["catalogue"].items()
        for entry in entries.values()
        if "implementation" in entry
    ]
    return digests_of([f"workflow_scripts.{script}" for script in SCRIPTS], components)


def code_changed_since(folder: Path) -> list[str] | None:
    """Modules that are not as they were when the tables in `folder` were kept; None: not noted."""
    code = folder / CODE
    return changed_modules(files.read_json(code)) if code.exists() else None


def catalogue_of(folder: Path) -> LoadedCatalogue:
    """The catalogue of the experiment whose tables are in `folder`."""
    command = files.read_json(folder / MADE_FROM)["command"]
    given = command.partition("--configfile ")[2].split()
    return parsing.load(asked_for([PROJECT / file for file in given]), PROJECT)[1]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").strip(), formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_experiment_arguments(parser)
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path("docs", "results"),
        help="folder to write to; default: docs/results in the working directory",
    )
    parser.add_argument(
        "--metrics",
        nargs="+",
        default=[],
        metavar="METRIC",
        help="metrics to keep in addition to the headline's",
    )
    parser.add_argument(
        "--tables",
        nargs="+",
        default=[],
        choices=FURTHER_TABLES,
        help="tables to keep whole",
    )
    return run_command(keep_tables, parser.parse_args(argv), [])


if __name__ == "__main__":
    sys.exit(main())
