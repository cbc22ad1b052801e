"""What the checks report, and the table and the file made of it."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from labelbench_core.storage.files import atomic_path

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
HEADINGS = ("check", "result", "per s", "of the bare loop", "of the peak", "memory GB", "note")


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes
    ----------
    check
        What was tried.
    result
        PASSED, FAILED or SKIPPED.
    rate
        Images, or rows of the pool, per second.
    of_bare
        The rate as a share of that of a bare loop over the same network.
    of_peak
        Floating-point operations per second as a share of those of large matrix products in the
        same precision, measured in the same call.
    memory_gb
        The most memory allocated on the device, in 2^30 bytes.
    note
        What else is to be said; of what was skipped or failed, why.
    """

    check: str
    result: str
    rate: float | None = None
    of_bare: float | None = None
    of_peak: float | None = None
    memory_gb: float | None = None
    note: str = ""

    def cells(self) -> list[str]:
        """The row as texts."""
        return [
            self.check,
            self.result,
            "–" if self.rate is None else f"{self.rate:,.0f}",
            *("–" if share is None else f"{share:.2f}" for share in (self.of_bare, self.of_peak)),
            "–" if self.memory_gb is None else f"{self.memory_gb:.1f}",
            self.note,
        ]


def markdown_line(cells: Sequence[str]) -> str:
    """A row of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def table_head() -> str:
    """The first two lines of the table."""
    return f"{markdown_line(HEADINGS)}\n{markdown_line(['---'] * len(HEADINGS))}"


def write_json(path: Path, machine: dict[str, Any], rows: Sequence[Row]) -> None:
    """All that was measured, and on what, in one file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {**machine, "checks": [asdict(row) for row in rows]}
    with atomic_path(path) as aside:
        aside.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
