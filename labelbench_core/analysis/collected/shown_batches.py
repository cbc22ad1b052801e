"""Some rows of every batch that was bought, to be shown: picture or text, label, prediction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from labelbench_core.analysis.collected.bought import LabeledPool
from labelbench_core.analysis.collected.frames import setting_name
from labelbench_core.configuration.experiment import SETTING, Experiment, annotator_of
from labelbench_core.datasets import POOL, open_dataset
from labelbench_core.datasets.files.one_line import one_line
from labelbench_core.storage.records import ROUND, read_record
from labelbench_core.storage.round_files import BATCH_PREDICTED, INITIAL, read_round

MOST_SHOWN = 4_000
"""Rows on all sheets, as long as eight of a single batch of every strategy are not more."""
FEWEST, MOST = 8, 24
"""Rows shown of a batch."""
SIDE = 64
"""Longest side of a picture, in pixels."""
LONGEST = 160
"""Most characters of a text."""


@dataclass(frozen=True)
class ShownRow:
    """A row as it is shown.

    Attributes
    ----------
    row
        Its index in the pool.
    label, predicted
        Names of classes: as the annotator gave it, and as predicted before it was bought by the
        proxy that chose it; empty where that is not known.
    text
        The row's text, or the name of its file.
    picture
        A PNG or JPEG; None where rows are not images, or a file cannot be read.
    """

    row: int
    label: str
    predicted: str
    text: str
    picture: bytes | None


@dataclass(frozen=True)
class ShownBatch:
    """What a round bought: `size` rows, of which `rows` are shown, evenly spaced.

    `hits` is how many of all were predicted as labelled, None where it is not known.
    """

    round: int
    size: int
    rows: tuple[ShownRow, ...]
    hits: int | None


@dataclass
class Sheet:
    """Batches of a setting and a seed: the initial one, and some of every strategy."""

    name: str
    seed: int
    rounds: int
    initial: list[ShownBatch] = field(default_factory=list)
    strategies: dict[str, list[ShownBatch]] = field(default_factory=dict)


def shown_batches(
    experiment: Experiment,
    *,
    round_pattern: str,
    initial_pattern: str,
    dataset_pattern: str,
    annotation_pattern: str,
    threads: int = 1,
) -> list[Sheet]:
    """A sheet for every setting; several where strategies have different first seeds.

    Patterns are paths with ids in braces.

    Of a batch at most 24 rows are shown, and fewer, but at least 8, where all sheets together would
    have more than 4,000; where that does not suffice, only some rounds, the last one among them.
    """
    chosen = list(_first_seeds(experiment))
    chains = {_chain(ids) for ids in chosen}
    each = min(MOST, max(FEWEST, MOST_SHOWN // max(1, len(chosen))))
    rounds = max(1, MOST_SHOWN // (each * max(1, len(chains))))
    last = {chain: max(ids["round"] for ids in chosen if _chain(ids) == chain) for chain in chains}
    sheets: dict[tuple[Any, ...], Sheet] = {}
    pools: dict[str, _Shown] = {}
    for ids in chosen:
        key = tuple(ids[name] for name in (*SETTING, "seed"))
        if key not in sheets:
            named = {**ids, "annotator": annotator_of(ids)}
            sheets[key] = Sheet(setting_name(named), ids["seed"], 0)
        sheet, number = sheets[key], ids["round"]
        sheet.rounds = max(sheet.rounds, last[_chain(ids)] + 1)
        if number == 0:
            if sheet.initial:
                continue
        elif number not in _evenly(1, last[_chain(ids)], rounds):
            continue
        place = annotation_pattern.format_map(ids)
        if place not in pools:
            folder = Path(dataset_pattern.format_map(ids)).parent
            pools[place] = _Shown(folder, ids["dataset"], annotator_of(ids), Path(place), threads)
        record = Path((round_pattern if number else initial_pattern).format_map(ids))
        batch = pools[place].batch(record, ids, each)
        if number:
            sheet.strategies.setdefault(ids["strategy"], []).append(batch)
        else:
            sheet.initial.append(batch)
    return list(sheets.values())


def _first_seeds(experiment: Experiment) -> Iterator[dict[str, Any]]:
    """The ids of the rounds of every strategy's first seed, without models on the full data."""
    first: dict[tuple[Any, ...], int] = {}
    for ids in experiment.selections():
        seed = first.setdefault(_chain(ids), ids["seed"])
        if ids["seed"] == seed and ids["schedule"] not in experiment.full_data:
            yield ids


def _chain(ids: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(ids[name] for name in (*SETTING, "strategy"))


def _evenly(first: int, last: int, count: int) -> list[int]:
    """At most `count` whole numbers from `first` to `last`, which is one of them."""
    if count == 1 or last <= first:
        return [last]
    places = np.linspace(first, last, min(count, last - first + 1))
    return np.round(places).astype(int).tolist()


class _Shown:
    """A pool whose rows can be shown; each is decoded once."""

    def __init__(self, folder: Path, name: str, annotator: str, record: Path, threads: int) -> None:
        self._dataset = open_dataset(folder, name)
        self._pool = LabeledPool(self._dataset, annotator, record)
        self._threads = threads
        self._pictures: dict[int, bytes | None] = {}

    def batch(self, record: Path, ids: Mapping[str, Any], most: int) -> ShownBatch:
        """The batch that a round bought."""
        expected = {key: ids[key] for key in ROUND}
        if ids["round"] == 0:
            expected["strategy"] = INITIAL
        bought = read_record(record, "round", expected)["bought"]
        predicted = self._predicted(record, expected)
        names = self._dataset.class_names
        places = _evenly(0, len(bought) - 1, most) if bought else []
        chosen = [bought[place] for place in places]
        self._decode(chosen)
        rows = tuple(
            ShownRow(
                row,
                label,
                names[predicted[row]] if row in predicted else "",
                one_line(text or file, LONGEST),
                self._pictures.get(row),
            )
            for row, _, file, text, label in self._pool.described(chosen)
        )
        hits = None
        if predicted:
            labels = [line[-1] for line in self._pool.described(bought)]
            hits = sum(
                names[predicted[row]] == label for row, label in zip(bought, labels, strict=True)
            )
        return ShownBatch(ids["round"], len(bought), rows, hits)

    @staticmethod
    def _predicted(record: Path, expected: Mapping[str, Any]) -> dict[int, int]:
        """Row → class predicted before it was bought; empty where the round did not keep these."""
        arrays = record.with_suffix(".npz")
        if not arrays.exists():  # an archive may be without them
            return {}
        kept = read_round(record, arrays, expected).arrays
        classes = kept.get(BATCH_PREDICTED, np.zeros(0, np.uint16))
        rows = kept["labeled"][len(kept["labeled"]) - len(classes) :]
        return dict(zip(rows.tolist(), classes.tolist(), strict=True))

    def _decode(self, rows: Iterable[int]) -> None:
        """Keep the pictures of these rows; a file that cannot be read has none."""
        if self._dataset.rows != "images":
            return
        from labelbench_core.datasets.images.thumbnails import readable_thumbnails

        missing = [row for row in rows if row not in self._pictures]
        found = readable_thumbnails(self._dataset, POOL, missing, self._threads, side=SIDE)
        self._pictures |= dict(zip(missing, found, strict=True))
