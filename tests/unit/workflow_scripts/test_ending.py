"""What failed jobs said is told last, from logs of this run; and how to remove a lock."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from workflow_scripts import _ending, _locks
from workflow_scripts._ending import Ending

LOG = "results/logs/take/1.log"


class Job:
    """What `Ending` reads of a job of Snakemake, or of a group of jobs."""

    def __init__(self, *logs, rule="take", output=(), group=()):
        self.log, self.rule, self.output = list(logs), SimpleNamespace(name=rule), list(output)
        self._group = group

    def is_group(self):
        return bool(self._group)

    def __iter__(self):
        return iter(self._group)

    def __str__(self):
        return f"{self.rule.name} {self.log}"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".snakemake").mkdir()
    monkeypatch.setattr(_ending, "_told", set())
    monkeypatch.setattr(_ending.atexit, "register", lambda called: None)
    return tmp_path


def run_of(*failed, finished=(), **changes):
    """A run of Snakemake as it is at its end."""
    values = {
        "is_main_process": True,
        "dryrun": False,
        "scheduler": SimpleNamespace(failed=set(failed)),
        "dag": SimpleNamespace(finished_jobs=list(finished)),
        "overwrite_configfiles": [],
    }
    return SimpleNamespace(**{**values, **changes})


def wrote(text, log=LOG):
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    Path(log).write_text(text)


def told(capsys, ending):
    ending.tell()
    return capsys.readouterr().err.splitlines()


def test_an_error_is_one_line_with_its_rule_and_its_log(here, capsys):
    ending, other = Ending(run_of(Job(LOG))), Ending(run_of(Job(LOG)))
    wrote("2026-01-01 take in\nerror: of an attempt before\nerror: a.csv: 'wern'; allowed: wren\n")
    assert told(capsys, ending) == [
        f"error: a.csv: 'wern'; allowed: wren (rule take; log: {LOG})",
    ]
    # Of two modules of one workflow, each has an ending.
    assert told(capsys, other) == []


def test_all_lines_of_an_error_are_told_up_to_ten_and_each_once(here, capsys):
    logs = [f"results/logs/take/{number}.log" for number in range(4)]
    ending = Ending(run_of(*map(Job, logs)))
    for log in logs[:3]:
        wrote("error: table.json: damaged\n", log)
    wrote("error: " + "\n".join(f"{number}.csv: wrong" for number in range(14)), logs[3])
    lines = told(capsys, ending)
    assert lines[0] == (
        f"error: table.json: damaged (rule take; log: {logs[0]}) and 2 other jobs the same"
    )
    assert lines[1] == f"error: 0.csv: wrong (rule take; log: {logs[3]})"
    assert lines[10] == "error: … and 5 more lines in the logs"
    assert len(lines) == 11


def test_a_log_of_an_earlier_run_is_not_told(here, capsys):
    wrote("error: of yesterday\n")
    os.utime(LOG, (1, 1))
    assert told(capsys, Ending(run_of(Job(LOG)))) == [
        f"error: failed without a word why (rule take; log: {LOG})"
    ]
    # The clock is the file system's, which may be behind: a log written now counts.
    ending = Ending(run_of(Job(LOG)))
    wrote("error: of today\n")
    assert told(capsys, ending) == [f"error: of today (rule take; log: {LOG})"]


def test_a_job_that_named_no_error_is_told_by_the_last_line_of_its_log(here, capsys):
    ending = Ending(run_of(Job(LOG)))
    wrote("Traceback (most recent call last):\n  File x\nMemoryError: no room\n\n")
    assert told(capsys, ending) == [
        f"error: failed; last in its log: MemoryError: no room (rule take; log: {LOG})"
    ]


def test_of_a_group_those_are_told_that_wrote_why_and_of_other_workflows_none(here, capsys):
    one, other = (Job(f"results/logs/take/{name}.log") for name in "ab")
    ending = Ending(run_of(Job(group=[one, other]), Job("logs/theirs.log"), Job()))
    wrote("error: b.csv: wrong\n", str(other.log[0]))
    assert told(capsys, ending) == [f"error: b.csv: wrong (rule take; log: {other.log[0]})"]


def test_the_folder_of_the_run_counts_not_the_one_it_was_called_from(here, capsys, monkeypatch):
    ending = Ending(run_of(Job(LOG)))
    wrote("error: here\n")
    (here / "called from").mkdir()
    monkeypatch.chdir(here / "called from")
    assert told(capsys, ending) == [f"error: here (rule take; log: ../{LOG})"]


def test_whether_a_run_went_well(here):
    assert Ending(run_of()).went_well  # nothing to do
    assert not Ending(run_of(scheduler=None)).went_well
    assert not Ending(run_of(Job(LOG))).went_well
    ending = Ending(run_of(finished=[Job(LOG, output=["made.json"])]))
    ending.begin()
    assert not ending.went_well  # stopped, by whatever it was
    ending.succeed()
    assert ending.went_well
    assert ending.has_made("made.json")
    assert not ending.has_made("other.json")
    assert not Ending(run_of(dag=None)).has_made("made.json")


class Plan(list):
    """A plan with jobs to run."""

    finished_jobs = ()


@pytest.mark.parametrize("locked", [True, False])
def test_who_is_locked_out_is_told_how_to_unlock(here, capsys, monkeypatch, locked):
    (here / ".snakemake" / "labelbench.owner").write_text("cluster-7")
    asked = here / "my pets.yaml"
    changes = {"persistence": SimpleNamespace(locked=locked), "overwrite_configfiles": [asked]}
    ending = Ending(run_of(scheduler=None, dag=Plan([1]), **changes))
    lines = told(capsys, ending)
    assert lines == locked * [
        "error: this folder: locked by a process on cluster-7. If none runs there any more, "
        "remove the lock: make run CONFIG='my pets.yaml' OPTIONS=--unlock, or "
        ".venv/bin/snakemake --unlock --configfile 'my pets.yaml'; then run the same command again"
    ]
    monkeypatch.setattr(_locks, "_others", [True])
    assert told(capsys, ending) == locked * [
        "error: this folder: locked by a process that runs on this machine; allowed: one at a time"
    ]


def test_a_lock_of_another_host_is_left_by_the_second_call_too(here):
    locks = here / ".snakemake" / "locks"
    locks.mkdir()
    lock = locks / "0.output.lock"
    lock.touch()
    owner = here / ".snakemake" / "labelbench.owner"
    owner.write_text("another-host")
    call = "from workflow_scripts._locks import *; clear_dead_lock(OWNER.parent.absolute())"
    for _ in range(2):
        subprocess.run(
            [sys.executable, "-c", call],
            env={**os.environ, "PYTHONPATH": str(Path(_locks.__file__).parents[1])},
            check=True,
        )
        assert lock.exists()
        assert owner.read_text() == "another-host"
    owner.write_text(socket.gethostname())
    command = [sys.executable, "-c", call]
    folder = re.sub(r"/workflow_scripts/_locks\.py$", "", _locks.__file__)
    subprocess.run(command, env={**os.environ, "PYTHONPATH": folder}, check=True)
    assert not lock.exists()
