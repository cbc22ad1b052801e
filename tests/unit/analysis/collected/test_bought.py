"""The table of what was bought: rows of rounds with their files and labels."""

import csv
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from helpers import fake_results
from labelbench_core.analysis.collected import bought
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.datasets.files.stored_listing import write_listing
from labelbench_core.datasets.rows.text_rows import TextRows, stored_texts
from labelbench_core.storage.rows import ArrayRows

CLASSES = ["cat", "dog"]
TEXTS = ["a purr", "two,\nlines", "three", "four"]


def dataset_of(folder: Path, storage: str, labels: np.ndarray) -> SimpleNamespace:
    """What the table needs of a prepared data set."""
    listing = folder / "arrays" / "pool-files.json"
    listing.parent.mkdir(exist_ok=True)
    names = [(f"pool/{number}.png", "0" * 64) for number in range(len(labels))]
    manifest = {
        "dataset": "digits",
        "splits": {"pool": {"storage": storage}},
        "listings": {"pool": write_listing(listing, names)},
    }
    # Of a source whose first ten rows were left out, where rows are arrays.
    source_rows = None if storage == "files" else np.arange(10, 10 + len(labels))
    return SimpleNamespace(
        folder=folder,
        manifest=manifest,
        class_names=CLASSES,
        labels=lambda split: labels,
        texts=lambda split: TextRows(*map(ArrayRows, stored_texts(TEXTS).values())),
        source_rows=lambda split: source_rows,
    )


def written(folder: Path, values: dict[str, Any]) -> list[list[dict[str, str]]]:
    """The rows of both tables of an experiment whose results are in a folder."""
    tables = folder / "bought.csv", folder / "balance.csv"
    bought.write_bought(
        *tables,
        Experiment.from_json(json.dumps(values)),
        round_pattern=f"{folder}/{fake_results.ROUND}",
        initial_pattern=f"{folder}/{fake_results.INITIAL}",
        dataset_pattern=f"{folder}/manifest.json",
        annotation_pattern=f"{folder}/record.json",
    )
    return [list(csv.DictReader(table.read_text("utf-8").splitlines(True))) for table in tables]


@pytest.mark.parametrize("storage", ["files", "array", "texts"])
@pytest.mark.parametrize("multilabel", [False, True])
def test_every_label_stands_with_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, storage: str, multilabel: bool
) -> None:
    values = fake_results.experiment(
        strategies=["random", "margin"], seeds=[1], rounds=2, finetune=None
    )
    fake_results.write(tmp_path, values)
    for path in tmp_path.glob("selections/**/round-*.json"):
        rows = [3, 0] if path.name == "round-0.json" else [1]
        fake_results.edit(path, lambda record, rows=rows: record.update(bought=rows))
    labels = np.array([0, 1, 1, 0])
    if multilabel:
        labels = np.array([[1, 0], [1, 1], [0, 1], [0, 0]])
    prepared = dataset_of(tmp_path, storage, labels)
    monkeypatch.setattr(bought, "open_dataset", lambda folder, name: prepared)
    found, rounds = written(tmp_path, values)
    assert tuple(found[0]) == bought.BOUGHT_COLUMNS
    names = ["", "cat", "cat|dog"] if multilabel else ["cat", "cat", "dog"]
    files = ["pool/3.png", "pool/0.png", "pool/1.png"] if storage == "files" else ["", "", ""]
    for strategy in ("random", "margin"):
        rows = [row for row in found if row["strategy"] == strategy]
        assert [row["order"] for row in rows] == ["1", "2", "3"]
        assert [row["round"] for row in rows] == ["0", "0", "1"]
        assert [row["row"] for row in rows] == ["3", "0", "1"]
        first = 0 if storage == "files" else 10
        assert [int(row["source_row"]) for row in rows] == [first + 3, first, first + 1]
        assert [row["file"] for row in rows] == files
        texts = ["four", "a purr", "two,\nlines"] if storage == "texts" else ["", "", ""]
        assert [row["text"] for row in rows] == texts
        assert [row["label"] for row in rows] == names
        assert {row["annotator"] for row in rows} == {"exact"}
    assert "annotator" not in rounds[0]  # all are exact
    assert [(row["strategy"], row["round"], row["num_labeled"]) for row in rounds] == [
        *(("random", "0", "2"), ("random", "1", "3")),
        *(("margin", "0", "2"), ("margin", "1", "3")),
    ]
    for row in rounds:
        several, first = multilabel, row["round"] == "0"
        occurrences = (1 if first else 3) if several else int(row["num_labeled"])
        assert int(row["occurrences"]) == occurrences
        assert int(row["classes_without_label"]) == (1 if first else 0)
        share = 2 / 3 if not first else 1.0
        assert float(row["most_frequent_share"]) == pytest.approx(share)
        assert float(row["pool_evenness"]) == 1.0
        assert float(row["distance_to_pool"]) == pytest.approx(share - 0.5)


def test_without_any_label_shares_are_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = fake_results.experiment(
        strategies=["random"], highlight="random", seeds=[1], rounds=1, finetune=None
    )
    fake_results.write(tmp_path, values)
    for path in tmp_path.glob("selections/**/round-*.json"):
        fake_results.edit(path, lambda record: record.update(bought=[3]))
    labels = np.array([[1, 0], [1, 1], [0, 1], [0, 0]])
    prepared = dataset_of(tmp_path, "array", labels)
    monkeypatch.setattr(bought, "open_dataset", lambda folder, name: prepared)
    _, (row,) = written(tmp_path, values)
    assert (row["num_labeled"], row["occurrences"], row["classes_without_label"]) == ("1", "0", "2")
    assert {row[name] for name in ("evenness", "rarest_share", "distance_to_pool")} == {""}
