"""Answering a campaign's batch without people."""

import csv
from collections.abc import Mapping
from pathlib import Path


def answer(table: Path, truth: Mapping[str, str]) -> None:
    """Fill a batch's `to_label.csv` by item → class, and put it where answers go."""
    rows = list(csv.DictReader(table.open(encoding="utf-8")))
    for row in rows:
        row["label"] = truth[row["item"]]
    inbox = table.parents[2] / "labels"
    inbox.mkdir(exist_ok=True)
    with open(inbox / f"{table.parent.name}.csv", "w", encoding="utf-8", newline="") as file:
        lines = csv.DictWriter(file, rows[0])
        lines.writeheader()
        lines.writerows(rows)
