"""Bad input: one clear error, before any job where it can be known, and nothing lost."""

import os
import shutil

import pytest


def failing(workflow, *arguments, **options):
    """What Snakemake prints when it stops; it must stop."""
    text = workflow.snakemake(*arguments, check=False, **options)
    assert "Nothing to be done" not in text
    assert "steps (100%) done" not in text
    return text


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("rounds: 3", "rouns: 3", "error: smoke.yaml: rouns: unknown key (did you mean 'rounds'?)"),
        ("[small]", "[smal]", "schedules: 'smal' is not in catalogue schedules.yaml"),
        ("rounds: 3", "rounds: 100", "buy 2000 labels, but the pool of 'digits' has 1297"),
        ("rounds: [2]", "rounds: [3]", "finetune.rounds: 3 is outside; allowed: 0 to 2"),
    ],
)
def test_a_wrong_configuration_starts_nothing(fresh, old, new, told):
    fresh.edit("smoke.yaml", old, new)
    text = failing(fresh)
    assert told in text
    assert "Traceback" not in text
    assert not (fresh.folder / "results").exists()


def test_missing_data_starts_nothing(fresh):
    fresh.append(
        "config/catalogue/datasets.yaml",
        "\nmine:\n  implementation: image-folder\n  options: {folder: mine}\n",
    )
    fresh.edit("smoke.yaml", "[digits]", "[mine]")
    text = failing(fresh)
    assert "error: data set 'mine'" in text
    assert str(fresh.folder / "data" / "mine") in text or "data/mine" in text
    assert not (fresh.folder / "results").exists()


def test_missing_weights_start_nothing_that_needs_them(fresh):
    fresh.append(
        "config/catalogue/backbones.yaml",
        "\nmine:\n  implementation: open-clip-model\n  options: {checkpoint: nowhere/model.bin}\n",
    )
    fresh.edit("smoke.yaml", "backbones: [tiny]", "backbones: [mine]")
    text = failing(fresh)
    assert "error: backbone 'mine': checkpoint: nowhere/model.bin: no such file" in text
    assert not (fresh.folder / "results").exists()
    pool = "results/selections/digits/small/seed-0/initial.json"
    fresh.snakemake(pool)
    assert (fresh.folder / pool).exists()


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)


def test_a_flipped_bit_in_the_embeddings_stops_the_round_and_says_what_to_do(finished):
    block = next(
        (finished.folder / "results/embeddings/digits/tiny/arrays/pool-clean/c").rglob("0")
    )
    block = block if block.is_file() else next(path for path in block.rglob("*") if path.is_file())
    flip_a_bit(block)
    finished.edit("smoke.yaml", "rounds: 3", "rounds: 4")
    text = failing(finished)
    assert "content does not match its SHA-256 in the manifest" in text
    assert "delete the folder" in text
    # What was there before is still there.
    kept = (
        finished.folder / "results/selections/digits/tiny/linear/small/margin/seed-0/round-2.json"
    )
    assert kept.exists()
    shutil.rmtree(finished.folder / "results/embeddings/digits/tiny/arrays")
    finished.snakemake()
    assert finished.planned() == {}


def test_a_damaged_round_is_named(finished):
    path = finished.folder / "results/selections/digits/tiny/linear/small/margin/seed-0/round-2.npz"
    path.write_bytes(path.read_bytes()[:100])
    finished.edit("smoke.yaml", "rounds: 3", "rounds: 4")
    text = failing(finished)
    assert "round-2.npz: not a readable .npz file" in text


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_full_disk_is_one_error_and_the_next_run_goes_on(fresh):
    import subprocess

    results = fresh.folder / "results"
    results.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(results)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this machine does not allow mounting")
    try:
        text = failing(fresh)
        assert "no space left on the device" in text
        subprocess.run(["mount", "-o", "remount,size=500m", str(results)], check=True)
        fresh.snakemake("--until", "train_initial")
    finally:
        subprocess.run(["umount", str(results)], check=True)
