"""Predict the classes of images, texts or embeddings by the model of a finished campaign.

    python -m workflow_scripts.predict results/campaigns/pets/finished/model new-photos/ > new.csv

Writes a table: what each row is called, its class (several, with spaces between them as the
campaign's tables have them), and the calibrated probability that this is right.
"""

import argparse
import contextlib
import csv
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from labelbench_core.campaign.finishing.applying import CampaignModel, image_files, open_model
from labelbench_core.campaign.finishing.calibration import confidence
from labelbench_core.campaign.finishing.collected import shown_label
from labelbench_core.errors import InputError
from labelbench_core.registry.info import IMAGES

AT_ONCE = 1024


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path, help="folder of the model, which has model.json")
    rows = "images or folders of images; a file with a text in each line; or an .npy file"
    parser.add_argument("rows", type=Path, nargs="+", help=rows)
    parser.add_argument("--output", type=Path, help="table to write; default: standard output")
    parser.add_argument("--threads", type=int, default=1, help="threads for arithmetic")
    arguments = parser.parse_args(argv)
    try:
        model = open_model(arguments.model, arguments.threads)
        with _destination(arguments.output) as file:
            _write(file, model, _rows_of(model, arguments.rows))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


@contextlib.contextmanager
def _destination(path: Path | None) -> Iterator[Any]:
    if path is None:
        yield sys.stdout
        return
    try:
        with open(path, "w", encoding="utf-8", newline="") as file:
            yield file
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from error


def _rows_of(model: CampaignModel, paths: Sequence[Path]) -> Iterator[tuple[list[str], Any]]:
    """(what rows are called, rows) in parts."""
    kind = model.record["rows"]
    if kind == IMAGES:
        found = list(image_files(paths))
        for first in range(0, len(found), AT_ONCE):
            part = found[first : first + AT_ONCE]
            yield [str(path) for path in part], part
        return
    for path in paths:
        rows = _texts(path) if kind == "texts" else _embeddings(path)
        for first in range(0, len(rows), AT_ONCE):
            part = rows[first : first + AT_ONCE]
            yield [f"{path}:{first + place + 1}" for place in range(len(part))], part


def _texts(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        told = f"{path}: cannot be read ({error})"
        raise InputError(f"{told}; allowed: a file in UTF-8 with a text in each line") from error
    if empty := [number for number, line in enumerate(lines, 1) if not line.strip()]:
        raise InputError(f"{path}: line {empty[0]}: empty; allowed: a text in each line")
    return lines


def _embeddings(path: Path) -> np.ndarray:
    try:
        rows = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        told = f"{path}: cannot be read ({error})"
        raise InputError(f"{told}; allowed: an .npy file of (n, D) numbers") from error
    if not isinstance(rows, np.ndarray) or rows.ndim != 2 or rows.dtype.kind != "f":
        raise InputError(f"{path}: allowed: an .npy file of (n, D) floating-point numbers")
    return rows


def _write(file: Any, model: CampaignModel, parts: Iterator[tuple[list[str], Any]]) -> None:
    multilabel, classes = model.record["multilabel"], model.record["classes"]
    table = csv.writer(file)
    table.writerow(["item", "labels" if multilabel else "label", "probability"])
    for names, rows in parts:
        p = model.predict_proba(rows)
        sure = confidence(p, multilabel=multilabel)
        for name, of_row, probability in zip(names, p, sure.tolist(), strict=True):
            if multilabel:
                label = shown_label(tuple(classes[n] for n in np.flatnonzero(of_row >= 0.5)))
            else:
                label = classes[int(of_row.argmax())]
            table.writerow([name, label, f"{probability:.4f}"])


if __name__ == "__main__":
    sys.exit(main())
