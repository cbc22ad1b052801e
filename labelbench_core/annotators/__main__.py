"""What annotators there are, and what their options mean.

python -m labelbench_core.annotators --list
python -m labelbench_core.annotators --describe NAME ...
"""

import sys

from labelbench_core.registry import listing

COLUMNS = ("summary",)


def main(argv: list[str] | None = None) -> int:
    """Print a list or descriptions; the exit status."""
    return listing.list_command("annotators", COLUMNS, argv)


if __name__ == "__main__":
    sys.exit(main())
