"""Every kind of result file, damaged in every way, told in one line by everything that reads it.

Each job is run as the workflow runs it, in this process. What is damaged is named, with the cure;
the exit status is 2, nothing is written, and once the file is back the job runs.
"""

import argparse
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.damages import (
    DAMAGES,
    contents,
    flipped,
    one_byte_flipped,
    place_of,
    put_back,
    swapped,
    told,
)
from helpers.small_chain import CLASSES, World
from labelbench_core.datasets import open_dataset
from labelbench_core.errors import InputError
from labelbench_core.selection.data import open_round_data
from labelbench_core.storage import files
from labelbench_core.storage.records import read_record
from labelbench_core.storage.zero_shot_file import read_head
from workflow_scripts._job import run_job

# Of which bytes one bit is inverted: some, or all.
STEPS = [31, pytest.param(1, marks=pytest.mark.thorough)]
Case = tuple[Path, Path, list[Callable[[], int]]]


def of_data_set(name: str) -> Callable[[World], Case]:
    """A file of the data set."""

    def case(world: World) -> Case:
        chain, theirs = world.chain(), World(world.folder, "theirs")
        path, sibling = (place_of(one.data, name) for one in (world, theirs))
        return path, sibling, [chain.draw, chain.train_initial, lambda: chain.select(2)]

    return case


def of_embeddings(name: str, dataset: str, backbone: str) -> Callable[[World], Case]:
    """A file of the embeddings, and the same one of another data set or backbone."""

    def case(world: World) -> Case:
        chain, other = world.chain(), World(world.folder, dataset, backbone)
        path, sibling = (place_of(one.embeddings, name) for one in (world, other))
        return path, sibling, [chain.train_initial, lambda: chain.select(2)]

    return case


def of_views(name: str) -> Callable[[World], Case]:
    """A file of the views."""

    def case(world: World) -> Case:
        path, sibling = (
            place_of(one.views, name) for one in (world, World(world.folder, "theirs"))
        )
        return path, sibling, [lambda: open_views_of(world)]

    return case


def open_views_of(world: World) -> int:
    """Exit status of a job that opens the data of a proxy that is trained on views."""
    proxy = {"id": "shallow", "implementation": "shallow", "options": {"augmentation": "moved"}}
    settings = {**world.chain().settings, "proxy": proxy}
    manifests = [place / "manifest.json" for place in (world.data, world.embeddings, world.views)]

    def job(_: argparse.Namespace) -> None:
        data = open_round_data(settings, *manifests)
        assert [len(data.views[kind]) for kind in ("weak", "strong")] == [1, 1]

    return run_job(job, argparse.Namespace(log=None, gpus=0))


def zero_shot_head(world: World) -> Case:
    job = {"zero-shot": world.head}
    sibling = World(world.folder, "theirs").head
    return world.head, sibling, [lambda: world.chain().train_initial(**job)]


def initial_pool(world: World) -> Case:
    chain = world.chain()
    return chain.initial, world.chain(seed=1).initial, [chain.train_initial]


def of_round(file: int) -> Callable[[World], Case]:
    """A file of round 1: its record or its arrays."""

    def case(world: World) -> Case:
        chain, other = world.chain(), world.chain("random")
        return chain.files(1)[file], other.files(1)[file], [lambda: chain.select(2)]

    return case


CASES = {
    "data set's manifest": of_data_set("manifest.json"),
    "block of labels": of_data_set("arrays/pool-labels"),
    "labels' zarr.json": of_data_set("arrays/pool-labels/zarr.json"),
    "embeddings' manifest": of_embeddings("manifest.json", "ours", "other"),
    "block of embeddings": of_embeddings("arrays/test-clean", "theirs", "tiny"),
    "views' manifest": of_views("manifest.json"),
    "block of views": of_views("arrays/weak-0"),
    "zero-shot head": zero_shot_head,
    "initial pool": initial_pool,
    "round's record": of_round(0),
    "round's arrays": of_round(1),
}
# Where a byte may be such that nothing depends on it; each of their bytes is flipped below.
HAVE_IDLE_BYTES = ("labels' zarr.json", "zero-shot head")


@pytest.mark.parametrize("name", CASES)
def test_what_is_damaged_is_told(made: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    path, sibling, jobs = CASES[name](World(made, "ours"))
    selections = contents(made / "selections")
    for damage in DAMAGES:
        if name in HAVE_IDLE_BYTES and damage in (one_byte_flipped, swapped):
            continue
        with put_back(path):
            damage(path, sibling)
            before = contents(made / "selections")
            for job in jobs:
                told(job, path, capsys)
            assert contents(made / "selections") == before
    for job in jobs:
        assert job() == 0
    assert contents(made / "selections") == selections


@pytest.mark.parametrize("step", STEPS)
def test_a_byte_of_a_zarr_json_changes_nothing_or_is_told(made: Path, step: int) -> None:
    world = World(made, "ours")
    path = world.data / "arrays/pool-labels/zarr.json"
    whole, labels = path.read_bytes(), open_dataset(world.data).labels("pool")

    def read_labels() -> np.ndarray:
        return open_dataset(world.data).labels("pool")

    found = [
        read_or_error(path, flipped(whole, place), path.parent, read_labels)
        for place in range(0, len(whole), step)
    ]
    read = [labels for labels in found if labels is not None]
    assert all(np.array_equal(one, labels) and one.dtype == labels.dtype for one in read)
    assert len(read) < len(found) * 2 / 3


@pytest.mark.parametrize("step", STEPS)
def test_a_byte_of_a_head_changes_nothing_or_is_told(made: Path, step: int) -> None:
    world = World(made, "ours")
    whole, path = world.head.read_bytes(), world.head
    head = files.sha256_arrays(read_head(path, {}, CLASSES))

    def read() -> dict[str, np.ndarray]:
        return read_head(path, {}, CLASSES)

    for place in range(0, len(whole), step):
        found = read_or_error(path, flipped(whole, place), path, read)
        assert found is None or files.sha256_arrays(found) == head
    other = World(world.folder, "theirs")
    with pytest.raises(InputError, match="dataset is 'theirs', expected 'ours'"):
        read_head(other.head, {"dataset": "ours"}, CLASSES)
    with pytest.raises(InputError, match=r"weights \(6, 3\)"):
        read_head(other.head, {}, CLASSES + 1)


def read_or_error(path: Path, content: bytes, told_of: Path, read: Callable[[], Any]) -> Any:
    """What is read where `path` has this content; None where that ends with one clear line."""
    line = None
    with put_back(path):
        path.write_bytes(content)
        try:
            return read()
        except InputError as error:
            line = str(error)
    assert str(told_of) in line
    assert "\n" not in line
    return None


@pytest.mark.parametrize("step", STEPS)
def test_every_byte_of_a_record_counts(made: Path, step: int) -> None:
    world = World(made, "ours")
    for path, kind in (
        (world.chain().files(1)[0], "round"),
        (world.chain().initial, "initial pool"),
        (world.embeddings / "manifest.json", "embeddings"),
    ):
        whole = path.read_bytes()
        assert read_record(path, kind)["kind"] == kind
        for place in range(0, len(whole), step):
            found = read_or_error(
                path, flipped(whole, place), path, functools.partial(read_record, path, kind)
            )
            assert found is None
