"""Predict the classes of images, texts or embeddings by the model of a finished campaign.

    python -m workflow_scripts.predict results/campaigns/pets/finished/model new-photos/ > new.csv

Writes a table: what each row is called, its class (several, as the campaign's tables have them),
and the calibrated probability that this is right. Images that cannot be read are named at the end.
"""

import argparse
import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from labelbench_core.campaign.finishing.applying import CampaignModel, image_files, open_model
from labelbench_core.campaign.finishing.calibration import confidence
from labelbench_core.campaign.finishing.collected import shown_label
from labelbench_core.errors import InputError
from labelbench_core.piping import until_reader_leaves
from labelbench_core.registry.info import IMAGES
from labelbench_core.storage import files
from labelbench_core.storage.places import printable

AT_ONCE = 256


@until_reader_leaves()
def main(argv: Sequence[str] | None = None) -> int:
    """Parse arguments and run; the exit status: 0, 1 with images left out, 2 for bad input."""
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
        sources = _sources_of(model, arguments.rows)
        if arguments.output is None:
            left_out = _write(sys.stdout, model, sources)
        else:
            with (
                files.atomic_path(arguments.output) as aside,
                open(aside, "w", encoding="utf-8", newline="") as file,
            ):
                left_out = _write(file, model, sources)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for line in left_out:
        print(f"left out: {line}", file=sys.stderr)
    return 1 if left_out else 0


def _sources_of(model: CampaignModel, paths: Sequence[Path]) -> list[tuple[list[str], Any]]:
    """(what rows are called, rows) of every source; `InputError` before anything is predicted."""
    kind = model.record["rows"]
    if kind == IMAGES:
        found = list(image_files(paths))
        return [([printable(path) for path in found], found)]
    read = _texts if kind == "texts" else _embeddings
    sources = [(path, read(path)) for path in paths]
    return [
        ([f"{printable(path)}:{place}" for place in range(1, len(rows) + 1)], rows)
        for path, rows in sources
    ]


def _texts(path: Path) -> list[str]:
    try:
        # Not `splitlines`: other characters than line feeds may be part of a text.
        with open(path, encoding="utf-8-sig", newline="") as file:
            content = file.read()
    except (OSError, UnicodeDecodeError) as error:
        told = f"{path}: cannot be read ({error})"
        raise InputError(f"{told}; allowed: a file in UTF-8 with a text in each line") from error
    lines = [line.removesuffix("\r") for line in content.removesuffix("\n").split("\n")]
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


def _write(file: Any, model: CampaignModel, sources: Sequence[tuple[list[str], Any]]) -> list[str]:
    """Write the table; a line for each image that cannot be read, and is not in it."""
    multilabel, classes = model.record["multilabel"], model.record["classes"]
    table, left_out = csv.writer(file), list[str]()
    table.writerow(["item", "labels" if multilabel else "label", "probability"])
    for names, rows in sources:
        for first in range(0, len(rows), AT_ONCE):
            called, part = names[first : first + AT_ONCE], rows[first : first + AT_ONCE]
            if model.record["rows"] == IMAGES:
                called, part = _images(model, called, part, left_out)
            p = model.predict_proba(part)
            sure = confidence(p, multilabel=multilabel, exponent=model.record["exponent"])
            for name, of_row, probability in zip(called, p, sure.tolist(), strict=True):
                if multilabel:
                    label = shown_label(tuple(classes[n] for n in np.flatnonzero(of_row >= 0.5)))
                else:
                    label = classes[int(of_row.argmax())]
                table.writerow([name, label, f"{probability:.4f}"])
    file.flush()
    return left_out


def _images(
    model: CampaignModel, names: Sequence[str], paths: Sequence[Path], left_out: list[str]
) -> tuple[list[str], list[np.ndarray]]:
    """Names and pixels of the images that can be read."""
    found: list[tuple[str, np.ndarray]] = []
    for name, path in zip(names, paths, strict=True):
        try:
            found.append((name, model.read_image(path)))
        except InputError as error:
            left_out.append(str(error))
    return [name for name, _ in found], [pixels for _, pixels in found]


if __name__ == "__main__":
    sys.exit(main())
