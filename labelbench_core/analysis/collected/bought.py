"""Which rows every round bought, with their files and labels, and how balanced the classes are."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from labelbench_core.analysis.collected.balance import BALANCE_COLUMNS, class_balance
from labelbench_core.analysis.collected.frames import columns_for
from labelbench_core.annotators import EXACT
from labelbench_core.annotators.annotations import read_annotations
from labelbench_core.configuration.experiment import SETTING, Experiment, annotator_of
from labelbench_core.datasets import POOL, PreparedDataset, class_counts, open_dataset
from labelbench_core.datasets.files.stored_listing import read_listing
from labelbench_core.storage.files import atomic_path
from labelbench_core.storage.places import printable
from labelbench_core.storage.records import ROUND, read_record
from labelbench_core.storage.round_files import INITIAL

HEAD = (*SETTING, "strategy", "seed", "round")
BOUGHT_COLUMNS = (*HEAD, "order", "row", "source_row", "file", "text", "label")


def write_bought(
    path: Path,
    balance_path: Path,
    experiment: Experiment,
    *,
    round_pattern: str,
    initial_pattern: str,
    dataset_pattern: str,
    annotation_pattern: str,
) -> None:
    """Write a table with a line for each label that was bought; columns as `BOUGHT_COLUMNS`.

    `order` counts from 1 within a strategy and seed, `row` is the row of the pool, from 0, and
    `source_row` the row in the pool's source. The two differ where only a part was kept
    (`pool_size`, `long_tail`), rows were copied (`near_copies`), or a split of texts or embeddings
    was drawn: `source_row` is then the row of the file that was divided. `file` is relative to the
    data set's folder, and empty where rows are not files; `text` is the row's text, or empty.
    `label` is the name of the class that the annotator gave, names with `|` between them where
    there can be several. Round 0 is listed with every strategy; models on the full data, which have
    all rows, are left out. Patterns are paths with ids in braces.

    At `balance_path`, write a table with a line for each of these rounds; columns as
    `BALANCE_COLUMNS`, of which those of `class_balance` are over all labels bought until then.
    Unknown values are empty.
    """
    pools: dict[str, LabeledPool] = {}
    so_far: dict[tuple[Any, ...], tuple[int, np.ndarray]] = {}
    with (
        atomic_path(path) as aside,
        atomic_path(balance_path) as balance_aside,
        open(aside, "w", encoding="utf-8", newline="") as handle,
        open(balance_aside, "w", encoding="utf-8", newline="") as balance_handle,
    ):
        lines = csv.writer(handle, lineterminator="\n")
        lines.writerow(BOUGHT_COLUMNS)
        balances = csv.DictWriter(
            balance_handle, columns_for(experiment, BALANCE_COLUMNS), lineterminator="\n"
        )
        balances.writeheader()
        for ids in experiment.selections():
            if ids["schedule"] in experiment.full_data:
                continue
            first = ids["round"] == 0
            expected = {key: ids[key] for key in ROUND} | ({"strategy": INITIAL} if first else {})
            record = (initial_pattern if first else round_pattern).format_map(ids)
            bought = read_record(record, "round", expected)["bought"]
            place = annotation_pattern.format_map(ids)
            if place not in pools:
                manifest = Path(dataset_pattern.format_map(ids))
                dataset = open_dataset(manifest.parent, ids["dataset"])
                pools[place] = LabeledPool(dataset, annotator_of(ids), Path(place))
            pool = pools[place]
            named = {**ids, "annotator": annotator_of(ids)}
            head = [named[key] for key in HEAD]
            chain = tuple(head[:-1])
            before, counts = so_far.get(chain, (0, 0 * pool.counts))
            for order, described in enumerate(pool.described(bought), before + 1):
                lines.writerow([*head, order, *described])
            so_far[chain] = before + len(bought), counts + pool.counts_of(bought)
            labeled, counts = so_far[chain]
            found = {"num_labeled": labeled, **class_balance(counts, pool.counts)}
            line = {**named, **{name: _known(value) for name, value in found.items()}}
            balances.writerow({name: line[name] for name in balances.fieldnames})


def _known(value: float) -> float | str:
    return "" if math.isnan(value) else value


class LabeledPool:
    """Files or texts of a pool, and its labels as its annotator gives them."""

    def __init__(self, dataset: PreparedDataset, annotator: str, record: Path) -> None:
        self._names = dataset.class_names
        self._files = None
        if dataset.manifest["splits"][POOL]["storage"] == "files":
            listing = dataset.folder / "arrays" / f"{POOL}-files.json"
            self._files = read_listing(listing, dataset.manifest["listings"][POOL])
        is_text = dataset.manifest["splits"][POOL]["storage"] == "texts"
        self._texts = dataset.texts(POOL) if is_text else None
        self._source_rows = dataset.source_rows(POOL)
        if annotator == EXACT:
            self._labels = dataset.labels(POOL)
        else:
            told = {"dataset": dataset.manifest["dataset"], "annotator": annotator}
            told["dataset_fingerprint"] = dataset.manifest["fingerprint"]
            size = (dataset.manifest["splits"][POOL]["num_rows"], dataset.num_classes)
            self._labels = read_annotations(record, told, *size).labels
        self.counts = class_counts(self._labels, len(self._names))

    def counts_of(self, rows: list[int]) -> np.ndarray:
        """(C,) how often each class is given to `rows`; the attribute `counts` is over all rows."""
        return class_counts(self._labels[np.array(rows, np.int64)], len(self._names))

    def described(self, rows: list[int]) -> Iterator[tuple[int, int, str, str, str]]:
        """Row, source's row, file, text and label of each of `rows`."""
        texts = self._texts.batch(np.array(rows, np.int64)) if self._texts else [""] * len(rows)
        for row, text in zip(rows, texts, strict=True):
            file = printable(self._files[row][0]) if self._files is not None else ""
            source_row = row if self._source_rows is None else int(self._source_rows[row])
            yield row, source_row, file, text, self._label(self._labels[row])

    def _label(self, label: np.ndarray | np.int64) -> str:
        given = np.flatnonzero(label) if np.ndim(label) else [int(label)]
        return "|".join(self._names[number] for number in given)
