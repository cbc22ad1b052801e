"""Lost results come back without what was made from them; slim archives are complete."""

import os
import shutil
import tarfile

import pytest

from helpers.checkouts import CODE, Workflow
from workflow_scripts import _noted_outputs

CHAIN = "results/selections/digits/tiny/linear/small/margin/seed-0"
MODEL = "results/finetuned/digits/tiny/tiny/linear/small/margin/seed-0/round-2/model.safetensors"
LOST = {
    "embeddings": ["results/embeddings/digits/tiny"],
    "a round": [f"{CHAIN}/round-1.npz", f"{CHAIN}/round-1.json"],
    "the arrays of a round": [f"{CHAIN}/round-1.npz"],
    "a model": [MODEL],
}


def remove(folder, paths):
    for path in paths:
        target = folder / path
        if target.is_dir():
            shutil.rmtree(target)
        else:
            target.unlink()


def times(workflow):
    """When everything but what is lost was made."""
    files = (workflow.folder / "results").rglob("*")
    return {path: os.stat(path).st_mtime_ns for path in files if path.is_file()}


def restored(workflow, lost, *options):
    """Lose files, restore them; see that they are back and that nothing else was made."""
    expected, before = workflow.results(), times(workflow)
    remove(workflow.folder, lost)
    text = workflow.tell("restore_results", "--quiet", "all", *options)
    assert "nothing is missing: nothing to be done" in text
    assert "differs from before" not in text
    assert workflow.results() == expected
    again = {
        str(path.relative_to(workflow.folder))
        for path, time in times(workflow).items()
        if before.get(path) != time and "/logs/" not in str(path) and "/bench" not in str(path)
    }
    shown = {path for path in again if not os.path.basename(path).startswith(".")}
    assert all(any(path.startswith(one) for one in lost) for path in shown), shown


def test_the_arrays_of_a_round_come_back_alone(finished):
    restored(finished, [f"{CHAIN}/round-1.npz"], "--max-checksum-file-size", "10")


@pytest.mark.thorough
@pytest.mark.parametrize("limit", [[], ["--max-checksum-file-size", "10"]])
@pytest.mark.parametrize("lost", LOST)
def test_what_is_lost_comes_back_alone(finished, lost, limit):
    restored(finished, LOST[lost], *limit)


@pytest.mark.thorough
def test_other_bytes_are_named_and_what_was_made_from_them_runs_again(finished):
    finished.edit("config/catalogue/trainers.yaml", "{steps: 6", "{steps: 7")
    remove(finished.folder, [MODEL])
    text = finished.tell("restore_results", "--quiet", "all")
    assert f"differs from before: {MODEL}" in text
    assert "still to be made" in text
    assert "collect_curves" in text


@pytest.mark.thorough
def test_what_a_killed_call_made_from_other_bytes_is_not_taken_for_finished(finished):
    """Embeddings as noted, but rounds that were made from others meanwhile."""
    expected = finished.results()
    finished.edit("config/catalogue/backbones.yaml", "{input_size: 32}", "{input_size: 40}")
    finished.snakemake("selections", "--quiet", "all", "--no-hooks")
    finished.edit("config/catalogue/backbones.yaml", "{input_size: 40}", "{input_size: 32}")
    remove(finished.folder, LOST["embeddings"])
    restoring = ("--quiet", "all", "--max-checksum-file-size", "10")
    text = finished.tell("restore_results", *restoring)
    assert "not as recorded: results/" in text
    assert "still to be made" in text
    assert "select_round" in text
    finished.snakemake()
    assert finished.results() == expected


@pytest.mark.thorough
def test_interrupted_after_a_job_it_continues(finished):
    expected = finished.results()
    remove(finished.folder, LOST["a round"])
    # As if killed before the file got its former time.
    notes = finished.folder / _noted_outputs.NOTES
    shutil.copy(notes, notes.with_name("restoring.json"))
    finished.snakemake(*LOST["a round"], "--quiet", "all")
    text = finished.tell(
        "restore_results",
        *("--quiet", "all", "--max-checksum-file-size", "10"),
    )
    assert "missing: 0 of" in text
    assert "nothing is missing: nothing to be done" in text
    assert finished.results() == expected


def unpacked(workflow, archive, folder):
    """A clone with the code of `workflow` and the results in `archive`."""
    folder.mkdir()
    for name in (*CODE, "smoke.yaml"):
        source = workflow.folder / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return Workflow(folder)


REVIEW = ("--workflow-profile", "profiles/review")


def test_a_slim_archive_is_complete_and_says_what_an_edit_needs(finished, tmp_path):
    archive = tmp_path / "slim.tar"
    finished.tell("archive_results", archive, "--slim")
    clone = unpacked(finished, archive, tmp_path / "clone")
    for path in ("results/embeddings/digits/tiny/arrays", MODEL):
        assert not (clone.folder / path).exists()
        assert path in (clone.folder / "results/reports/smoke/left_out.json").read_text()
    assert clone.planned(*REVIEW) == {}
    clone.append("labelbench_core/figures/label_savings.py", "\nEDITED = 1\n")
    assert clone.planned(*REVIEW) == {"plot_label_savings": 1, "render_report": 1}
    clone.append("labelbench_core/strategies/margin.py", "\nEDITED = 1\n")
    text = clone.snakemake(*REVIEW, "-n")
    (line,) = [line for line in text.splitlines() if "left out of this archive" in line]
    assert "results/embeddings/digits/tiny/arrays" in line
    assert "restore_results --left-out" in line


@pytest.mark.thorough
def test_what_was_left_out_comes_back_and_an_edit_reruns_what_it_affects(finished, tmp_path):
    archive = tmp_path / "slim.tar.xz"
    finished.tell("archive_results", archive, "--slim")
    clone = unpacked(finished, archive, tmp_path / "clone")
    text = clone.tell("restore_results", "--left-out", "--quiet", "all")
    assert "nothing is missing: nothing to be done" in text
    assert (clone.folder / MODEL).read_bytes() == (finished.folder / MODEL).read_bytes()
    clone.append("labelbench_core/strategies/margin.py", "\nEDITED = 1\n")
    planned = clone.planned(*REVIEW)
    assert planned["select_round"] == 4
    assert "extract_embeddings" not in planned


@pytest.mark.thorough
def test_a_whole_archive_has_all_and_an_unfinished_experiment_is_refused(finished, tmp_path):
    archive = tmp_path / "whole.tar.gz"
    finished.tell("archive_results", archive)
    clone = unpacked(finished, archive, tmp_path / "clone")
    assert clone.planned(*REVIEW) == {}
    assert (clone.folder / MODEL).is_file()
    model = finished.folder / MODEL
    content, times = model.read_bytes(), os.stat(model)
    model.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    os.utime(model, ns=(times.st_atime_ns, times.st_mtime_ns))
    text = finished.tell("archive_results", archive, status=2)
    assert text.startswith(f"error: {MODEL}: changed since it was made (1 of ")
    assert text.rstrip().endswith("; delete it and run snakemake, which makes it again")
    model.unlink()
    text = finished.tell("archive_results", archive, status=2)
    assert text.startswith(f"error: {MODEL}: missing (1 in all)")
