"""Killed in the middle and run again: nothing is lost, nothing is written twice, equal bytes."""

import shutil
import signal
import subprocess
import time

import pytest

from helpers.running_jobs import jobs_of, kill_in_the_middle

STAGES = {
    # stage: (script, target, what to remove first, what is there when it is in the middle)
    "extraction": (
        "extract_embeddings",
        "embeddings",
        "results/embeddings",
        "results/embeddings/digits/tiny/arrays.partial",
    ),
    "a round": ("select_round", "selections", "results/selections", None),
    "fine-tuning": (
        "finetune_model",
        "finetuned",
        "results/finetuned",
        "results/finetuned/**/checkpoint.partial",  # of any: the other one may have ended before
    ),
}


@pytest.mark.thorough
@pytest.mark.parametrize("victim", ["the job", "Snakemake"])
def test_killed_in_every_stage_it_continues_and_ends_with_equal_bytes(finished, victim):
    """One checkout, whose stages are killed one after the other as they make what is away."""
    expected = finished.results()
    for _, _, made, _ in STAGES.values():
        shutil.rmtree(finished.folder / made)
    for script, target, _, sign in STAGES.values():
        kill_in_the_middle(finished, script, target, sign, victim)
    finished.snakemake()
    assert finished.results() == expected
    assert finished.planned() == {}
    assert not list((finished.folder / "results").rglob("*.partial"))
    assert not list((finished.folder / "results").rglob("*.lock"))


@pytest.mark.thorough
def test_the_lock_of_a_living_snakemake_is_respected(finished):
    shutil.rmtree(finished.folder / "results/finetuned")
    running = subprocess.Popen(
        finished.command("finetuned"),
        cwd=finished.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not jobs_of(finished.folder, "finetune_model"):
            assert running.poll() is None
            time.sleep(0.05)
        text = finished.snakemake("finetuned", check=False)
        assert "LockException" in text or "cannot be locked" in text
    finally:
        running.send_signal(signal.SIGINT)
        running.wait()


@pytest.mark.thorough
def test_a_lock_of_another_host_is_left_alone(finished):
    (finished.folder / ".snakemake/labelbench.owner").write_text("another-host")
    locks = finished.folder / ".snakemake/locks"
    locks.mkdir(exist_ok=True)
    output = "results/selections/digits/tiny/linear/small/margin/seed-0/round-3.json"
    (locks / "0.output.lock").write_text(f"{output}\n")
    finished.edit("smoke.yaml", "rounds: 3", "rounds: 4")
    assert "cannot be locked" in finished.snakemake(check=False)
    assert (locks / "0.output.lock").exists()
