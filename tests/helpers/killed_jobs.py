"""A job script that is killed as soon as it has left a checkpoint."""

import os
import signal
import subprocess
import time
from pathlib import Path

from . import forked_jobs
from .project import PROJECT


def run_and_kill(script: str, arguments: list[str], checkpoint: Path) -> None:
    """Run `workflow_scripts.<script>`, a checkpoint after (nearly) every step; `kill -9` it."""
    process = subprocess.Popen(
        [forked_jobs.python(), "-m", f"workflow_scripts.{script}", *arguments],
        cwd=PROJECT,
        env={**os.environ, "LABELBENCH_CHECKPOINT_SECONDS": "0.1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 600  # for machines that do much else
    while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()  # to its end, which is that of the job's fork
    assert process.returncode == -signal.SIGKILL
    assert checkpoint.exists()
