"""List proxies, and describe their options.

python -m labelbench_core.proxies --list
python -m labelbench_core.proxies --describe NAME ...
"""

import sys

from labelbench_core.registry import listing

COLUMNS = ("paper", "cost", "provides", "needs_torch")


def main(argv: list[str] | None = None) -> int:
    """Print a list or descriptions; the exit status."""
    return listing.list_command("proxies", COLUMNS, argv)


if __name__ == "__main__":
    sys.exit(main())
