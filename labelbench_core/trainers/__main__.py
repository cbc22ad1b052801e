"""Print the trainers that exist: `python -m labelbench_core.trainers --list`."""

import sys

from labelbench_core import registry

COLUMNS = ("paper", "needs_unlabeled", "needs_teacher")


def main(argv: list[str] | None = None) -> int:
    """Print the table; the exit status."""
    return registry.list_command("trainers", COLUMNS, argv)


if __name__ == "__main__":
    sys.exit(main())
