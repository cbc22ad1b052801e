"""Interruptions lose nothing, equal content has equal bytes, locks die with their owner."""

import errno
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from helpers.project import PROJECT
from labelbench_core.errors import InputError
from labelbench_core.storage import files


def test_canonical_json_ignores_key_order_and_numpy_types():
    one = {"b": np.int64(1), "a": [np.float32(0.5), {"y": 1, "x": None}]}
    other = {"a": [0.5, {"x": None, "y": 1}], "b": 1}
    assert files.canonical_json(one) == files.canonical_json(other)


def test_canonical_json_refuses_nan():
    with pytest.raises(ValueError, match="JSON"):
        files.canonical_json({"loss": float("nan")})


def test_npz_has_equal_bytes_and_reads_back(tmp_path, monkeypatch):
    arrays = {"b": np.arange(6).reshape(2, 3), "a": np.ones(3, np.float32)}
    files.write_npz(tmp_path / "one.npz", **arrays)
    monkeypatch.setattr(time, "time", lambda: 2_000_000_000.0)
    files.write_npz(tmp_path / "two.npz", **dict(reversed(arrays.items())))
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    read = files.read_npz(tmp_path / "one.npz")
    assert {name: value.tolist() for name, value in read.items()} == {
        name: value.tolist() for name, value in arrays.items()
    }


def test_an_error_while_writing_leaves_the_old_file(tmp_path):
    target = tmp_path / "result.json"
    files.write_json(target, {"old": 1})

    def fail_half_way():
        with files.atomic_path(target) as aside:
            aside.write_text("half of the new")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert files.read_json(target) == {"old": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["result.json"]


WRITER = """
import sys, time
from labelbench_core.storage import files
with files.atomic_path(sys.argv[1]) as aside:
    aside.write_text("half of the new")
    print("writing", flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize(
    "next_step", [lambda path: files.write_json(path, {"new": 1}), files.remove]
)
def test_what_a_killed_writer_left_is_removed_and_a_living_one_is_left_alone(tmp_path, next_step):
    target = tmp_path / "result.json"
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, target], stdout=subprocess.PIPE, text=True
    )
    try:
        assert writer.stdout.readline() == "writing\n"
        aside = tmp_path / f".result.json.{writer.pid}.partial"
        next_step(target)
        assert aside.read_text() == "half of the new"
    finally:
        writer.kill()
        writer.wait()
        writer.stdout.close()
    assert aside.exists()
    files.write_json(tmp_path / "other.json", {})
    assert aside.exists(), "removed by a writer of another file"
    next_step(target)
    assert not aside.exists()


def test_a_full_disk_is_one_clear_error(tmp_path):
    with pytest.raises(InputError, match="no space left"), files.atomic_path(tmp_path / "x"):
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("content", [None, "{", "not a zip"])
def test_missing_and_damaged_files_are_named(tmp_path, content):
    for name, read in (("x.json", files.read_json), ("x.npz", files.read_npz)):
        path = tmp_path / name
        if content is not None:
            path.write_text(content)
        with pytest.raises(InputError, match=name):
            read(path)


HOLDER = """
import sys, time
from labelbench_core.storage import files
with files.exclusive(sys.argv[1]):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_killed_owner_frees_its_lock_and_a_living_one_is_waited_for(tmp_path):
    target = tmp_path / "output.json"
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(target)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert holder.stdout.readline().strip() == "held"
    waiter = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(target)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    time.sleep(0.5)
    os.set_blocking(waiter.stdout.fileno(), False)
    assert waiter.stdout.readline() == ""
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    os.set_blocking(waiter.stdout.fileno(), True)
    assert waiter.stdout.readline().strip() == "held"
    waiter.kill()
    waiter.wait()


def test_a_lock_leaves_nothing_behind(tmp_path):
    with files.exclusive(tmp_path / "x"):
        assert (tmp_path / "x.lock").exists()
    assert list(tmp_path.iterdir()) == []
