"""Jobs of a workflow that runs, and the end of one of them in its middle."""

import os
import signal
import subprocess
import time

import pytest

LOOK = 0.01
"""Seconds between looks for a job: reading all processes takes time from those that run."""


def jobs_of(folder, script):
    """Process ids of Python running `script` in `folder`."""
    found, wanted = [], f"\0-m\0workflow_scripts.{script}\0".encode()
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as file:
                runs = wanted in file.read()
            if runs and os.readlink(f"/proc/{entry}/cwd") == str(folder):
                found.append(int(entry))
        except OSError:
            continue  # it has ended meanwhile
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
        if jobs and (sign is None or any(workflow.folder.glob(sign))):
            break
        assert running.poll() is None, f"ended too early:\n{running.stdout.read()}"
        time.sleep(LOOK)
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
