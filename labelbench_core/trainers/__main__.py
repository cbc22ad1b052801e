"""Print the trainers that exist: `python -m labelbench_core.trainers --list`."""

import argparse
import sys

from labelbench_core import registry

COLUMNS = ("paper", "needs_unlabeled")


def main(argv: list[str] | None = None) -> int:
    """Print the table; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m labelbench_core.trainers")
    parser.add_argument("--list", action="store_true", help="print every trainer, one a line")
    if not parser.parse_args(argv).list:
        parser.print_help()
        return 2
    registry.print_list("trainers", COLUMNS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
