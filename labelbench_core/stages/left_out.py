"""What a slim archive of results left out on purpose.

There is a listing for each experiment. Files that it names do not count as part of the experiment
while they are missing; once they are back, they do.
"""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from labelbench_core.errors import damaged
from labelbench_core.stages.report_files import FOLDER
from labelbench_core.storage import files

LISTING = f"{FOLDER}/left_out.json"


def listing_of(experiment: str) -> Path:
    """The path of an experiment's listing."""
    return Path(LISTING.format(experiment=experiment))


def as_text(outputs: Iterable[str]) -> str:
    """A listing of `outputs`."""
    return files.canonical_json({"left_out": sorted(outputs)}, indent=1) + "\n"


def left_out(experiment: str) -> frozenset[str]:
    """Outputs that were left out of an archive and are missing."""
    path = listing_of(experiment)
    if not path.is_file():
        return frozenset()
    content = files.read_json(path)
    listed = content.get("left_out") if isinstance(content, dict) else None
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        raise damaged(path, "must hold the list left_out", then="recreate missing results")
    return frozenset(one for one in listed if not os.path.exists(one))


class TellOfLeftOut:
    """A filter of Snakemake's log: says in one line which files left out on purpose a plan needs.

    The log is the one place that sees the finished plan in dry runs too.

    Parameters
    ----------
    workflow
        Snakemake's.
    left_out
        What was left out and is not there.
    tell
        Gets the line.
    """

    def __init__(self, workflow: Any, left_out: frozenset[str], tell: Callable[[str], Any]) -> None:
        self._workflow, self._left_out, self._tell = workflow, left_out, tell
        self._told = False

    def filter(self, record: Any) -> bool:
        """Report before the summary of jobs; every message passes."""
        if hasattr(record, "stats") and not self._told:
            self._told = True
            planned = self._workflow.dag.needrun_jobs(exclude_finished=False)
            made = {str(file) for job in planned for file in job.output}
            # Targets requested by name are what the line would advise to make.
            asked = {str(file) for file in self._workflow.dag.targetfiles}
            needed = sorted(self._left_out & made - asked)
            if needed:
                more = f" and {len(needed) - 1} more" if len(needed) > 1 else ""
                self._tell(
                    f"left out of this archive, but needed: {needed[0]}{more}; make them again "
                    "first, or everything made from them runs again too: "
                    "python -m workflow_scripts.restore_results --left-out (with the same "
                    "--configfile)"
                )
        return True


class CheckWhenPlanned:
    """A filter of Snakemake's log: checks what a dry run has planned; other runs check at a start.

    Parameters
    ----------
    workflow
        Snakemake's.
    check
        Ends the program if something is wrong.
    """

    def __init__(self, workflow: Any, check: Callable[[], Any]) -> None:
        self._workflow, self._check = workflow, check
        self._done = False

    def filter(self, record: Any) -> bool:
        """Check before the summary of jobs; every message passes."""
        if hasattr(record, "stats") and not self._done and self._workflow.dryrun:
            self._done = True
            self._check()
        return True
