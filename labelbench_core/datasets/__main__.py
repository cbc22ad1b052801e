"""Print the datasets that exist: `python -m labelbench_core.datasets --list`."""

import sys

from labelbench_core import registry

COLUMNS = ("summary",)


def main(argv: list[str] | None = None) -> int:
    """Print the table; the exit status."""
    return registry.list_command("datasets", COLUMNS, argv)


if __name__ == "__main__":
    sys.exit(main())
