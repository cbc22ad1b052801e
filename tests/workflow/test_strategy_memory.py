"""What a strategy remembers goes from round to round through the record, and survives a kill."""

import signal
import subprocess
import sys

import numpy as np
import pytest

from helpers.project import PROJECT
from labelbench_core.storage import files, store
from labelbench_core.storage.records import write_record
from labelbench_core.strategies import tailor, tcm
from workflow_scripts import draw_initial_pool, select_round, train_initial

ROUNDS = 4
STRATEGIES = {
    "tailor": {"candidates": ["margin", "random", "coreset"]},
    "tcm": {"typiclust_rounds": 2},
}
# Dies as by `kill -9` when it is about to put the file into place that its first argument names.
KILLED = """
import os, runpy, signal, sys
victim, replace = sys.argv.pop(1), os.replace
def killed(source, target):
    if os.path.basename(target) == victim:
        os.kill(os.getpid(), signal.SIGKILL)
    replace(source, target)
os.replace = killed
runpy.run_module("workflow_scripts.select_round", run_name="__main__", alter_sys=True)
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Ten classes, most of them rare, as the stages before a round leave them."""
    rng = np.random.default_rng(0)
    centers = rng.standard_normal((10, 64))
    folder = tmp_path_factory.mktemp("data")
    splits, views, arrays = {}, {}, {}
    for split, rows in (("pool", 500), ("test", 150)):
        labels = rng.choice(10, rows, p=[0.4, 0.3, *[0.3 / 8] * 8])
        features = (centers[labels] + 2 * rng.standard_normal((rows, 64))).astype(np.float16)
        name = f"{split}-labels"
        arrays[name] = store.write_array(folder / "dataset/arrays" / name, labels)
        clean = store.write_array(folder / f"embeddings/arrays/{split}-clean", features)
        splits[split] = {"num_rows": rows, "storage": "array"}
        views[split] = {"num_rows": rows, "views": {"clean": clean}}
        if split == "pool":
            statistics = {
                "mean": features.mean(axis=0, dtype=np.float64),
                "std": features.std(axis=0, dtype=np.float64),
            }
    manifest = {
        "dataset": "few",
        "num_classes": 10,
        "class_names": list("abcdefghij"),
        "splits": splits,
        "arrays": arrays,
        "fingerprint": "none",
    }
    write_record(folder / "dataset/manifest.json", "data set", manifest)
    write_record(
        folder / "embeddings/manifest.json",
        "embeddings",
        {
            "dataset": "few",
            "dataset_fingerprint": "none",
            "backbone": "none",
            "weights_sha256": "none",
            "splits": views,
            "statistics": statistics,
            "fingerprint": "some",
        },
    )
    return folder


class Chain:
    """The rounds of one strategy in a folder of their own, each made by its job script."""

    def __init__(self, data, folder, strategy):
        self.folder, self.strategy = folder, strategy
        self.inputs = {
            "dataset": data / "dataset/manifest.json",
            "embeddings": data / "embeddings/manifest.json",
        }
        settings = {
            "dataset": "few",
            "backbone": "none",
            "seed": 0,
            "proxy": {"id": "linear", "implementation": "linear"},
            "schedule": {"id": "small", "initial": 20, "batch": 15},
            "strategy": {
                "id": strategy,
                "implementation": strategy,
                "options": STRATEGIES[strategy],
            },
        }
        self.settings = settings

    def outputs(self, number):
        return {
            "record": self.folder / f"round-{number}.json",
            "arrays": self.folder / f"round-{number}.npz",
        }

    def options(self, number):
        """What the workflow hands to `select_round`."""
        before = self.outputs(number - 1)
        previous = {f"previous-{name}": path for name, path in before.items()}
        return self.command_line(number, **self.inputs, **previous, **self.outputs(number))

    def command_line(self, number=0, **options):
        settings = files.canonical_json({**self.settings, "round": number})
        pairs = {**options, "settings": settings, "log": self.folder / "log"}.items()
        return [part for name, value in pairs for part in (f"--{name}", str(value))]

    def start(self):
        pool = self.folder / "initial.json"
        drawn = self.command_line(dataset=self.inputs["dataset"], output=pool)
        assert draw_initial_pool.main(drawn) == 0
        trained = self.command_line(**self.inputs, initial=pool, **self.outputs(0))
        assert train_initial.main(trained) == 0
        return self

    def run(self, first=1):
        for number in range(first, ROUNDS + 1):
            assert select_round.main(self.options(number)) == 0
        return self

    def state(self, number):
        return files.read_json(self.outputs(number)["record"])["state"]

    def contents(self):
        return {path.name: path.read_bytes() for path in self.folder.glob("round-*")}


@pytest.fixture(scope="module")
def uninterrupted(data, tmp_path_factory):
    """The finished chain of each strategy."""
    return {
        name: Chain(data, tmp_path_factory.mktemp(name), name).start().run() for name in STRATEGIES
    }


def test_a_round_starts_from_what_the_round_before_recorded(data, tmp_path, monkeypatch):
    real, seen = tailor.select_with_state, []

    def spied(pool, *arguments, **options):
        seen.append((pool.round, pool.state))
        return real(pool, *arguments, **options)

    monkeypatch.setattr(tailor, "select_with_state", spied)
    chain = Chain(data, tmp_path, "tailor").start().run()
    assert seen == [(number, chain.state(number - 1)) for number in range(1, ROUNDS + 1)]
    assert seen[0][1] == {}


def test_tailor_has_learnt_from_all_labels_but_those_of_the_last_batch(uninterrupted):
    chain = uninterrupted["tailor"]
    states = [chain.state(number) for number in range(1, ROUNDS + 1)]
    for number, state in enumerate(states):
        assert state["num_labeled"] == 20 + 15 * number
        assert sum(share for _, share in state["shares"]) == 15
        seen = 0.9**number * 30 + sum(15 * 0.9**age for age in range(number))
        assert np.sum(state["counts"]) == pytest.approx(seen)
    assert len({name for state in states for name, _ in state["shares"]}) == 3


def test_tcm_switches_by_the_number_of_the_round(data, tmp_path, monkeypatch, uninterrupted):
    called = []
    for name in ("typiclust", "margin"):
        real = getattr(tcm, name).select

        def spied(*arguments, name=name, real=real):
            called.append(name)
            return real(*arguments)

        monkeypatch.setattr(getattr(tcm, name), "select", spied)
    chain = Chain(data, tmp_path, "tcm").start().run()
    assert called == ["typiclust", "typiclust", "margin", "margin"]
    assert chain.contents() == uninterrupted["tcm"].contents()


@pytest.mark.parametrize("lost", [["json", "npz"], ["json"]])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_rounds_that_are_lost_are_made_again_with_equal_bytes(
    data, tmp_path, strategy, lost, uninterrupted
):
    chain = Chain(data, tmp_path, strategy).start().run()
    for number in (2, 3):
        for suffix in lost:
            (tmp_path / f"round-{number}.{suffix}").unlink()
    chain.run(first=2)
    assert chain.contents() == uninterrupted[strategy].contents()


@pytest.mark.parametrize("victim", ["round-3.npz", "round-3.json"])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_round_that_is_killed_is_made_again_with_equal_bytes(
    data, tmp_path, strategy, victim, uninterrupted
):
    chain = Chain(data, tmp_path, strategy).start()
    for number in (1, 2):
        for path in uninterrupted[strategy].outputs(number).values():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, victim, *chain.options(3)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not (tmp_path / "round-3.json").exists()
    chain.run(first=3)
    assert chain.contents() == uninterrupted[strategy].contents()
