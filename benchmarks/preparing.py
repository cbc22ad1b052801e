"""What preparing a data set adds to reading it: every file decoded, and the search for leaks.

    python -m benchmarks.preparing --threads 2

Photos of 500 x 375 pixels, as many as `--photos`, generated, in a temporary folder:

- `bare loop`: opened, decoded with `draft`, cut and resized in one thread; the baseline.
- `check`: `check_files` with one thread, and with `--threads`; `again`: unchanged files.

Images in memory, 60,000 of 32 x 32, as in CIFAR; the baseline is the SHA-256 of the array,
which the manifest needs in any case:

- `leaks`: `find_leaks`, 50,000 in the pool and 10,000 in test.
- `near`: `nearest` among as many random perceptual hashes.

CPU seconds of all threads, and the wall clock.
"""

import argparse
import hashlib
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from labelbench_core.datasets import RawDataset, RawSplit
from labelbench_core.datasets.duplicates.leaks import find_leaks
from labelbench_core.datasets.duplicates.perceptual_hashes import nearest
from labelbench_core.datasets.source_files import digests
from labelbench_core.datasets.source_files.checking import Contents, check_files

SIZE = 224


def write_photos(folder: Path, count: int) -> list[str]:
    """Smooth noise, so that files have the size of photos; their names."""
    rng = np.random.default_rng(0)
    for number in range(count):
        coarse = Image.fromarray(rng.integers(0, 256, (60, 80, 3), dtype=np.uint8))
        photo = coarse.resize((500, 375), Image.Resampling.BICUBIC)
        photo.save(folder / f"{number}.jpg", quality=90)
    return [f"{number}.jpg" for number in range(count)]


def bare_loop(folder: Path, names: list[str]) -> None:
    for name in names:
        with Image.open(folder / name) as image:
            image.draft("RGB", (SIZE, SIZE))
            side = min(image.size)
            left, top = (image.width - side) // 2, (image.height - side) // 2
            box = (left, top, left + side, top + side)
            np.asarray(image.resize((SIZE, SIZE), Image.Resampling.BICUBIC, box=box))


def measure(function: Callable[[], object]) -> tuple[float, float]:
    """Wall-clock and CPU seconds of one call."""
    wall, cpu = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - wall, time.process_time() - cpu


def files_lines(count: int, threads: int) -> list[tuple[str, float, float]]:
    digests.SETTLED_SECONDS = -60  # files of this very second are remembered, too
    with tempfile.TemporaryDirectory() as temporary:
        folder, state = Path(temporary, "photos"), Path(temporary, "state")
        folder.mkdir()
        names = write_photos(folder, count)
        bare_loop(folder, names)  # warm

        def check(number: int) -> None:
            record, contents = state / "digests.jsonl", Contents(state / "decoded.jsonl")
            known = digests.Digests(folder, record)
            check_files(folder, names, SIZE, threads=number, digests=known, contents=contents)

        lines = [("bare loop", *measure(lambda: bare_loop(folder, names)))]
        lines.append(
            ("check, 1 thread", *measure(lambda: check_files(folder, names, SIZE, threads=1)))
        )
        lines.append((f"check, {threads} threads", *measure(lambda: check(threads))))
        lines.append(("check again", *measure(lambda: check(threads))))
    return lines


def memory_lines() -> list[tuple[str, float, float]]:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (60_000, 32, 32, 3), dtype=np.uint8)
    labels = rng.integers(0, 10, 60_000)
    splits = {
        "pool": RawSplit(labels[:50_000], images[:50_000]),
        "test": RawSplit(labels[50_000:], images[50_000:]),
    }
    raw = RawDataset([str(label) for label in range(10)], splits)
    hashes = [f"{value:016x}" for value in rng.integers(0, 2**63, 60_000).tolist()]
    return [
        ("SHA-256 of the array", *measure(lambda: hashlib.sha256(images.data).hexdigest())),
        ("leaks", *measure(lambda: find_leaks(raw))),
        ("near", *measure(lambda: nearest(hashes[:50_000], hashes[50_000:]))),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--photos", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    for lines in (files_lines(arguments.photos, arguments.threads), memory_lines()):
        baseline = lines[0][2]
        print(f"{'':<24}{'wall s':>9}{'CPU s':>9}{'ratio of CPU':>14}")
        for name, wall, cpu in lines:
            print(f"{name:<24}{wall:>9.2f}{cpu:>9.2f}{cpu / baseline:>14.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
