"""What tells the rows of one data set from those of another."""

from collections.abc import Mapping
from typing import Any

from labelbench_core.registry.info import ROWS


def pool_sha256(pool: Mapping[str, Any]) -> str | None:
    """The hash that tells the rows of a pool, and their order, from others; None if there is none.

    Parameters
    ----------
    pool
        The pool's part of a data set's manifest.
    """
    keys = ("files_sha256", *(f"{rows}_sha256" for rows in ROWS))
    return next((pool[key] for key in keys if key in pool), None)
