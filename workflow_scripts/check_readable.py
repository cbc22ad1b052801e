"""Check that the file of an experiment or a campaign can be read: one line if it cannot.

Snakemake reads it before this project's code runs, and stops with a traceback, or without naming
file and line. `make run` and `make plan` call this first.
"""

import argparse
import sys
from pathlib import Path

from labelbench_core.errors import InputError, shown
from labelbench_core.storage.yaml_files import read_yaml


def check(file: Path) -> None:
    """Raises `InputError`, with line and column of what is no YAML, or for no mapping of keys."""
    content = read_yaml(file)
    if not isinstance(content, dict) or not content:
        raise InputError(f"{file}: {shown(content)}; allowed: a mapping of keys to values")


def main(argv: list[str] | None = None) -> int:
    """Exit status: 0 if the file can be read, else 1."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", type=Path, help="YAML file of an experiment or a campaign")
    try:
        check(parser.parse_args(argv).file)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
