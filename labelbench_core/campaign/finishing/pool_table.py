"""Tables of rows of a pool."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from labelbench_core.campaign.pool import CampaignPool
from labelbench_core.storage import files

Line = tuple[int, Sequence[Any]]  # a row of the pool, and its cells


def write_pool_table(
    path: Path, header: Sequence[str], lines: Iterable[Line], pool: CampaignPool
) -> None:
    """Write a table as CSV; the lines of a pool of texts end with their text."""
    texts = pool.texts()
    with files.atomic_path(path) as aside, open(aside, "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow([*header, *([] if texts is None else ["text"])])
        for row, cells in lines:
            table.writerow([*cells, *([] if texts is None else [texts[row]])])
