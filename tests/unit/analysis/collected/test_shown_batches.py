"""Rows of batches to be shown: pictures, labels, predictions, and what a page has room for."""

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from helpers import fake_results
from labelbench_core.analysis.collected import shown_batches
from labelbench_core.analysis.collected.shown_batches import Sheet
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.datasets.files.stored_listing import write_listing
from labelbench_core.datasets.rows.text_rows import TextRows, stored_texts
from labelbench_core.storage import files
from labelbench_core.storage.rows import ArrayRows

ROWS = 40
LABELS = np.arange(ROWS) % 3
CLASSES = ["cat", "dog", "<fox>"]
"""Rows 4 and 5 are never predicted as labelled, all others always."""
PREDICTED = np.where(np.isin(np.arange(ROWS), [4, 5]), (LABELS + 1) % 3, LABELS)


def colored(rows: np.ndarray) -> np.ndarray:
    """Images of 96 x 96 pixels whose color says their row."""
    return np.uint8(6 * rows)[:, None, None, None] + np.zeros((96, 96, 3), np.uint8)


def dataset_of(folder: Path, storage: str) -> SimpleNamespace:
    """What sheets need of a prepared data set; its files lie below `folder`/photos."""
    listed = []
    for row in range(ROWS):
        path = folder / "photos" / "pool" / f"{row}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(colored(np.array([row]))[0]).save(path)
        listed.append((f"pool/{row}.png", files.sha256_file(path)))
    listing = folder / "arrays" / "pool-files.json"
    listing.parent.mkdir(exist_ok=True)
    split = {"storage": storage, "num_rows": ROWS, "ground": "white"}
    texts = stored_texts([f"text {row}" for row in range(ROWS)])
    manifest = {"dataset": "digits", "splits": {"pool": split}, "root": "photos"}
    return SimpleNamespace(
        folder=folder,
        rows="texts" if storage == "texts" else "images",
        manifest={**manifest, "listings": {"pool": write_listing(listing, listed)}},
        class_names=CLASSES,
        listing=lambda split: listed,
        labels=lambda split: LABELS,
        source_rows=lambda split: None,
        images=lambda split: SimpleNamespace(batch=colored),
        texts=lambda split: TextRows(*map(ArrayRows, texts.values())),
    )


def results(folder: Path, *, arrays: bool = True, **changes: Any) -> dict[str, Any]:
    """An experiment whose rounds bought 20 rows, then four each, in falling order."""
    crossed = {"strategies": ["random", "margin"], "seeds": [5, 6], "rounds": 3, **changes}
    values = fake_results.experiment(**crossed, finetune=None)
    fake_results.write(folder, values)
    for path in folder.glob("selections/**/round-*.json"):
        number = int(path.stem.removeprefix("round-"))
        batches = [np.arange(4 * n, 4 * n - 4, -1) for n in range(1, number + 1)]
        labeled = np.concatenate([np.arange(20, 40), *batches])
        bought = labeled[-4:] if number else labeled
        kept = {"batch_predicted": PREDICTED[bought].astype(np.uint16)} if number else {}
        digest = files.write_npz(path.with_suffix(".npz"), labeled=labeled, **kept)
        if not arrays:
            path.with_suffix(".npz").unlink()
        said = dict(bought=bought.tolist(), num_labeled=len(labeled), arrays_sha256=digest)
        fake_results.edit(path, lambda record, said=said: record.update(said))
    return values


def sheets(
    folder: Path,
    values: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    prepared: SimpleNamespace | None = None,
) -> list[Sheet]:
    prepared = prepared or dataset_of(folder, "array")
    monkeypatch.setattr(shown_batches, "open_dataset", lambda folder, name: prepared)
    return shown_batches.shown_batches(
        Experiment.from_json(json.dumps(values)),
        round_pattern=f"{folder}/{fake_results.ROUND}",
        initial_pattern=f"{folder}/{fake_results.INITIAL}",
        dataset_pattern=f"{folder}/manifest.json",
        annotation_pattern=f"{folder}/record.json",
    )


def test_rows_have_their_picture_label_and_prediction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (sheet,) = sheets(tmp_path, results(tmp_path), monkeypatch)
    assert (sheet.name, sheet.seed) == ("digits / dinov2-small / linear / first-100-batch-100", 5)
    (initial,) = sheet.initial
    assert (initial.size, initial.hits) == (20, None)
    assert [row.row for row in initial.rows] == list(range(20, 40))
    assert {row.predicted for row in initial.rows} == {""}
    assert list(sheet.strategies) == ["random", "margin"]
    for batches in sheet.strategies.values():
        assert [(batch.round, batch.size, batch.hits) for batch in batches] == [
            (1, 4, 3),  # row 4 was predicted otherwise
            (2, 4, 3),  # and row 5
        ]
        assert [row.row for row in batches[0].rows] == [4, 3, 2, 1]
        for batch in batches:
            for row in batch.rows:
                assert row.label == CLASSES[LABELS[row.row]]
                assert row.predicted == CLASSES[PREDICTED[row.row]]
                picture = Image.open(io.BytesIO(row.picture or b""))
                assert picture.size == (64, 64)
                assert picture.getpixel((9, 9)) == (6 * row.row,) * 3


def test_without_arrays_no_prediction_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (sheet,) = sheets(tmp_path, results(tmp_path, arrays=False), monkeypatch)
    batches = sheet.strategies["margin"]
    assert {batch.hits for batch in batches} == {None}
    assert {row.predicted for batch in batches for row in batch.rows} == {""}
    assert batches[0].rows[0].label == CLASSES[1]


def test_a_missing_file_is_named_in_place_of_its_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABELBENCH_DATA", str(tmp_path))
    values, prepared = results(tmp_path), dataset_of(tmp_path, "files")
    (tmp_path / "photos/pool/3.png").unlink()
    (sheet,) = sheets(tmp_path, values, monkeypatch, prepared)
    first = sheet.strategies["random"][0]
    assert [row.picture is None for row in first.rows] == [False, True, False, False]
    assert first.rows[1].text == "pool/3.png"


def test_texts_stand_in_place_of_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (sheet,) = sheets(tmp_path, results(tmp_path), monkeypatch, dataset_of(tmp_path, "texts"))
    rows = sheet.strategies["margin"][1].rows
    assert [(row.text, row.picture) for row in rows] == [
        (f"text {row}", None) for row in (8, 7, 6, 5)
    ]


@pytest.mark.parametrize(
    ("most", "each", "rounds"), [(1000, 24, [1, 2, 3, 4]), (64, 8, [1, 4]), (20, 8, [4])]
)
def test_large_experiments_show_fewer_rows_then_fewer_rounds(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    most: int,
    each: int,
    rounds: list[int],
) -> None:
    monkeypatch.setattr(shown_batches, "MOST_SHOWN", most)
    values = results(tmp_path, strategies=["random", "margin", "coreset", "badge"], rounds=5)
    (sheet,) = sheets(tmp_path, values, monkeypatch)
    assert sheet.rounds == 5
    assert len(sheet.initial[0].rows) == min(each, 20)
    if each < 20:  # evenly spaced, both ends among them
        assert [sheet.initial[0].rows[place].row for place in (0, -1)] == [20, 39]
    for batches in sheet.strategies.values():
        assert [batch.round for batch in batches] == rounds
