"""Show how far a run of Snakemake is, what it runs now, and at the end warnings and errors again.

`snakemake … --quiet host 2>&1 | python -m workflow_scripts.show_progress`. Needs no package.
"""

import collections
import re
import shutil
import sys
import time

STEPS = re.compile(r"(\d+) of (\d+) steps \(.*\) done")
STARTED = re.compile(r"Job (\d+): (.*)")
FINISHED = re.compile(r"Finished jobid: (\d+) .*")
TARGET = re.compile(r"(local)?(rule|checkpoint) \w+:")
# Snakemake's output for each job; everything else is passed on.
ROUTINE = re.compile(
    r"Select jobs to execute\.\.\.|Execute \d+ jobs\.\.\.|\[\w{3} \w{3} .*\]|Reason: .*"
)
WARNING = re.compile(r"warning\b", re.IGNORECASE)
# What `_ending` says of failed jobs: it stays last.
FAILED = re.compile(r"error: .* \(rule \S+; log: .*\).*|error: … and .*")
EVERY = 10.0  # seconds between two lines if there is no terminal
WINDOW = 60  # finished jobs that the rate is of, at most
MOST_WARNINGS = 20


class Run:
    """What is known of a run from the lines so far."""

    def __init__(self) -> None:
        self.done = self.total = 0
        self.running: dict[str, str] = {}
        self.warnings: list[str] = []
        self.errors: list[str] = []
        self._started = time.monotonic()
        self._times: collections.deque[float] = collections.deque(maxlen=WINDOW)
        self._in_target = False

    def read(self, line: str) -> bool:
        """Take in a line; whether it is routine, which is not passed on."""
        text = line.strip()
        if self._in_target and (line[:1].isspace() and text):
            return True
        self._in_target = TARGET.fullmatch(text) is not None
        if self._in_target:
            return True
        if steps := STEPS.fullmatch(text):
            self.done, self.total = map(int, steps.groups())
            self._times.append(time.monotonic())
        elif started := STARTED.fullmatch(text):
            self.running[started[1]] = started[2]
        elif finished := FINISHED.fullmatch(text):
            self.running.pop(finished[1], None)
        elif FAILED.fullmatch(text):
            self.errors.append(text)
        elif not ROUTINE.fullmatch(text):
            if WARNING.search(text) and text not in self.warnings:
                self.warnings.append(text)
            return not text and self.total > 0
        return True

    def status(self) -> str:
        """Jobs done of all jobs, how fast, how much longer, and what runs."""
        now = time.monotonic()
        text = f"{self.done} of {self.total} jobs done, {_duration(now - self._started)}"
        if self.done < self.total and len(self._times) > 1 and now > self._times[0]:
            each = (now - self._times[0]) / (len(self._times) - 1)
            left = _duration(each * (self.total - self.done))
            text += f", {60 / each:,.0f} a minute, about {left} left at that rate"
        if self.running:
            first, *others = self.running.values()
            text += f"; now: {first}" + (f" and {len(others)} more" if others else "")
        return text


def _duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 100:
        return f"{whole} s"
    return f"{round(whole / 60)} min" if whole < 6000 else f"{whole / 3600:.1f} h"


def main() -> None:
    on_terminal = sys.stdout.isatty()
    run, last = Run(), time.monotonic()
    for line in sys.stdin:
        before = (run.done, list(run.running))
        if not run.read(line):
            print("\033[K" * on_terminal + line, end="", flush=True)
        now = time.monotonic()
        if on_terminal:
            _draw(run)
        elif run.done != before[0] and (now - last >= EVERY or run.done == run.total):
            last = now
            print(run.status(), flush=True)
    if on_terminal:
        print("\033[K", end="")
    if run.warnings:
        print(f"Warnings ({len(run.warnings)}):")
        print("\n".join(f"  {warning}" for warning in run.warnings[:MOST_WARNINGS]))
    for error in run.errors:
        print(error)


def _draw(run: Run) -> None:
    """The bar and the status, on one line of the terminal that the next one overwrites."""
    if not run.total and not run.running:
        return
    filled = 20 * run.done // max(run.total, 1)
    text = f"[{'#' * filled}{'.' * (20 - filled)}] {run.status()}"
    print(f"\033[K{text[: shutil.get_terminal_size().columns - 1]}", end="\r", flush=True)


if __name__ == "__main__":
    main()
