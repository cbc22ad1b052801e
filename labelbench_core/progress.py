"""Progress of long steps: a bar on a terminal, occasional lines in the log."""

import logging
import sys
import time
from types import TracebackType
from typing import Self

log = logging.getLogger(__name__)


class Progress:
    """Counts `total` units of work and reports progress in the terminal and in the log.

    Parameters
    ----------
    description
        What is being done.
    total
        Number of units in all.
    unit
        Name of a unit ("images", "steps").
    done
        Units finished by an earlier, interrupted run; they do not count in the rate.
    every
        Seconds between two lines in the log.
    """

    def __init__(
        self, description: str, total: int, unit: str, *, done: int = 0, every: float = 10.0
    ) -> None:
        self.description, self.total, self.unit, self.every = description, total, unit, every
        self.count = self.initial = done
        self.note = ""
        self._bar = None

    def __enter__(self) -> Self:
        self.started = self.last_line = time.monotonic()
        if sys.stderr is not None and sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(
                desc=self.description,
                total=self.total,
                initial=self.initial,
                unit=f" {self.unit}",
                dynamic_ncols=True,
                leave=False,
            )
        self._write_line()
        return self

    def update(self, count: int, note: str = "") -> None:
        """Record `count` more finished units; `note` (a loss, say) is shown beside the rate."""
        self.count += count
        self.note = note
        if self._bar is not None:
            self._bar.set_postfix_str(note, refresh=False)
            self._bar.update(count)
        if time.monotonic() - self.last_line >= self.every:
            self._write_line()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()
        self._write_line()

    def _write_line(self) -> None:
        self.last_line = time.monotonic()
        elapsed = self.last_line - self.started
        fresh = self.count - self.initial
        rate = fresh / elapsed if fresh and elapsed else 0.0
        rest = f", {(self.total - self.count) / rate:.0f} s left" if rate else ""
        note = f", {self.note}" if self.note else ""
        log.info(
            "%s: %d of %d %s, %.1f %s/s%s%s",
            self.description,
            self.count,
            self.total,
            self.unit,
            rate,
            self.unit,
            rest,
            note,
        )
