"""What every job script does around its one call into the library: arguments, log, errors."""

import argparse
import contextlib
import faulthandler
import logging
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from labelbench_core.errors import InputError, ended_by
from workflow_scripts import _gpus

log = logging.getLogger("labelbench")


def job_parser(description: str | None) -> argparse.ArgumentParser:
    """A parser with the options that all job scripts share."""
    parser = argparse.ArgumentParser(description=(description or "").strip().splitlines()[0])
    parser.add_argument("--log", type=Path, help="file for the log; default: the terminal")
    parser.add_argument("--threads", type=int, default=1, help="threads this job may use")
    gpus = "GPUs this job may use: where the machine has more, jobs use different ones"
    parser.add_argument("--gpus", type=int, default=0, help=gpus)
    return parser


def run_job(main: Callable[[argparse.Namespace], Any], arguments: argparse.Namespace) -> int:
    """Run `main` with logging set up; the exit status: 0, or 2 for bad input (one clear line)."""
    with _logging(arguments.log) as stream:
        started = time.monotonic()
        try:
            _gpus.take(arguments.gpus)
            main(arguments)
        except InputError as error:
            # In the log only when there is one: Snakemake prints the log of a failed job.
            print(f"error: {error}", file=stream, flush=True)
            return 2
        except SystemExit as error:  # else the job would count as done
            print(f"error: a component {ended_by(error)}", file=stream, flush=True)
            return 2
        log.info("done in %.1f s", time.monotonic() - started)
        return 0


@contextlib.contextmanager
def _logging(path: Path | None) -> Iterator[Any]:
    """Log events, warnings and tracebacks to `path`; the terminal keeps only progress bars.

    Afterwards nothing is logged there: a handler of a closed file would print errors of its own.
    """
    root = logging.getLogger()
    with contextlib.ExitStack() as stack:
        stream = sys.stderr
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("")
            # Child processes write here too: none may overwrite another's lines.
            stream = stack.enter_context(open(path, "a", encoding="utf-8", buffering=1))
            faulthandler.enable(stream)
            stack.callback(faulthandler.disable)
        stack.callback(root.setLevel, root.level)
        logging.basicConfig(
            stream=stream, level=logging.INFO, format="%(asctime)s %(message)s", force=True
        )
        for handler in list(root.handlers):
            stack.callback(root.removeHandler, handler)
        logging.captureWarnings(True)
        stack.callback(logging.captureWarnings, False)
        try:
            yield stream
        except BaseException:
            if path is not None:
                log.error("job failed", exc_info=True)
            raise
