"""Make the evidence from which campaigns choose a strategy and a proxy, from kept results.

    python -m docs.make_advice [--check]

Writes labelbench_core/campaign/advice/evidence.json from docs/results/: of every experiment, on its
test rows and in its headline metric, what each strategy saved, and how proxies compare. Settings
whose proxy a campaign cannot use, strategies that replay what was bought elsewhere, and settings
that compare hardly any strategies, are left out. `--check` changes nothing and fails where the file
is old.
"""

import argparse
import dataclasses
import math
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from docs import kept_results
from docs.kept_results import headline, rows_of, table_of
from labelbench_core import registry
from labelbench_core.analysis.collected.curves import t_interval
from labelbench_core.analysis.collected.frames import SETTING, groups, present
from labelbench_core.analysis.comparisons.aubc import area_under_budget_curve
from labelbench_core.campaign.advice.evidence import (
    FILE,
    ComparedProxy,
    Experience,
    MeasuredSaving,
)
from labelbench_core.configuration import entries
from labelbench_core.configuration.catalogue import LoadedCatalogue
from labelbench_core.configuration.compatibility.multilabel import is_multilabel
from labelbench_core.datasets.rows.row_kinds import rows_of as kind_of_rows
from labelbench_core.errors import InputError
from labelbench_core.metrics.known import METRICS
from labelbench_core.piping import CUT_SHORT, until_reader_leaves
from labelbench_core.storage import files
from workflow_scripts.keep_tables import MADE_FROM, catalogue_of

SPLIT = "test"
FEWEST = 3
"""Strategies beside the baseline from which on a setting says something about which to choose: one
with fewer would exclude all others, which have to be run on every data set."""
BOUNDS = ("bound", "low_bound", "high_bound")
CLASSES = {
    "banking77": 77,
    "cifar-10": 10,
    "cifar-10-lite0": 10,
    "cifar-10-long-tail": 10,
    "digits": 10,
    "fashion-mnist": 10,
    "fashion-mnist-mosaics": 10,
    "pacs": 7,
    "pacs-by-folders": 7,
    "sst-2": 2,
}
"""Number of classes of data sets whose results were kept before `keep_tables` noted it."""


def evidence() -> dict[str, Any]:
    """What evidence.json says."""
    experiences: list[Experience] = []
    proxies: list[ComparedProxy] = []
    for folder in sorted(kept_results.KEPT.iterdir()):
        catalogue = catalogue_of(folder)
        experiences += _experiences(folder.name, catalogue)
        proxies += _proxies(folder.name, catalogue)
    return {
        "experiences": [dataclasses.asdict(one) for one in experiences],
        "proxies": [dataclasses.asdict(one) for one in proxies],
    }


def _experiences(name: str, catalogue: LoadedCatalogue) -> Iterator[Experience]:
    savings = rows_of(table_of(name, "savings"), SPLIT, headline(name))
    metrics = rows_of(table_of(name, "metrics"), SPLIT, headline(name))
    keys = present(savings, SETTING)
    for names, rows in groups(savings, keys):
        if not _is_usable(catalogue, names["proxy"]):
            continue
        entry = catalogue["datasets"][names["dataset"]]
        measured = [
            _measured(row)
            for row in rows.to_dict("records")
            if _chooses(catalogue, row["strategy"]) and not math.isnan(row["low"])
        ]
        if len(measured) < FEWEST:
            continue
        yield Experience(
            experiment=name,
            dataset=names["dataset"],
            rows=kind_of_rows(entry["implementation"]),
            classes=_classes(name, names["dataset"]),
            multilabel=is_multilabel(catalogue, names["dataset"]),
            long_tail=entry.get("long_tail", {}).get("ratio"),
            annotator=names.get("annotator", "exact"),
            proxy=names["proxy"],
            metric=headline(name),
            batch=catalogue["schedules"][names["schedule"]]["batch"],
            last_labels=int(metrics[metrics["schedule"] == names["schedule"]]["num_labeled"].max()),
            savings=measured,
        )


def _measured(row: Mapping[str, Any]) -> MeasuredSaving:
    bounds = {one: row[one] if isinstance(row[one], str) else None for one in BOUNDS}
    return MeasuredSaving(
        row["strategy"], row["n_seeds"], row["saving"], row["low"], row["high"], **bounds
    )


def _proxies(name: str, catalogue: LoadedCatalogue) -> Iterator[ComparedProxy]:
    """Every pair of proxies that were run with the same strategy."""
    metric = headline(name)
    sign = METRICS[metric].sign if metric in METRICS else 1
    metrics = rows_of(table_of(name, "metrics"), SPLIT, metric)
    others = [key for key in present(metrics, SETTING) if key != "proxy"]
    for names, rows in groups(metrics, [*others, "strategy"]):
        areas = {
            proxy: _areas(of_proxy)
            for proxy, of_proxy in rows.groupby("proxy", sort=True)
            if _is_usable(catalogue, str(proxy))
        }
        for proxy, area in areas.items():
            for other, beside in areas.items():
                pairs = sign * (area - beside).dropna()
                if proxy == other or len(pairs) < 2:
                    continue
                difference, half_width = t_interval(pairs.to_numpy())
                yield ComparedProxy(
                    experiment=name,
                    dataset=names["dataset"],
                    multilabel=is_multilabel(catalogue, names["dataset"]),
                    strategy=names["strategy"],
                    proxy=str(proxy),
                    other=str(other),
                    seeds=len(pairs),
                    difference=round(difference, 5),
                    half_width=round(half_width, 5),
                )


def _areas(rows: pd.DataFrame) -> pd.Series:
    """Seed → mean height of its curve."""
    table = rows.pivot_table(index="seed", columns="num_labeled", values="value").dropna()
    budgets = np.array(table.columns, np.float64)
    return pd.Series(area_under_budget_curve(budgets, table.to_numpy()), table.index)


def _is_usable(catalogue: LoadedCatalogue, proxy: str) -> bool:
    """Whether campaigns can use a proxy: it is trained on embeddings alone."""
    of_views = entries.augmentation_of(catalogue, proxy)
    return of_views is None and not entries.needs_images(catalogue, proxy)


def _chooses(catalogue: LoadedCatalogue, strategy: str) -> bool:
    """Whether a strategy chooses by itself, and sees no hidden label."""
    entry = catalogue["strategies"][strategy]
    info = registry.describe("strategies", entry["implementation"]).info
    needs = registry.needs(entry["implementation"], registry.options_of(entry))
    return info["kind"] != "ceiling" and "recorded" not in needs


def _classes(name: str, dataset: str) -> int:
    noted = files.read_json(kept_results.KEPT / name / MADE_FROM).get("classes", {})
    if dataset not in noted and dataset not in CLASSES:
        told = f"{name}: made-from.json does not say how many classes {dataset} has"
        raise InputError(f"{told}; `python -m workflow_scripts.keep_tables` notes it")
    return noted.get(dataset, CLASSES.get(dataset))


@until_reader_leaves(CUT_SHORT)
def main(argv: list[str] | None = None) -> int:
    """Write the evidence, or only report that it is old; the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 if old")
    arguments = parser.parse_args(argv)
    made = evidence()
    if FILE.is_file() and files.read_json(FILE) == made:
        return 0
    told = "out of date: docs/results/ has changed" if arguments.check else "rewritten"
    print(f"{FILE.name}: {told}")
    if not arguments.check:
        files.write_json(FILE, made)
    return int(arguments.check)


if __name__ == "__main__":
    sys.exit(main())
