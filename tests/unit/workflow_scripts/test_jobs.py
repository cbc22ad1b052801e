"""What jobs hold while they run: GPUs of their own, a lock that their processes share, a log."""

import argparse
import contextlib
import fcntl
import importlib
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from helpers.project import PROJECT
from workflow_scripts import _gpus
from workflow_scripts._job import job_parser, run_job

COMMANDS = sorted(
    path.stem
    for path in (PROJECT / "workflow_scripts").glob("[a-z]*.py")
    if "parse_" in path.read_text(encoding="utf-8")
)
TAKE = """
import os, sys
from workflow_scripts import _gpus
_gpus.take(int(sys.argv[1]))
print(os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def process(folder, *command, **environment):
    """A Python process in `folder` that ends when its input does, or with the block."""
    started = subprocess.Popen(
        [sys.executable, *map(str, command)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT), **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield started
    finally:
        started.kill()
        started.wait()
        started.stdin.close()
        started.stdout.close()


def taking(folder, count):
    """A job that takes GPUs of three and prints which."""
    environment = {"CUDA_VISIBLE_DEVICES": "4, GPU-7/1,6", "LABELBENCH_DEVICE": ""}
    return process(folder, "-c", TAKE, count, **environment)


class Parsed(Exception):
    """In place of what a command does once it has its arguments."""


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_a_command_says_what_it_is(name, monkeypatch):
    def stop(parser, *_):
        raise Parsed(parser)

    monkeypatch.setattr(argparse.ArgumentParser, "parse_known_args", stop)
    with pytest.raises(Parsed) as caught:
        importlib.import_module(f"workflow_scripts.{name}").main([])
    (parser,) = caught.value.args
    assert [action.dest for action in parser._actions if not action.help] == []


def told(job):
    return job.stdout.readline().strip()


def test_jobs_side_by_side_have_other_gpus_and_wait_for_those_that_are_taken(tmp_path):
    with taking(tmp_path, 1) as one, taking(tmp_path, 1) as two:
        taken = {told(one), told(two)}
        assert taken < {"4", "GPU-7/1", "6"}
        with taking(tmp_path, 2) as waiting:
            with taking(tmp_path, 1) as three:
                # The one that waits holds none of them back.
                assert {told(three)} == {"4", "GPU-7/1", "6"} - taken
            one.kill()
            assert len(set(told(waiting).split(",")) - {""}) == 2
            assert two.poll() is None


def test_what_a_job_started_keeps_its_gpus(tmp_path):
    start = "import subprocess; subprocess.Popen(['cat'], close_fds=False); print('started')"
    code = TAKE.replace("print(", f"{start}\nprint(", 1).replace("sys.stdin.read()", "")
    environment = {"CUDA_VISIBLE_DEVICES": "0,1", "LABELBENCH_DEVICE": ""}
    with process(tmp_path, "-c", code, 1, **environment) as job:
        assert [told(job), told(job)] == ["started", "0"]
        assert job.wait() == 0
        with process(tmp_path, "-c", TAKE, 1, **environment) as other:
            assert told(other) == "1"


@pytest.mark.parametrize(
    ("count", "visible", "device"),
    [(0, "0,1", ""), (1, "5", ""), (2, "5,6", ""), (1, "", ""), (1, "-1", ""), (1, "0,1", "cpu")],
)
def test_nothing_is_chosen_where_there_is_no_choice(tmp_path, monkeypatch, count, visible, device):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    monkeypatch.setenv("LABELBENCH_DEVICE", device)
    _gpus.take(count)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == visible
    assert not list(tmp_path.iterdir())


def test_the_log_keeps_its_lines_when_children_write_too(tmp_path):
    path = tmp_path / "a.log"
    path.write_text("of a run before\n" * 9)

    def main(arguments):
        with arguments.log.open("a") as log:
            subprocess.run(["echo", "a child's line"], stdout=log, check=True)

    assert run_job(main, job_parser("A job.").parse_args(["--log", str(path)])) == 0
    first, last = path.read_text().splitlines()
    assert first == "a child's line"
    assert "done in" in last


def test_what_is_logged_after_a_job_prints_no_errors_of_a_closed_log(tmp_path, capsys):
    path = tmp_path / "a.log"
    level = logging.getLogger().level
    assert run_job(lambda _: None, job_parser("A job.").parse_args(["--log", str(path)])) == 0
    logging.getLogger("labelbench").warning("later")
    assert logging.getLogger().level == level
    assert "Logging error" not in capsys.readouterr().err
    assert "later" not in path.read_text()


# In place of torchrun: starts a process as that does, says which, and waits.
TORCHRUN = """
import subprocess, sys
worker = subprocess.Popen(["sleep", "100"], start_new_session=True)
with open("worker.new", "w") as file:
    file.write(str(worker.pid))
import os
os.rename("worker.new", "worker")
sys.exit(worker.wait())
"""


def is_locked(path):
    with open(path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def until(condition):
    deadline = time.monotonic() + 600
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_processes_of_a_killed_launcher_keep_its_replacement_waiting(tmp_path):
    run = tmp_path / "torch" / "distributed" / "run.py"
    run.parent.mkdir(parents=True)
    for folder in (run.parent, run.parent.parent):
        (folder / "__init__.py").touch()
    run.write_text(TORCHRUN)
    options = ["--metrics", "metrics.json", "--processes", "2", "--settings", "{}"]
    for name in ("dataset", "round-npz", "round-json", "history", "weights"):
        options += [f"--{name}", name]
    # What it reads before it starts processes is not what this is about.
    without_inputs = (
        "import sys, types; from workflow_scripts import finetune_model as job; "
        "whole = types.SimpleNamespace(splits=[], verify_splits=lambda splits: None); "
        "job.read_inputs = lambda arguments: (whole, None, None); sys.exit(job.main(sys.argv[1:]))"
    )
    command = ["-c", without_inputs, *options]
    lock, worker = tmp_path / ".training.lock", tmp_path / "worker"
    paths = {"PYTHONPATH": f"{tmp_path}:{PROJECT}"}
    with process(tmp_path, *command, **paths) as launcher:
        until(worker.exists)
        orphan = int(worker.read_text())
        (agent,) = map(
            int, Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children").read_text().split()
        )
        launcher.kill()
        launcher.wait()
        os.kill(agent, signal.SIGKILL)
    try:
        assert is_locked(lock)
    finally:
        os.kill(orphan, signal.SIGKILL)
    until(lambda: not is_locked(lock))
