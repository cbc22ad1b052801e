"""Versions of packages, for records."""

import importlib.metadata
from collections.abc import Iterable


def versions_of(packages: Iterable[str]) -> dict[str, str]:
    """Package → its version, of those that are installed."""
    found = {}
    for name in packages:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
