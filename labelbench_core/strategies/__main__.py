"""Print the strategies that exist: `python -m labelbench_core.strategies --list`."""

import sys

from labelbench_core import registry

COLUMNS = ("paper", "cost", "needs", "multilabel")


def main(argv: list[str] | None = None) -> int:
    """Print the table; the exit status."""
    return registry.list_command("strategies", COLUMNS, argv)


if __name__ == "__main__":
    sys.exit(main())
