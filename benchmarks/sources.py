"""What the check of sources costs a run of Snakemake, up to ImageNet's 1,281,167 files.

    python -m benchmarks.sources --files 1281167

A prepared data set of real files of a few bytes, in 1,000 folders of classes, in a temporary
folder; its manifest and what the machine remembers are written as preparing would. Each line is the
best of `--repeats` processes:

- `import`: the parts of the main process that look, imported; nothing is looked at (the baseline);
- `ordinary`: the look as it is without being asked (`check_sources: small`);
- `asked`: every file is looked at (`check_sources: always`), and none has changed;
- `asked, record`: likewise where only the hashes of files are remembered, and no look;
- `listing`: names and statuses alone, by `os.scandir`: the least that looking at all can cost.

`CPU s` is of the process and of the system for it, all threads together: what else the machine does
enters it less than it does `seconds`, the wall clock. `more` is CPU seconds beyond `import`: what a
call of Snakemake takes longer.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from labelbench_core.datasets.image_folder import source_files
from labelbench_core.datasets.source_files import digests, looks
from labelbench_core.storage.records import write_record

PROJECT = Path(__file__).resolve().parents[1]
CLASSES = 1000
LOOK = """
import sys
from pathlib import Path
from labelbench_core.configuration import sources
entry = {"implementation": "image-folder", "options": {"folder": "mine"}}
if sys.argv[1] != "import":
    found = sources.changed_sources(
        {"mine": entry}, {"mine": Path("prepared/manifest.json")}, Path("data"),
        when=sys.argv[1], state=Path("state"),
    )
    assert found == {}, found
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


def write_source(base: Path, count: int) -> None:
    """`count` files of pool and a few of test, prepared, and remembered."""
    root = base / "data" / "mine"
    for split, number in (("pool", count - CLASSES), ("test", CLASSES)):
        for label in range(CLASSES):
            folder = root / split / f"n{label:08}"
            folder.mkdir(parents=True)
            for index in range(label, number, CLASSES):
                (folder / f"{index}.jpg").write_bytes(b"%d" % index)
    time.sleep(digests.SETTLED_SECONDS + 1)
    source = source_files(base / "data", folder="mine")
    record = looks.digests_record(base / "state", root)
    contents = digests.Digests(root, record).of(source.files)
    manifest = {
        "dataset": "mine",
        "num_classes": CLASSES,
        "class_names": [f"n{label:08}" for label in range(CLASSES)],
        "arrays": {},
        "fingerprint": "",
        "source": "image-folder",
        "options": {"folder": "mine"},
        "pool_size": None,
        "splits": {},
        "source_files": {"count": len(contents), "sha256": digests.contents_sha256(contents)},
    }
    write_record(base / "prepared" / "manifest.json", "data set", manifest)


def seconds(base: Path, code: str, *arguments: str) -> tuple[float, float]:
    """CPU seconds and wall clock of a new process."""
    started, before = time.perf_counter(), os.times()
    command = [sys.executable, "-c", code, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    subprocess.run(command, cwd=base, env=environment, check=True)
    after = os.times()
    used = after.children_user - before.children_user
    used += after.children_system - before.children_system
    return used, time.perf_counter() - started


def measure(base: Path, repeats: int) -> dict[str, tuple[float, float]]:
    """CPU seconds and wall clock by case, the best of several."""

    def asked_without_look() -> tuple[float, float]:
        (base / "state" / "mine.json").unlink(missing_ok=True)
        return seconds(base, LOOK, "always")

    cases = {
        "import": lambda: seconds(base, LOOK, "import"),
        "ordinary": lambda: seconds(base, LOOK, "small"),
        "asked, record": asked_without_look,
        "asked": lambda: seconds(base, LOOK, "always"),
        "listing": lambda: seconds(base, LISTING),
    }
    return {name: min(run() for _ in range(repeats)) for name, run in cases.items()}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, nargs="+", default=[10_000, 1_281_167])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--output", type=Path, help="JSON file")
    arguments = parser.parse_args(argv)
    found = {}
    for count in arguments.files:
        with tempfile.TemporaryDirectory() as folder:
            write_source(Path(folder), count)
            found[count] = measure(Path(folder), arguments.repeats)
        print(f"{count:,} files")
        baseline = found[count]["import"][0]
        print(f"  {'':14s}   CPU s   seconds    more")
        for name, (used, wall) in found[count].items():
            print(f"  {name:14s} {used:7.2f}   {wall:7.2f} {used - baseline:7.2f}", flush=True)
    if arguments.output:
        arguments.output.write_text(json.dumps(found, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
