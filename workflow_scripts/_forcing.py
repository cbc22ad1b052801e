"""Jobs that have to run again although Snakemake sees all their outputs.

Snakemake knows a folder as one output: it sees that the folder is missing, but not that a file in
it is. Such jobs are forced here, while the workflow is planned.
"""

from collections.abc import Callable, Iterable
from typing import Any


class Forced:
    """Outputs whose jobs run again, and why.

    Outputs are named any time before the plan is made; each takes effect only where its job is part
    of the plan, so that nothing runs that was not requested (`--forcerun` would make it a target).
    Nothing is remembered from one run of Snakemake to the next: every run checks again.

    Parameters
    ----------
    tell
        Called with one line for each output that is forced.
    """

    def __init__(self, tell: Callable[[str], Any]) -> None:
        self._reasons: dict[str, str] = {}
        self._tell = tell

    def force(self, outputs: Iterable[str], why: str) -> None:
        """Rerun the jobs that make `outputs`, if they are planned, because of `why`."""
        for output in outputs:
            self._reasons.setdefault(output, why)

    def apply(self, dag: Any, output: str) -> None:
        """Force the job that makes `output`, now that it becomes part of `dag`.

        Called by an input function of the job's rule: those are evaluated after Snakemake has
        filled `dag.forcefiles` from its options and before it decides which jobs have to run.
        """
        why = self._reasons.get(output)
        if why is not None and output not in dag.forcefiles:
            dag.forcefiles.add(output)
            self._tell(f"made again: {output}: {why}")
