"""How long a person's own data takes at the door: a folder of images, and a long table.

    python -m benchmarks.doors

- `first`: a folder of `--images` small images in folders of classes, without a test, is listed,
  every image decoded and hashed, and the splits are drawn: what `prepare_dataset` does;
- `again`: the same when nothing has changed;
- `listing`: names and statuses alone, by `os.scandir` (the baseline of both);
- `table`: a CSV of `--rows` rows in 1,000 classes is read, and its test is drawn;
- `csv`: the same file through `csv.reader` alone (its baseline).

Each is a process of its own. `CPU s` is of all threads, what the system does for it included;
`ratio` is CPU seconds over those of the baseline; `GB` is the most memory that it held.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from labelbench_core.datasets.source_files import digests

PROJECT = Path(__file__).resolve().parents[1]
CLASSES = 100
PREPARE = """
from pathlib import Path
from labelbench_core.datasets.preparing.prepare import prepare_dataset
from labelbench_core.provenance import remember
remember(save=True)  # as every plan does
out = Path("out")
prepare_dataset("mine", "image-folder", {"folder": "mine", "image_size": 16}, Path("data"),
                out / "arrays", out / "manifest.json", state=Path("state"), threads=2)
"""
LISTING = """
import os
def walk(folder):
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from walk(entry.path)
            else:
                yield entry.stat()
sum(status.st_size for status in walk("data/mine"))
"""
TABLE = """
from pathlib import Path
from labelbench_core.datasets import table
raw = table.load(Path("data"), table="all.csv", path_column="file", label_column="label")
assert len(raw.splits) == 2
"""
CSV = """
import csv
with open("data/all.csv", newline="") as handle:
    sum(1 for _ in csv.reader(handle))
"""


def write_images(base: Path, count: int) -> None:
    """`count` different images of 16 x 16 pixels in folders of classes."""
    for label in range(CLASSES):
        folder = base / "data" / "mine" / f"class-{label:03}"
        folder.mkdir(parents=True)
        rng = np.random.default_rng(label)
        for index in range(label, count, CLASSES):
            pixels = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{index}.jpg")
    time.sleep(digests.SETTLED_SECONDS + 1)


def write_table(base: Path, rows: int) -> None:
    """A CSV of `rows` rows; the images need not be there, they are not looked at."""
    (base / "data").mkdir(exist_ok=True)
    with open(base / "data" / "all.csv", "w", encoding="utf-8") as handle:
        handle.write("file,label\n")
        for row in range(rows):
            handle.write(f"n{row % 1000:08}/{row}.jpg,n{row % 1000:08}\n")


def measure(base: Path, code: str) -> tuple[float, float, float]:
    """CPU seconds, wall clock and gigabytes of a new process."""
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    # What a process starts counts with it; the largest child so far is read from a helper.
    wrapped = (
        "import resource, subprocess, sys\n"
        "subprocess.run([sys.executable, '-c', sys.argv[1]], check=True)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        [sys.executable, "-c", wrapped, code],
        cwd=base,
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    gigabytes = int(done.stdout.split()[-1]) / 1e6
    return used, time.perf_counter() - started, gigabytes


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--rows", type=int, default=1_300_000)
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        write_images(base, arguments.images)
        write_table(base, arguments.rows)
        cases = {"listing": LISTING, "first": PREPARE, "again": PREPARE, "csv": CSV, "table": TABLE}
        found = {name: measure(base, code) for name, code in cases.items()}
    print(f"{arguments.images:,} images; a table of {arguments.rows:,} rows")
    print(f"  {'':8s}   CPU s  seconds     GB   ratio")
    for name, (used, wall, gigabytes) in found.items():
        baseline = found["csv" if name in ("csv", "table") else "listing"][0]
        print(f"  {name:8s} {used:7.1f}  {wall:7.1f}  {gigabytes:5.2f}  {used / baseline:6.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
