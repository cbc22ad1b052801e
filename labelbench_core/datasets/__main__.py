"""List data sets, and describe their options.

python -m labelbench_core.datasets --list
python -m labelbench_core.datasets --describe NAME ...
"""

import sys

from labelbench_core.registry import listing

COLUMNS = ("summary",)


def main(argv: list[str] | None = None) -> int:
    """Print a list or descriptions; the exit status."""
    return listing.list_command("datasets", COLUMNS, argv)


if __name__ == "__main__":
    sys.exit(main())
