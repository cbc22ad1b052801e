"""How long steps, jobs and the whole workflow tell how far they are."""

import fcntl
import io
import logging
import os
import pty
import struct
import subprocess
import sys
import termios

import pytest

from helpers.project import PROJECT
from labelbench_core.errors import InputError
from labelbench_core.progress import Progress
from workflow_scripts import show_progress
from workflow_scripts._job import job_parser, run_job


def test_a_log_gets_a_line_every_so_often_with_rate_and_remaining_time(caplog, monkeypatch):
    clock = iter(range(0, 1000, 4))
    monkeypatch.setattr("time.monotonic", lambda: float(next(clock)))
    with caplog.at_level(logging.INFO), Progress("embedding", 100, "images", every=10) as progress:
        for _ in range(10):
            progress.update(10)
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0].startswith("embedding: 0 of 100 images")
    assert lines[-1].startswith("embedding: 100 of 100 images")
    assert 3 < len(lines) < 10
    assert "images/s" in lines[2]
    assert "s left" in lines[2]


def test_images_of_an_earlier_run_do_not_count_in_the_rate(caplog, monkeypatch):
    clock = iter([0.0, 0.0, 10.0, 10.0, 10.0, 20.0, 20.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    with caplog.at_level(logging.INFO), Progress("x", 100, "images", done=50) as progress:
        progress.update(10)
    assert "60 of 100 images, 1.0 images/s, 40 s left" in caplog.records[1].getMessage()


def test_a_terminal_gets_a_bar():
    master, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    command = (
        "from labelbench_core.progress import Progress\n"
        "with Progress('embedding', 5, 'images') as progress:\n"
        "    for _ in range(5): progress.update(1)\n"
    )
    subprocess.run([sys.executable, "-c", command], stderr=terminal, check=True)
    text = os.read(master, 10000).decode()
    os.close(terminal)
    os.close(master)
    assert "embedding" in text
    assert "/5" in text


SNAKEMAKE = """Building DAG of jobs...
Select jobs to execute...
Execute 1 jobs...

[Mon Nov 23 04:27:12 2026]
Job 413: Round 1: margin, seed 2
Reason: Missing output files: r-1.json
Job 414: Round 1: random, seed 2
Reason: Missing output files: r-1.json
[Mon Nov 23 04:27:13 2026]
Finished jobid: 413 (Rule: select_round)
1 of 2 steps (50%) done
UserWarning: something is odd
Error in rule select_round:
    message: Round 1: random, seed 2
error: results/x.npz: file not found
rule all:
    input: r-1.json
2 of 2 steps (100%) done
"""


def test_the_workflows_progress_replaces_the_routine_and_hides_no_error(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.StringIO(SNAKEMAKE))
    show_progress.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Building DAG of jobs..."
    assert "Error in rule select_round:" in lines
    assert "    message: Round 1: random, seed 2" in lines
    assert "error: results/x.npz: file not found" in lines
    assert lines[-3].startswith("2 of 2 jobs done")
    assert lines[-2:] == ["Warnings (1):", "  UserWarning: something is odd"]
    routine = ("jobid", "Select jobs", "Reason", "input:", "[Mon")
    assert not any(word in line for word in routine for line in lines)


def test_the_errors_of_failed_jobs_stay_the_last_lines(monkeypatch, capsys):
    last = [
        "error: a.csv: 'wern'; allowed: wren (rule take; log: results/logs/take/1.log)",
        "error: b.csv: damaged (rule take; log: results/logs/take/2.log) and 1 other job the same",
        "error: … and 3 more lines in the logs",
    ]
    monkeypatch.setattr("sys.stdin", io.StringIO(SNAKEMAKE + "\n".join(last) + "\n"))
    show_progress.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[-3:] == last
    assert lines[-5:-3] == ["Warnings (1):", "  UserWarning: something is odd"]


def test_the_workflows_progress_says_how_fast_and_what_runs(monkeypatch):
    times = iter([0.0, 10.0, 12.0, 14.0])
    monkeypatch.setattr(show_progress.time, "monotonic", lambda: next(times))
    run = show_progress.Run()
    for line in SNAKEMAKE.splitlines()[:8]:
        run.read(line)
    assert run.read("1 of 40 steps (2%) done")
    assert run.read("2 of 40 steps (5%) done")
    now = "now: Round 1: margin, seed 2 and 1 more"
    rate = "15 a minute, about 3 min left at that rate"
    assert run.status() == f"2 of 40 jobs done, 14 s, {rate}; {now}"


def test_the_workflows_progress_needs_no_package():
    """Not even this library: whatever runs Snakemake has what it needs."""
    script = PROJECT / "workflow_scripts" / "show_progress.py"
    command = [sys.executable, "-I", "-S", str(script)]
    done = subprocess.run(command, input=SNAKEMAKE, text=True, capture_output=True, check=True)
    assert "2 of 2 jobs done" in done.stdout


def fail_with(error):
    def job(arguments):
        raise error

    return job


def test_bad_input_is_one_line_in_the_log_and_status_2(tmp_path, capsys):
    arguments = job_parser("A job.").parse_args(["--log", str(tmp_path / "logs" / "job.log")])
    assert run_job(fail_with(InputError("file: key: value; allowed: this")), arguments) == 2
    assert arguments.log.read_text() == "error: file: key: value; allowed: this\n"
    assert capsys.readouterr().err == ""


def test_a_defect_leaves_its_traceback_in_the_log(tmp_path):
    arguments = job_parser("A job.").parse_args(["--log", str(tmp_path / "job.log")])
    with pytest.raises(ZeroDivisionError):
        run_job(fail_with(ZeroDivisionError("1/0")), arguments)
    assert "Traceback" in arguments.log.read_text()
