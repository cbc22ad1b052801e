"""The recorded list that a job buys from: the one that was planned with, on this very pool."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from labelbench_core.datasets import data_directory
from labelbench_core.datasets.rows.recorded_lists import check_pool, read_list
from labelbench_core.errors import InputError


def rows_of(
    options: Mapping[str, Any], settings: Mapping[str, Any], num_rows: int, pool_sha256: str | None
) -> np.ndarray:
    """(R,) int64 the indices that were bought elsewhere, in their order.

    Parameters
    ----------
    options
        They say which list: see `datasets.recorded_lists`.
    settings
        The job's: its `seed` and, where the workflow planned it, `recorded_sha256` of the list.
    num_rows, pool_sha256
        Of the pool that is bought from.

    Raises
    ------
    InputError
        If the list is not there, is of another pool, or has changed since it was planned with.
    """
    found = read_list(options, settings["seed"], data_directory())
    check_pool(found, num_rows=num_rows, pool_sha256=pool_sha256)
    planned = settings.get("recorded_sha256", found.sha256)
    if found.sha256 != planned:
        raise InputError(
            f"{found.where}: the list has changed since this job was planned; run the same command "
            "again"
        )
    return found.indices


def first_rows(
    schedule: Mapping[str, Any],
    settings: Mapping[str, Any],
    num_rows: int,
    pool_sha256: str | None,
) -> np.ndarray:
    """(initial,) int64 the initial pool of a schedule that takes it from a recorded list."""
    rows = rows_of(schedule["list"], settings, num_rows, pool_sha256)
    if len(rows) < schedule["initial"]:
        raise InputError(
            f"initial: {schedule['initial']}; allowed: at most {len(rows)}, the recorded list"
        )
    return rows[: schedule["initial"]]
