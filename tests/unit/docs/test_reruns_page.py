"""docs/reruns.md: what it shows as printed is what the commands print."""

import io
import json
import re
from pathlib import Path
from types import SimpleNamespace

from helpers.project import PROJECT
from labelbench_core.configuration.sources.source_changes import (
    describe_changes,
    why_again,
)
from labelbench_core.stages.left_out import TellOfLeftOut
from labelbench_core.stages.table import STAGES
from workflow_scripts import show_plan
from workflow_scripts._completeness import what_is_missing
from workflow_scripts._forcing import Forced

PAGE = (PROJECT / "docs/reruns.md").read_text("utf-8")
# Indented blocks are commands, or what is printed.
PLAN, INCOMPLETE, CHANGED, LEFT_OUT = (
    " ".join(block.split())
    for block in re.findall(r"(?<=\n\n)(?: {4,}\S.*\n)+", PAGE)
    if not block.lstrip().startswith(".venv/bin/python -m ")
)
PARAMS = "Params have changed since last execution: of outputs: before: {!r} now: {!r} "
FOLLOWS = "Input files updated by another job: r-1.json"
OLD_CODE, NEW_CODE = "0123456789abcdef", "fedcba9876543210"
EMBEDDINGS = "results/embeddings/digits/tiny"


def entry(input_size):
    return json.dumps({"backbone": {"options": {"input_size": input_size}}, "dataset": "digits"})


def dry_run():
    ids = {"dataset": "digits", "annotator": "", "backbone": "tiny", "proxy": "linear"}
    ids |= {"schedule": "few", "strategy": "badge"}
    record = STAGES["select_round"].outputs["record"].paths[0]
    missing = [record.format(**ids, seed=5 + number, round=1) for number in range(4)]
    missing += [record.format(**ids, seed=5 + number % 4, round=2 + number) for number in range(8)]
    jobs = [("extract_embeddings", PARAMS.format(entry(64), entry(96)))]
    jobs += [("select_round", FOLLOWS)] * 44
    jobs += [("select_round", f"Missing output files: {one}; {FOLLOWS}") for one in missing]
    jobs += [("select_round", PARAMS.format(OLD_CODE, NEW_CODE))]
    for script, reason in jobs:
        yield f"Reason: {reason}\nShell command: python -m workflow_scripts.{script} --log x\n"


def test_the_plan_is_summed_up_as_shown(monkeypatch, capsys):
    changed = {OLD_CODE: ["labelbench_core.strategies.coreset"]}
    monkeypatch.setattr(show_plan, "changed_since", changed.__getitem__)
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(dry_run())))
    show_plan.main()
    assert " ".join(capsys.readouterr().out.split()) == PLAN


def forced(output, why):
    """The line that is printed when what makes an output runs again."""
    told: list[str] = []
    force = Forced(told.append)
    force.force([output], why)
    force.apply(SimpleNamespace(forcefiles=set()), output)
    return told


def test_a_folder_that_lacks_a_file_is_told_as_shown(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    manifest, arrays = Path(EMBEDDINGS, "manifest.json"), Path(EMBEDDINGS, "arrays")
    (arrays / "test-clean").mkdir(parents=True)
    chunks = {"configuration": {"chunk_shape": [8, 2]}}
    described = {"shape": [3, 2], "data_type": "float16", "chunk_grid": chunks, "codecs": [chunks]}
    (arrays / "test-clean/zarr.json").write_text(json.dumps(described))
    view = {"array": "test-clean", "blocks": [{}]}
    manifest.write_text(json.dumps({"splits": {"test": {"views": {"clean": view}}}}))
    assert forced(str(manifest), what_is_missing(manifest, arrays)) == [INCOMPLETE]


def test_a_changed_source_is_told_as_shown():
    before = {"pool/dog/was-a-dog.jpg": "a", "pool/cat/cat.jpg": "b"}
    after = {"pool/cat/was-a-dog.jpg": "a", "pool/cat/cat.jpg": "b", "pool/cat/added.jpg": "c"}
    why = why_again("mine", describe_changes(before, after))
    assert forced("results/datasets/mine/manifest.json", why) == [CHANGED]


def test_what_was_left_out_of_an_archive_and_is_needed_is_told_as_shown():
    names = ("tiny", "vit-b", "vit-l")
    left_out = frozenset(f"results/embeddings/digits/{name}/arrays" for name in names)
    dag = SimpleNamespace(
        needrun_jobs=lambda exclude_finished: [SimpleNamespace(output=sorted(left_out))],
        targetfiles=[],
    )
    told: list[str] = []
    TellOfLeftOut(SimpleNamespace(dag=dag), left_out, told.append).filter(SimpleNamespace(stats=1))
    assert told == [LEFT_OUT]
