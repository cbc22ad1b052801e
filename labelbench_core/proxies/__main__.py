"""Print the proxies that exist: `python -m labelbench_core.proxies --list`."""

import sys

from labelbench_core import registry

COLUMNS = ("paper", "cost", "provides", "needs_torch")


def main(argv: list[str] | None = None) -> int:
    """Print the table; the exit status."""
    return registry.list_command("proxies", COLUMNS, argv)


if __name__ == "__main__":
    sys.exit(main())
