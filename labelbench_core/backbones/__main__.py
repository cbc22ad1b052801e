"""List backbones, and describe their options.

python -m labelbench_core.backbones --list
python -m labelbench_core.backbones --describe NAME ...
"""

import sys

from labelbench_core.registry import listing

COLUMNS = ("summary", "license")


def main(argv: list[str] | None = None) -> int:
    """Print a list or descriptions; the exit status."""
    return listing.list_command("backbones", COLUMNS, argv)


if __name__ == "__main__":
    sys.exit(main())
