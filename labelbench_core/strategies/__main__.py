"""Print the strategies that exist: `python -m labelbench_core.strategies --list`."""

import argparse
import sys

from labelbench_core import registry

COLUMNS = ("paper", "cost", "needs", "multilabel")


def main(argv: list[str] | None = None) -> int:
    """Print the table; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m labelbench_core.strategies")
    parser.add_argument("--list", action="store_true", help="print every strategy, one a line")
    if not parser.parse_args(argv).list:
        parser.print_help()
        return 2
    registry.print_list("strategies", COLUMNS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
