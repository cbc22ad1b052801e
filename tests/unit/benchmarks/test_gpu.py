"""The checks of a machine with a GPU, tried on the CPU with small networks and pools."""

import json

import numpy as np
import pytest
import torch

from benchmarks.gpu import __main__ as check_gpu
from benchmarks.gpu import _kernels, few_labels
from benchmarks.gpu._extraction import check_extraction
from benchmarks.gpu._images import random_dataset
from benchmarks.gpu._kernels import check_kernel
from benchmarks.gpu._machine import PRECISIONS, Machine
from benchmarks.gpu._results import FAILED, PASSED, SKIPPED, Row, markdown_line, write_json
from benchmarks.gpu._training import check_resuming, check_speed


@pytest.fixture(scope="module")
def machine():
    return Machine("cpu", side=64)


def test_without_a_gpu_it_says_so_and_fails(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert check_gpu.main(["--output", str(tmp_path / "found.json")]) == 2
    assert "no GPU" in capsys.readouterr().out
    assert not (tmp_path / "found.json").exists()


def test_a_check_that_fails_hides_no_other_and_time_is_kept(capsys):
    def broken():
        raise RuntimeError("no kernel image\nfor this device")

    planned = [
        check_gpu.Check("broken", broken, 1),
        check_gpu.Check("long", broken, 1000),
        check_gpu.Check("good", lambda: Row("good", PASSED, rate=12.0), 1),
    ]
    rows = check_gpu.run(planned, 100)
    assert [row.result for row in rows] == [FAILED, SKIPPED, PASSED]
    assert rows[0].note == "RuntimeError: no kernel image"
    assert rows[1].note == "takes up to 1000 s; 100 s left of 100"
    assert "| good | passed | 12 | – | – | – |  |" in capsys.readouterr().out


def test_all_checks_fit_the_nine_minutes_and_have_their_own_names(machine):
    """What a machine that is as slow as is allowed for leaves out are kernels at most."""
    planned = [*check_gpu.checks(machine), *check_gpu.not_here()]
    names = [check.name for check in planned]
    assert len(set(names)) == len(names)
    at_worst = np.cumsum([check.seconds for check in planned])
    too_late = [n for n, seconds in zip(names, at_worst, strict=True) if seconds > 540]
    assert all("size" in name or name in names[-3:] for name in too_late)


def test_extraction(machine, monkeypatch):
    monkeypatch.setenv("LABELBENCH_DEVICE", "cpu")
    row = check_extraction(machine, "extraction", "efficientnet-lite", 20, 32)
    assert row.result == PASSED
    assert "equal" in row.note
    assert min(row.rate, row.of_bare, row.of_peak) > 0


def test_speed_of_training(machine):
    small = ["--input-size", "32", "--batch-size", "2", "--steps", "1", "--labels", "4"]
    row = check_speed(machine, "FlexMatch", "float32", *small, "--repeats", "1")
    assert row.result == PASSED
    assert min(row.rate, row.of_bare, row.of_peak) > 0


@pytest.mark.parametrize("strategy", check_gpu.STRATEGIES)
def test_kernels(machine, strategy, monkeypatch):
    monkeypatch.setattr(_kernels, "LABELED", 20)
    row = check_kernel(machine, strategy, strategy, 400, 5, 10)
    assert (row.result, row.note.partition(" s for ")[2]) == (PASSED, "10 of 400 rows, 5 classes")


def test_a_pool_larger_than_the_gpu_is_skipped(machine, monkeypatch):
    monkeypatch.setattr(Machine, "memory_gb", 15.0)
    row = check_kernel(machine, "margin", "margin", *check_gpu.SIZES["ImageNet"])
    assert row.result == SKIPPED
    assert "the GPU has 15" in row.note


def test_the_file_holds_what_the_table_shows(machine, tmp_path):
    row = Row("margin", PASSED, rate=1234.5, of_bare=0.97, note="x")
    write_json(tmp_path / "new" / "found.json", machine.describe(), [row])
    found = json.loads((tmp_path / "new" / "found.json").read_text())
    assert found["checks"][0]["rate"] == 1234.5
    assert set(found["peak_flops_per_s"]) == set(PRECISIONS)
    assert markdown_line(row.cells()) == "| margin | passed | 1,234 | 0.97 | – | – | x |"


@pytest.mark.thorough
def test_a_training_is_killed_and_continued(machine):
    row = check_resuming(machine, "resume", "float32", "efficientnet-lite", 32, 12)
    assert (row.result, row.note) == (PASSED, "float32; equal twice; equal after a kill")


def test_few_labels_are_trained_on_and_tabled(tmp_path, monkeypatch):
    small = {"steps": 2, "warmup_steps": 0, "batch_size": 4}
    shared = {**few_labels.SHARED, **small}
    monkeypatch.setattr(few_labels, "SHARED", shared)
    recipes = {"FlexMatch": ("flexmatch", {}, {"unlabeled_ratio": 1})}
    monkeypatch.setattr(few_labels, "RECIPES", recipes)
    monkeypatch.setattr(few_labels, "PER_CLASS", (1,))
    random_dataset(tmp_path, 40, 16)
    value = few_labels.accuracy(few_labels.Job(tmp_path, 0, 1, "FlexMatch"))
    assert 0 <= value <= 1
    lines = few_labels.table({(1, "FlexMatch", 0): 0.5, (1, "FlexMatch", 1): 0.7}, 2)
    assert lines[-1] == "| 1 | FlexMatch | 60.00 ± 127.06 | 50.00 | 70.00 |"
