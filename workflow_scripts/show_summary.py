"""Print an experiment's headline numbers and where its report, figures and tables are."""

import argparse
import sys
from pathlib import Path

from labelbench_core.analysis.summary import summary_lines
from labelbench_core.errors import InputError
from labelbench_core.result_files import read_record


def show(arguments: argparse.Namespace) -> None:
    """Print to standard output."""
    print("\n".join(summary_lines(read_record(arguments.summary, "summary"))))
    print()
    for name in ("report", "figures", "tables"):
        print(f"{name:8s} {getattr(arguments, name)}")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--summary", required=True, type=Path, help="summary.json of tabulate")
    parser.add_argument("--report", required=True, type=Path, help="report.html")
    parser.add_argument("--figures", required=True, type=Path, help="folder with the figures")
    parser.add_argument("--tables", required=True, type=Path, help="folder with the tables")
    try:
        show(parser.parse_args(argv))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
