"""List trainers, and describe their options.

python -m labelbench_core.trainers --list
python -m labelbench_core.trainers --describe NAME ...
"""

import sys

from labelbench_core.registry import listing

COLUMNS = ("paper", "needs_unlabeled", "needs_teacher")


def main(argv: list[str] | None = None) -> int:
    """Print a list or descriptions; the exit status."""
    return listing.list_command("trainers", COLUMNS, argv)


if __name__ == "__main__":
    sys.exit(main())
