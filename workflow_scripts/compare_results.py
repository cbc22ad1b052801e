"""Compare two result sets point by point: two versions of an experiment, or ours and a colleague's.

A result set is a folder with `metrics.csv`: `results/reports/EXPERIMENT/tables` of a report, or
what `keep_tables` wrote. Says what changed in commit, versions, experiment, data and code,
where both folders say so (`made-from.json`, `code.json`), which points only one of them has, and
how far the others differ, paired by seed.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from labelbench_core.analysis.collected.frames import read_csv, write_csv
from labelbench_core.analysis.comparisons.compared_sets import (
    READ_COLUMNS,
    compare_sets,
    compared_lines,
)
from labelbench_core.errors import InputError
from labelbench_core.piping import until_reader_leaves
from labelbench_core.storage import files
from workflow_scripts._experiment import run_command
from workflow_scripts.keep_tables import CODE

MADE_FROM = "made-from.json"
MOST_MODULES = 8


def compare(arguments: argparse.Namespace, options: object = None) -> None:
    """Print to standard output; write `--table`."""
    folders = (arguments.first, arguments.second)
    for folder in folders:
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder; allowed: one that exists")
    first, second = (read_csv(folder / "metrics.csv", READ_COLUMNS) for folder in folders)
    table = compare_sets(first, second)
    print(f"first:  {arguments.first}\nsecond: {arguments.second}")
    for line in (*changes(*folders), *compared_lines(table)):
        print(line)
    if arguments.table:
        write_csv(table, arguments.table, "%.10g")
        print(f"written: {arguments.table}")


def changes(first: Path, second: Path) -> Iterator[str]:
    """What the two were made from, where it is noted and differs."""
    made = [_read(folder / MADE_FROM) for folder in (first, second)]
    if None in made:
        yield (
            f"not known what they were made from: {_lacking(first, second, MADE_FROM)}; "
            "python -m workflow_scripts.keep_tables writes tables that have it"
        )
    else:
        one, other = (_flat(content) for content in made)
        for key in dict.fromkeys([*one, *other]):
            if one.get(key) != other.get(key):
                yield f"{key}: {one.get(key, 'not noted')} → {other.get(key, 'not noted')}"
    code = [_read(folder / CODE) for folder in (first, second)]
    if None not in code:
        one, other = code
        modules = sorted(name for name in {*one, *other} if one.get(name) != other.get(name))
        if modules:
            more = f" and {len(modules) - MOST_MODULES} more" if modules[MOST_MODULES:] else ""
            yield f"code: {', '.join(modules[:MOST_MODULES])}{more}"
        else:
            yield "code: the same"


def _flat(made: Mapping[str, Any]) -> dict[str, Any]:
    """What a result set was made from, each data set's fingerprint under a key of its own."""
    data = {f"data of {dataset}": one for dataset, one in made.get("data", {}).items()}
    return {key: one for key, one in made.items() if key != "data"} | data


def _read(path: Path) -> Any:
    return files.read_json(path) if path.exists() else None


def _lacking(first: Path, second: Path, name: str) -> str:
    return " and ".join(
        f"{folder / name} is missing" for folder in (first, second) if not (folder / name).exists()
    )


@until_reader_leaves()
def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").strip(), formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("first", type=Path, help="folder with metrics.csv")
    parser.add_argument("second", type=Path, help="folder to compare with it")
    parser.add_argument("--table", type=Path, help="CSV file to write every point to")
    arguments = parser.parse_args(argv)
    arguments.directory = None
    return run_command(compare, arguments, [])


if __name__ == "__main__":
    sys.exit(main())
