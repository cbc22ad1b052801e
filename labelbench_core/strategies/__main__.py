"""List strategies, and describe their options.

python -m labelbench_core.strategies --list
python -m labelbench_core.strategies --describe NAME ...
"""

import sys

from labelbench_core.registry import listing

COLUMNS = ("paper", "cost", "needs", "multilabel")


def main(argv: list[str] | None = None) -> int:
    """Print a list or descriptions; the exit status."""
    return listing.list_command("strategies", COLUMNS, argv)


if __name__ == "__main__":
    sys.exit(main())
