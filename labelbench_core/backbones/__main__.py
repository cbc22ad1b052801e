"""Print the backbones that exist: `python -m labelbench_core.backbones --list`."""

import sys

from labelbench_core import registry

COLUMNS = ("summary", "license")


def main(argv: list[str] | None = None) -> int:
    """Print the table; the exit status."""
    return registry.list_command("backbones", COLUMNS, argv)


if __name__ == "__main__":
    sys.exit(main())
