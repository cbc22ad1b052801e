"""Make the published curves and selections again, from a clone of the original's repository.

    git clone https://github.com/EfficientTraining/LabelBench
    python -m workflow_scripts.make_published LabelBench/results FOLDER

Writes curves.csv.gz and selections.npz into FOLDER; those of labelbench_core/published/ were made
so. The original's results are pickles, which can run any code when they are opened: here they may
hold nothing but plain values and NumPy arrays.
"""

import argparse
import csv
import gzip
import io
import math
import pickle
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from labelbench_core.errors import InputError
from labelbench_core.published import curves, selections
from labelbench_core.published.settings import PublishedSetting, settings
from labelbench_core.storage.files import atomic_path

METRICS = (*list(curves.THEIRS.values())[:3], "Balanced Test Accuracy")
METRICS += tuple(list(curves.THEIRS.values())[3:])
SAFE = {
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    *((f"numpy.{core}.multiarray", "scalar") for core in ("core", "_core")),
    *((f"numpy.{core}.multiarray", "_reconstruct") for core in ("core", "_core")),
}
"""What a pickle of NumPy arrays and scalars names; plain values name nothing."""


class PlainUnpickler(pickle.Unpickler):
    """Opens pickles of plain values and NumPy arrays, and refuses all others."""

    def find_class(self, module: str, name: str) -> Any:
        """What a pickle names by module and name, if it is one of `SAFE`."""
        if (module, name) not in SAFE:
            raise pickle.UnpicklingError(f"names {module}.{name}")
        return super().find_class(module, name)


def read_pickle(path: Path) -> Any:
    """Content of a pickle; `InputError` if it holds anything but plain values and arrays."""
    try:
        return PlainUnpickler(io.BytesIO(path.read_bytes())).load()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except Exception as error:  # damaged bytes raise nearly anything
        allowed = "allowed: a pickle of plain values and NumPy arrays"
        raise InputError(f"{path}: {error or type(error).__name__}; {allowed}") from error


def runs_of(results: Path, setting: PublishedSetting, strategy: str) -> dict[int, Any]:
    """Seed → content of the file of every run of a strategy; `InputError` if there is none."""
    folder = results / setting.path
    found = {}
    for seed in setting.seeds:
        # Runs on what a proxy bought are named by the strategy alone.
        for name in (f"{strategy}_sampling_{seed}.pkl", f"{strategy}_{seed}.pkl"):
            if (folder / name).exists():
                found[seed] = read_pickle(folder / name)
    if not found:
        told = f"{folder}: no run of {strategy}"
        raise InputError(f"{told}; allowed: files like {strategy}_sampling_{setting.seeds[0]}.pkl")
    return found


def metrics_of(run: Any) -> Mapping[str, list]:
    """Metric → its value in every round; a run that selected has the rows bought beside them."""
    return run[0] if isinstance(run, list) else run


def curve_rows(results: Path) -> Iterator[tuple[Any, ...]]:
    """The rows of curves.csv: mean and standard error over seeds, and the value of each.

    A value is empty where the seed's run had ended before. Seeds stand in the setting's order.
    """
    for setting in sorted(settings(), key=lambda one: one.path):
        for strategy in sorted(setting.strategies):
            runs = [metrics_of(run) for run in runs_of(results, setting, strategy).values()]
            lengths = [len(run["Num Labeled"]) for run in runs]
            budgets = runs[int(np.argmax(lengths))]["Num Labeled"]
            # A metric that some runs lack was not measured for the strategy.
            for metric in (one for one in METRICS if all(one in run for run in runs)):
                for place, budget in enumerate(budgets):
                    values = [
                        run[metric][place] if place < length else None
                        for run, length in zip(runs, lengths, strict=True)
                    ]
                    there = np.array([value for value in values if value is not None])
                    error = there.std(ddof=1) / math.sqrt(len(there)) if len(there) > 1 else 0.0
                    yield (
                        *(setting.path, strategy, metric, place + 1, budget, len(there)),
                        *(f"{there.mean():.6f}", f"{error:.6f}"),
                        ";".join("" if value is None else f"{value:.6f}" for value in values),
                    )


def bought(results: Path) -> dict[str, np.ndarray]:
    """The rows bought on CIFAR-10, by their name in selections.npz; damaged lists are left out."""
    found = {}
    for setting in selections.with_selections():
        for strategy in setting.strategies:
            for seed, run in runs_of(results, setting, strategy).items():
                rows = np.asarray(run[1])
                if len(rows) == run[0]["Num Labeled"][-1] == len(np.unique(rows)):
                    found[selections.key_of(setting, strategy, seed)] = rows.astype(np.uint16)
                else:
                    print(f"left out: {setting.name}, {strategy}, seed {seed}: {len(rows)} rows")
    return found


def make(results: Path, folder: Path) -> None:
    """Write both files; equal results give equal bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(curves.COLUMNS)
    writer.writerows(curve_rows(results))
    with atomic_path(folder / curves.FILE.name) as aside:
        aside.write_bytes(gzip.compress(text.getvalue().encode(), compresslevel=9, mtime=0))
    with atomic_path(folder / selections.FILE.name) as aside, open(aside, "wb") as handle:
        np.savez_compressed(handle, **bought(results))


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__.strip(), formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("results", type=Path, help="folder results/ of a clone of the original")
    parser.add_argument("folder", type=Path, help="folder for the two files")
    arguments = parser.parse_args(argv)
    try:
        make(arguments.results, arguments.folder)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
