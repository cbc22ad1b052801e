"""Jobs of a workflow that runs, and the end of one of them in its middle."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest


def jobs_of(folder, script):
    """Process ids of Python running `script` in `folder`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (entry / "cmdline").read_bytes().split(b"\0")
            here = os.readlink(entry / "cwd") == str(folder)
        except OSError:
            continue  # it has ended meanwhile
        if here and b"-m" in arguments and f"workflow_scripts.{script}".encode() in arguments:
            found.append(int(entry.name))
    return found


def kill_in_the_middle(workflow, script, target, sign, victim):
    """Start Snakemake, and kill the job or Snakemake itself while the stage runs."""
    running = subprocess.Popen(
        workflow.command(target),
        cwd=workflow.folder,
        env={**os.environ, "LABELBENCH_CHECKPOINT_SECONDS": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    deadline = time.monotonic() + 600  # for machines that do much else
    while time.monotonic() < deadline:
        jobs = jobs_of(workflow.folder, script)
        if jobs and (sign is None or (workflow.folder / sign).exists()):
            break
        assert running.poll() is None, f"ended too early:\n{running.stdout.read()}"
        time.sleep(0.005)
    else:
        pytest.fail(f"{script} never ran")
    if victim == "the job":
        os.kill(jobs[0], signal.SIGKILL)
        text = running.communicate(timeout=600)[0]
        assert running.returncode == 1, text
    else:
        running.kill()
        running.wait()
        running.stdout.close()
        assert list((workflow.folder / ".snakemake/locks").iterdir()), "Snakemake left no lock"
