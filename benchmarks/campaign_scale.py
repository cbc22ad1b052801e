"""How soon a large campaign's batches are handed out, from nothing to the labelling page.

    python -m benchmarks.campaign_scale photos --pixels 4032x3024
    python -m benchmarks.campaign_scale photos --pixels 500x375
    python -m benchmarks.campaign_scale rows

- `photos`: a folder of 5,000 JPEG files; the baseline is a loop that decodes a tenth of them and
  reduces them to 96 pixels, on one thread. The first batch of 100, and the next;
- `rows`: a file of a million rows of 512 features in 100 classes of several modes each; the
  baseline is one reading of it and its product with one vector. Batches of 100: the first, the next
  by the strategy that is chosen without being asked for, and the next by margin.

Every call is Snakemake's, on two cores. `GB` is the most that a job held, as its benchmark file
says. The goals: photos of 12 megapixels in 10 minutes, of 500 pixels in 3, a million rows in 2
minutes a batch and 4 GB.
"""

import argparse
import csv
import io
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

from benchmarks._answering import answer
from labelbench_core.storage.files import atomic_path

PROJECT = Path(__file__).resolve().parents[1]
CLASSES = [f"class-{number:03d}" for number in range(100)]
FEATURES, MODES = 512, 500
DISTINCT = 100  # photos; the others are the same pixels in other files
QUALITY = 88
SMALL = 96


def write_photos(folder: Path, count: int, size: tuple[int, int]) -> dict[str, str]:
    """`count` JPEG files of smooth colours with a camera's noise, and the class of each."""
    folder.mkdir(parents=True)
    truth = {}
    for number in range(min(DISTINCT, count)):
        rng = np.random.default_rng(number)
        coarse = Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8))
        noise = rng.normal(0, 7, (size[1] // 2 + 1, size[0] // 2 + 1)).repeat(2, 0).repeat(2, 1)
        pixels = np.asarray(coarse.resize(size, Image.Resampling.BICUBIC), np.float32)
        pixels = np.clip(pixels + noise[: size[1], : size[0], None], 0, 255).astype(np.uint8)
        content = io.BytesIO()
        Image.fromarray(pixels).save(content, "JPEG", quality=QUALITY)
        start, rest = content.getvalue()[:2], content.getvalue()[2:]
        for copy in range(number, count, DISTINCT):
            comment = f"{copy:06d}".encode()
            marker = b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment
            name = f"photo-{copy:06d}.jpg"
            (folder / name).write_bytes(start + marker + rest)
            truth[name] = CLASSES[number % 10]
    return truth


def write_rows(file: Path, count: int) -> dict[str, str]:
    """A file of `count` rows, and the class of each."""
    rng = np.random.default_rng(0)
    classes = np.append(np.arange(len(CLASSES)), rng.integers(0, len(CLASSES), MODES))[:MODES]
    centers = 0.35 * rng.normal(size=(MODES, FEATURES)).astype(np.float32)
    modes = rng.choice(MODES, count, p=rng.dirichlet(np.ones(MODES)))
    rows = np.lib.format.open_memmap(file, "w+", np.float16, (count, FEATURES))
    for first in range(0, count, 50_000):
        part = modes[first : first + 50_000]
        noise = rng.standard_normal((len(part), FEATURES), np.float32)
        rows[first : first + len(part)] = np.maximum(centers[part] + 0.8 * noise, -1)
    rows.flush()
    return {f"row-{row}": CLASSES[one] for row, one in enumerate(classes[modes].tolist())}


def table_of(base: Path, batch: int) -> Path:
    """The table of a batch that people fill."""
    return base / "large" / "batches" / f"batch-{batch:03d}" / "to_label.csv"


def call(base: Path, asked: dict[str, Any]) -> float:
    """One call of the campaign; the most memory of a job, in GB."""
    with atomic_path(base / "large.yaml") as aside:
        aside.write_text(yaml.safe_dump(asked, sort_keys=False), encoding="utf-8")
    before = set(base.glob("results/benchmarks/**/*.tsv"))
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--quiet", "all"]
    command += ["--configfile", str(base / "large.yaml"), "--directory", str(base)]
    environment = {**os.environ, "LABELBENCH_DATA": str(base)}
    subprocess.run(command, check=True, cwd=PROJECT, env=environment)
    made = set(base.glob("results/benchmarks/**/*.tsv")) - before
    found = [next(csv.DictReader(path.open(), delimiter="\t")) for path in made]
    return max(float(one["max_rss"]) for one in found) / 1024


def timed(name: str, work: Callable[[], float]) -> None:
    """Print the seconds, CPU seconds and gigabytes of something."""
    started, before = time.perf_counter(), _used()
    gigabytes = work()
    took, used = time.perf_counter() - started, _used() - before
    print(f"{name:28s} {took:7.1f} s {used:7.1f} CPU s {gigabytes:5.1f} GB", flush=True)


def _used() -> float:
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in both)


def photos(base: Path, count: int, size: tuple[int, int]) -> None:
    """Two batches of a folder of photos."""
    truth = write_photos(base / "photos", count, size)

    def decode() -> float:
        for path in sorted((base / "photos").iterdir())[::10]:
            with Image.open(path) as image:
                image.convert("RGB").resize((SMALL, SMALL))
        return 0.0

    pool = {"implementation": "image-folder"}
    pool |= {"options": {"folder": str(base / "photos"), "unlabeled": True}}
    asked = {"campaign": "large", "pool": "mine", "classes": CLASSES[:10], "batch_size": 100}
    asked |= {"backbone": "efficientnet-lite0-96", "catalogue": {"datasets": {"mine": pool}}}
    stored = sum(path.stat().st_size for path in (base / "photos").iterdir()) / count
    print(f"{count:,} photos of {size[0]} x {size[1]} pixels, {stored / 1e6:.2f} MB each")
    timed("decoding a tenth alone", decode)
    timed("to the first batch", lambda: call(base, asked))
    answer(table_of(base, 1), truth)
    timed("next batch", lambda: call(base, asked))


def rows(base: Path, count: int) -> None:
    """Three batches of a file of embeddings."""
    truth = write_rows(base / "pool.npy", count)
    (base / "classes.txt").write_text("\n".join(CLASSES) + "\n", encoding="utf-8")

    def read() -> float:
        vector = np.ones(FEATURES, np.float32)
        pool = np.load(base / "pool.npy", mmap_mode="r")
        for first in range(0, count, 1024):
            np.matmul(pool[first : first + 1024].astype(np.float32), vector)
        return 0.0

    options = {"splits": {"pool": "pool.npy"}, "unlabeled": True, "classes": "classes.txt"}
    pool = {"implementation": "own-embeddings", "options": options}
    asked = {"campaign": "large", "pool": "mine", "classes": CLASSES, "batch_size": 100}
    asked |= {"backbone": "precomputed", "catalogue": {"datasets": {"mine": pool}}}
    print(f"{count:,} rows of {FEATURES} features")
    timed("reading alone", read)
    timed("to the first batch", lambda: call(base, asked))
    answer(table_of(base, 1), truth)
    timed("next batch, as recommended", lambda: call(base, asked))
    answer(table_of(base, 2), truth)
    timed("next batch, margin", lambda: call(base, {**asked, "strategy": "margin"}))


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["photos", "rows"])
    parser.add_argument("--count", type=int, help="how many; default 5,000 photos, 1,000,000 rows")
    parser.add_argument("--pixels", default="4032x3024", help="of a photo: WIDTHxHEIGHT")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        if arguments.what == "photos":
            width, _, height = arguments.pixels.partition("x")
            photos(Path(folder), arguments.count or 5000, (int(width), int(height)))
        else:
            rows(Path(folder), arguments.count or 1_000_000)
    return 0


if __name__ == "__main__":
    sys.exit(main())
