"""Several processes train as one does, also where rows do not divide evenly among them."""

import os
import socket
import subprocess

import pytest
import torch

from helpers import forked_jobs, several_processes
from helpers.project import PROJECT

PROCESSES = 3


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """What the first of three processes wrote, and what each logged; none may wait for ever."""
    target = tmp_path_factory.mktemp("processes") / "found.pt"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    running = [
        subprocess.Popen(
            [forked_jobs.python(), "-m", "tests.helpers.several_processes", str(target)],
            cwd=PROJECT,
            env={
                **os.environ,
                **{"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "RANK": str(rank)},
                **{"WORLD_SIZE": str(PROCESSES), "OMP_NUM_THREADS": "1"},
            },
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(PROCESSES)
    ]
    try:
        logs = [process.communicate(timeout=600)[1] for process in running]
    finally:
        for process in running:
            process.kill()
    assert [process.returncode for process in running] == [0] * PROCESSES, logs
    return torch.load(target), logs


@pytest.mark.parametrize("case", several_processes.CASES)
def test_weights_and_records_are_those_of_one_process(trained, case):
    weights, history, attempts, _ = trained[0][case]
    alone, history_alone, attempts_alone = several_processes.train(case)
    torch.testing.assert_close(weights, alone, rtol=1e-4, atol=1e-6)
    assert attempts == attempts_alone
    assert [attempt["outcome"] for attempt in attempts] == ["finished"]
    for row, expected in zip(history, history_alone, strict=True):
        for name, value in expected.items():
            assert row[name] == (value if value is None else pytest.approx(value, rel=1e-4))
    assert float(weights["head.weight"].abs().max()) > 0.01  # from zeros


def test_weights_of_examples_make_a_difference():
    weighted, plain = (
        several_processes.train(case)[0]["head.weight"]
        for case in ("weighted, in parts", "unequal, in parts")
    )
    assert float((weighted - plain).abs().max()) > 0.01


def test_unused_parameters_are_looked_for_where_there_are_some(trained):
    looked = {case: found[-1] for case, found in trained[0].items()}
    assert looked == {case: case == "an unused layer" for case in several_processes.CASES}


def test_the_first_process_alone_tells_of_progress(trained):
    first, *others = trained[1]
    assert first.count("train: 12 of 12 steps") == len(several_processes.CASES)
    assert not any("train:" in log for log in others)
