"""Bad input: one clear error, before any job where it can be known, and nothing lost."""

import os
import shutil

import pytest
import yaml

from helpers.checkouts import failing


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("rounds: 3", "rouns: 3", "error: smoke.yaml: rouns: unknown key (did you mean 'rounds'?)"),
        ("[small]", "[smal]", "schedules: 'smal' is not in catalogue schedules.yaml"),
        ("rounds: 3", "rounds: 100", "buy 2000 labels, but the pool of 'digits' has 300"),
        ("rounds: [2]", "rounds: [3]", "finetune.rounds: 3 is outside; allowed: 0 to 2"),
        (
            "rounds: 3",
            "rounds: 3\nrounds: 4",
            "error: smoke.yaml: line 9, column 1: key 'rounds' occurs twice",
        ),
    ],
)
def test_a_wrong_configuration_starts_nothing(fresh, old, new, told):
    fresh.edit("smoke.yaml", old, new)
    text = failing(fresh)
    assert told in text
    assert "Traceback" not in text
    assert not (fresh.folder / "results").exists()


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("kind", "entry", "told"),
    [
        (
            "strategies",
            "{implementation: badge, options: {first_center: nonsense}}",
            "options.first_center: 'nonsense'; allowed: uniform, largest_norm",
        ),
        (
            "trainers",
            "{implementation: fixmatch, options: {threshold: 7}}",
            "options.threshold: 7; allowed: a number from 0 to 1",
        ),
        (
            "proxies",
            "{implementation: linear, options: {tolerance: .nan}}",
            "options.tolerance: nan; allowed: a number above 0",
        ),
        (
            "backbones",
            "{implementation: efficientnet-lite, options: {input_size: -1}}",
            "options.input_size: -1; allowed: a whole number from 1 to",
        ),
    ],
)
def test_a_wrong_option_starts_nothing(fresh, kind, entry, told):
    fresh.append(f"config/catalogue/{kind}.yaml", f"\nmine: {entry}\n")
    assert "prepare_dataset" in fresh.snakemake("-n")  # who does not name it is not stopped
    smoke = yaml.safe_load((fresh.folder / "smoke.yaml").read_text())
    (smoke["finetune"] if kind == "trainers" else smoke)[kind].append("mine")
    (fresh.folder / "smoke.yaml").write_text(yaml.safe_dump(smoke))
    text = failing(fresh, "-n")
    assert f"{kind}.yaml: mine.{told}" in text
    assert "Traceback" not in text


@pytest.mark.thorough
def test_a_broken_strategy_stops_only_who_names_it_and_one_that_exits_is_named(fresh):
    strategies = fresh.folder / "labelbench_core" / "strategies"
    entries = "\nbroken: {implementation: broken}\nquits: {implementation: quits}\n"
    fresh.append("config/catalogue/strategies.yaml", entries)
    (strategies / "broken.py").write_text("INFO = {}\n\n\ndef select(pool:\n    pass\n")
    source = (strategies / "random.py").read_text()
    head, _, _ = source.partition("def select(")
    quits = "def select(pool, budget, rng):\n    import sys\n\n    sys.exit(0)\n"
    (strategies / "quits.py").write_text(f"{head}{quits}")
    assert fresh.planned("selections")["select_round"] > 0
    fresh.edit(
        "smoke.yaml", "strategies: [random, margin, badge]", "strategies: [random, margin, broken]"
    )
    text = failing(fresh, "-n")
    told = "strategies: 'broken': labelbench_core/strategies/broken.py: line 4: not valid Python: "
    assert f"error: smoke.yaml: {told}" in text
    fresh.edit("smoke.yaml", "broken", "quits")
    text = failing(fresh, "selections")
    assert "error: strategy 'quits' ended the program by sys.exit(0)" in text


def test_missing_data_starts_nothing(fresh):
    fresh.append(
        "config/catalogue/datasets.yaml",
        "\nmine:\n  implementation: image-folder\n  options: {folder: mine}\n",
    )
    fresh.edit("smoke.yaml", "[digits]", "[mine]")
    text = failing(fresh)
    assert "error: config/catalogue/datasets.yaml: data set 'mine'" in text
    assert str(fresh.folder / "data" / "mine") in text or "data/mine" in text
    assert not (fresh.folder / "results").exists()


def test_missing_weights_start_nothing_that_needs_them(fresh):
    fresh.append(
        "config/catalogue/backbones.yaml",
        "\nmine:\n  implementation: open-clip-model\n  options: {checkpoint: nowhere/model.bin}\n",
    )
    fresh.edit("smoke.yaml", "backbones: [tiny]", "backbones: [mine]")
    text = failing(fresh)
    told = (
        "error: config/catalogue/backbones.yaml: backbone 'mine': checkpoint: nowhere/model.bin: "
    )
    assert f"{told}no such file, or it is empty; allowed: an existing file" in text
    assert not (fresh.folder / "results").exists()
    pool = "results/selections/digits/small/seed-0/initial.json"
    fresh.snakemake(pool)
    assert (fresh.folder / pool).exists()


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)


@pytest.mark.thorough
def test_a_flipped_bit_in_the_embeddings_stops_the_round_and_says_what_to_do(finished):
    block = next(
        (finished.folder / "results/embeddings/digits/tiny/arrays/pool-clean/c").rglob("0")
    )
    block = block if block.is_file() else next(path for path in block.rglob("*") if path.is_file())
    flip_a_bit(block)
    finished.edit("smoke.yaml", "rounds: 3", "rounds: 4")
    finished.edit("smoke.yaml", "seeds: 2", "seeds: 1")
    finished.edit("smoke.yaml", "[random, margin, badge]", "[random, margin]")
    text = failing(finished)
    assert "content does not match its SHA-256 in the manifest" in text
    assert "delete the folder" in text
    # What was there before is still there.
    kept = (
        finished.folder / "results/selections/digits/tiny/linear/small/margin/seed-0/round-2.json"
    )
    assert kept.exists()
    shutil.rmtree(finished.folder / "results/embeddings/digits/tiny/arrays")
    finished.snakemake("selections")
    assert finished.planned("selections") == {}


def test_a_damaged_round_is_named(finished):
    path = finished.folder / "results/selections/digits/tiny/linear/small/margin/seed-0/round-2.npz"
    path.write_bytes(path.read_bytes()[:100])
    finished.edit("smoke.yaml", "rounds: 3", "rounds: 4")
    text = failing(finished)
    assert "round-2.npz: SHA-256 is " in text
    assert "(arrays_sha256 in round-2.json): damaged, or from another round; delete it" in text


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
@pytest.mark.thorough
def test_a_full_disk_is_one_error_and_the_next_run_goes_on(fresh):
    import subprocess

    fresh.edit("smoke.yaml", "seeds: 2", "seeds: 1")
    results = fresh.folder / "results"
    results.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(results)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this machine does not allow mounting")
    try:
        text = failing(fresh)
        assert "no space left on the device" in text
        subprocess.run(["mount", "-o", "remount,size=500m", str(results)], check=True)
        fresh.snakemake("--until", "train_initial")
    finally:
        subprocess.run(["umount", str(results)], check=True)
