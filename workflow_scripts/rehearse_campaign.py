"""Rehearse a labelling campaign on a labelled pool: what it says, beside what is true."""

import argparse
import csv
import dataclasses
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from labelbench_core.annotators.annotations import open_annotations
from labelbench_core.campaign.rehearsal import RehearsedBatch, RehearsedRule, rehearse
from labelbench_core.campaign.standing.whole import standing_of
from labelbench_core.campaign.standing_page.page import page
from labelbench_core.campaign.zero_shot import ClassNamesClassifier
from labelbench_core.storage import files
from workflow_scripts._annotations import add_annotations_argument
from workflow_scripts._campaign_job import campaign_parser, opened
from workflow_scripts._job import run_job


def run(arguments: argparse.Namespace) -> None:
    campaign, pool = opened(arguments)
    assert campaign.rehearsal is not None
    truth = pool.dataset.labels("pool")
    given = truth
    asked = campaign.rehearsal
    if arguments.annotations is not None:
        ids = {"dataset": campaign.pool, "annotator": asked["annotator"]}
        said = open_annotations(ids, pool.dataset, arguments.annotations)
        assert said is not None  # None is for the exact annotator, which has no record
        given = said.labels
    classifier = None
    if arguments.zero_shot is not None:
        expected = {
            "dataset": campaign.pool,
            "dataset_fingerprint": pool.dataset.manifest["fingerprint"],
            "backbone": campaign.backbone,
        }
        classifier = ClassNamesClassifier.read(
            arguments.zero_shot, expected, pool.dataset.class_names
        )
    # A rehearsal hands nothing out: what an earlier, interrupted one has left is made again.
    shutil.rmtree(arguments.facts, ignore_errors=True)
    campaign = dataclasses.replace(
        campaign, folder=arguments.facts, classes=tuple(pool.dataset.class_names)
    )
    done = rehearse(
        campaign,
        pool,
        truth,
        given,
        asked["batches"],
        seconds=asked.get("seconds"),
        classifier=classifier,
        threads=arguments.threads,
    )
    write_table(arguments.batches, RehearsedBatch, done.batches)
    write_table(arguments.stopping, RehearsedRule, done.rules)
    with files.atomic_path(arguments.page) as aside:
        shown = page(standing_of(done.state, pool, arguments.threads), pool, arguments.threads)
        aside.write_text(shown, encoding="utf-8")


def write_table(path: Path, kind: type, rows: Sequence[Any]) -> None:
    """A CSV with a row for each of `rows`, and the names of the fields of `kind` above them."""
    names = [one.name for one in dataclasses.fields(kind)]
    with files.atomic_path(path) as aside, open(aside, "w", encoding="utf-8", newline="") as handle:
        lines = csv.writer(handle)
        lines.writerow(names)
        lines.writerows([_cell(getattr(row, name)) for name in names] for row in rows)


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float):
        return f"{value:.6g}"
    return "" if value is None else value


def main(argv: list[str] | None = None) -> int:
    parser = campaign_parser(__doc__)
    add_annotations_argument(parser)
    parser.add_argument(
        "--zero-shot", type=Path, nargs="?", help="classifier made of the class names"
    )
    parser.add_argument("--facts", type=Path, required=True, help="folder for what is handed out")
    parser.add_argument("--batches", type=Path, required=True, help="table of batches to write")
    parser.add_argument("--stopping", type=Path, required=True, help="table of rules to write")
    parser.add_argument("--page", type=Path, required=True, help="page to write")
    return run_job(run, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
