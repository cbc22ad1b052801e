"""How a run of Snakemake ended: whether it went well, and what its failed jobs said, told last.

Snakemake prints a failed job's log in the middle of all that it prints of the job; what a user has
to read is one line of it.
"""

import atexit
import os
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from labelbench_core.counting import counted
from labelbench_core.errors import seen_from_here
from workflow_scripts._locks import OWNER, how_to_unlock

ERROR = "error: "
"""What the line of an error begins with in the log of a job; see `_job`."""
LOGS = "results/logs/"
"""Where the logs of all our jobs are: an outer workflow has rules of its own."""
MOST_TOLD = 10
# Two modules of one workflow are parsed by one process.
_told: set[str] = set()
_TAIL = 1 << 16  # bytes of a log's end; an error has at most some 40 lines


class Ending:
    """What is known of a run in the main process when it ends.

    Parameters
    ----------
    workflow
        Snakemake's, of this run.
    """

    def __init__(self, workflow: Any) -> None:
        self._workflow = workflow
        # At its end a process is again in the folder that it was called from.
        self.directory = Path.cwd()
        self.has_begun = self.has_succeeded = False
        if workflow.is_main_process:
            self._began_at = _now(self.directory / OWNER)
            # What is registered first is called last.
            atexit.register(self.tell)

    def begin(self) -> None:
        """There are jobs to run."""
        self.has_begun = True

    def succeed(self) -> None:
        """All jobs have run."""
        self.has_succeeded = True

    @property
    def went_well(self) -> bool:
        """Whether all that was asked for is there; also where there was nothing to do."""
        scheduler = self._workflow.scheduler
        if scheduler is None or scheduler.failed:
            return False
        # A run without jobs calls no handler, and one with `--no-hooks` none either.
        return self.has_succeeded or not self.has_begun

    def has_made(self, output: str) -> bool:
        """Whether a job of this run has made `output`."""
        dag = self._workflow.dag
        return dag is not None and any(output in job.output for job in dag.finished_jobs)

    def tell(self) -> None:
        """Print what failed jobs said: the last lines of all."""
        scheduler = self._workflow.scheduler
        if scheduler is not None:
            for line in self.errors_of(scheduler.failed):
                if line not in _told:
                    _told.add(line)
                    print(line, file=sys.stderr)
        elif self._is_locked_out():
            files = [seen_from_here(one) for one in self._workflow.overwrite_configfiles]
            print(f"{ERROR}{how_to_unlock(self.directory, files)}", file=sys.stderr)

    def _is_locked_out(self) -> bool:
        workflow = self._workflow
        if workflow.dag is None or workflow.dryrun or workflow.persistence is None:
            return False
        return len(workflow.dag) > 0 and workflow.persistence.locked

    def errors_of(self, failed: Iterable[Any]) -> list[str]:
        """The lines for failed jobs and groups of jobs: each error once, `MOST_TOLD` at most."""
        said: dict[str, list[str]] = {}
        for one in sorted(failed, key=str):
            for rule, log, text in self._said(one):
                place = f"(rule {rule}; log: {seen_from_here(self.directory / log)})"
                said.setdefault(text, []).append(place)
        lines: list[str] = []
        for text, (place, *others) in said.items():
            also = f" and {counted(len(others), 'other job')} the same" if others else ""
            lines += [f"{ERROR}{line} {place}{also}" for line in text.splitlines()]
        if len(lines) > MOST_TOLD:
            left = len(lines) - MOST_TOLD
            lines = [*lines[:MOST_TOLD], f"{ERROR}… and {counted(left, 'more line')} in the logs"]
        return lines

    def _said(self, failed: Any) -> Iterator[tuple[str, str, str]]:
        """(rule, log, what it says) of a failed job, or of those of a group that wrote why."""
        jobs = failed if failed.is_group() else [failed]
        own = [one for one in jobs if one.log and str(one.log[0]).startswith(LOGS)]
        found = [(job, self._error_in(str(job.log[0]))) for job in own]
        why = [one for one in found if one[1] is not None]
        for job, text in why or found[:1]:
            yield job.rule.name, str(job.log[0]), text or "failed without a word why"

    def _error_in(self, log: str) -> str | None:
        """The error at the end of a log, or its last line; None unless this run wrote one."""
        path = self.directory / log
        try:
            with open(path, "rb") as stream:
                if os.fstat(stream.fileno()).st_mtime_ns < self._began_at:
                    return None  # of an earlier run: the job did not come so far
                stream.seek(max(0, os.fstat(stream.fileno()).st_size - _TAIL))
                lines = stream.read().decode("utf-8", "replace").splitlines()
        except OSError:
            return None
        lines = [line for line in lines if line.strip()]
        starts = [place for place, line in enumerate(lines) if line.startswith(ERROR)]
        if not starts:
            return f"failed; last in its log: {lines[-1].strip()}" if lines else None
        return "\n".join(lines[starts[-1] :]).removeprefix(ERROR)


def _now(file: Path) -> int:
    """The time in nanoseconds by the clock of the folder's file system, which stamps the logs."""
    try:
        os.utime(file)
        return file.stat().st_mtime_ns
    except OSError:
        return time.time_ns()
