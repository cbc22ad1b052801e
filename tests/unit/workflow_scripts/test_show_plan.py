"""The summary of a dry run: per stage, how many jobs, and which code, option, input or file."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.project import PROJECT
from labelbench_core.provenance import REMEMBERED, code_hash
from workflow_scripts import show_plan
from workflow_scripts._code_notes import NOTES, note_code
from workflow_scripts.show_plan import why

BEFORE, NOW = "0123456789abcdef", "fedcba9876543210"
PARAMS = (
    "Params have changed since last execution: Union of exclusive params before and now across all "
    "output: before: {} now: {} "
)
ROUND = "export X=1; python -m workflow_scripts.select_round --dataset d.json"
PLAN = f"""made again: results/d.json: since data set 'd' was prepared: 1 file added (a.jpg)
Building DAG of jobs...
Job stats:
job             count
------------  -------
select_round        3
total               3


[Fri Nov 27 18:37:31 2026]
Job 3: Round 1: margin, seed 1
Reason: {PARAMS.format(f"'{BEFORE}'", f"'{NOW}'")}
Shell command: {ROUND}

[Fri Nov 27 18:37:31 2026]
Job 5: Round 2: margin, seed 1
Reason: Missing output files: r-2.json, r-2.npz; Input files updated by another job: r-1.json
Shell command: {ROUND}
Job 6: Round 3: margin, seed 1
Reason: Missing output files: r-3.json, r-3.npz; Input files updated by another job: r-2.json
Shell command: {ROUND}
Job 1: Prepare data set d
Reason: Forced execution
Shell command: python -m workflow_scripts.prepare_dataset --log x
[Fri Nov 27 18:37:31 2026]
rule all:
    input: r-1.json
    jobid: 0

Reasons:
    (check individual jobs above for details)
"""


def test_stages_have_their_jobs_by_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(PLAN))
    show_plan.main()
    assert capsys.readouterr().out.splitlines() == [
        "made again: results/d.json: since data set 'd' was prepared: 1 file added (a.jpg)",
        "prepare_dataset: 1 job",
        "       1  forced execution",
        "select_round: 3 jobs",
        "       2  missing: r-2.json and files of 1 more job",
        "       1  code changed",
        "4 jobs would run. The reason for each: make plan FULL=1, or snakemake -n.",
    ]


def test_what_a_run_would_stop_at_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = [
        "planned, but a run would stop: b.yaml: backbone 'minilm': package x is not installed",
        "planned with published sizes, but a run would stop: data set 'fmow': gone",
    ]
    end = ["This was a dry-run (flag -n). The order of jobs", "all    1", "", *told]
    monkeypatch.setattr("sys.stdin", io.StringIO(PLAN + "\n".join(end)))
    show_plan.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:3] == told
    assert lines[-1].startswith("4 jobs would run.")


def test_what_is_no_plan_is_passed_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("error: my.yaml: seeds: 0; allowed: 1\n"))
    show_plan.main()
    assert capsys.readouterr().out == "error: my.yaml: seeds: 0; allowed: 1\n"


def test_changed_options_are_named() -> None:
    old, new = (f'{{"proxy":{{"id":"linear","penalty":{value}}},"seed":1}}' for value in (1, 2))
    assert why(PARAMS.format(repr(old), repr(new))) == "option changed: proxy.penalty: 1 → 2"
    both = why(PARAMS.format(f"{old!r}, '{BEFORE}'", f"'{NOW}', {new!r}"))
    assert both == "code changed; option changed: proxy.penalty: 1 → 2"
    added = PARAMS.format("""'{"seeds":[1]}'""", """'{"seeds":[1,2]}'""")
    assert why(added) == "option changed: seeds: [1] → [1, 2]"
    inputs = "Updated input files: a, b, c, d; Input files updated by another job: e"
    assert why(inputs) == "changed input: a, b, c and 1 more"
    assert why("Input files updated by another job: e") == "follows from jobs above"


def test_changed_code_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a hash that a run recorded: the files that are not as they were."""
    monkeypatch.chdir(tmp_path)
    code = (
        "workflow_scripts.select_round",
        (("strategies", "margin"),),
        ("labelbench_core/report/report_template.html",),
    )
    digest = code_hash(*code)
    NOTES.parent.mkdir(parents=True)
    note_code({digest: code})
    unchanged = why(PARAMS.format(f"'{digest}'", f"'{NOW}'"))
    assert unchanged == "code changed"
    text = NOTES.read_text()
    for name in (
        "labelbench_core.strategies.margin",
        "labelbench_core/report/report_template.html",
    ):
        before = text[text.index(f'"{name}":"') + len(f'"{name}":"') :][:16]
        text = text.replace(before, "0" * 16)
    NOTES.write_text(text)
    told = why(PARAMS.format(f"'{digest}'", f"'{NOW}'"))
    assert told == (
        "code changed: labelbench_core/report/report_template.html, "
        "labelbench_core/strategies/margin.py"
    )
    NOTES.write_text("{")
    assert why(PARAMS.format(f"'{digest}'", f"'{NOW}'")) == "code changed"


RUN = """
import sys
from pathlib import Path
from labelbench_core import provenance
from labelbench_core.registry import own
from workflow_scripts._code_notes import note_code

provenance.remember(save=True)
name = own.add("./mine.py", Path(sys.argv[1]))
code = ("workflow_scripts.select_round", (("strategies", "margin"), ("strategies", name)))
digest = provenance.code_hash(*code)
note_code({digest: (*code, ())})
print(digest)
"""


@pytest.mark.parametrize("place", ["study", "checkout"])
def test_a_run_that_learns_about_code_keeps_its_notes(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One's own files are named by their paths, also where they lie in the project's folder."""
    study = tmp_path / place
    study.mkdir()
    if place == "checkout":
        (study / "labelbench_core").symlink_to(PROJECT / "labelbench_core")
    (study / "helper.py").write_text("ORDER = 1\n")
    (study / "mine.py").write_text(
        "import helper\nfrom labelbench_core.compute import values\n\nINFO = {'kind': 'strategy', "
        "'needs': ('embeddings',), 'multilabel': False, 'deterministic': True}\n\n\n"
        "def select(pool, budget, rng):\n    return pool.unlabeled()[:budget]\n"
    )
    monkeypatch.chdir(tmp_path)
    run = [sys.executable, "-c", RUN, place]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    told = subprocess.run(run, env=environment, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    assert REMEMBERED.exists()  # written after the notes, at the end of the process
    before = PARAMS.format(f"'{told.stdout.strip()}'", f"'{NOW}'")
    assert why(before) == "code changed"
    (study / "helper.py").write_text("ORDER = 2\n")
    assert why(before) == f"code changed: {place}/helper.py"
    (study / "mine.py").unlink()
    assert why(before) == f"code changed: {place}/helper.py, {place}/mine.py"
