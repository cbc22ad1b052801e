"""Every kind of result file, damaged in every way, told in one line by everything that reads it.

Each job is run as the workflow runs it, in this process. What is damaged is named, with the cure;
the exit status is 2, nothing is written, and once the file is back the job runs.
"""

import argparse
import contextlib
import functools
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_chain import CLASSES, World, describe

from labelbench_core import files, store
from labelbench_core.datasets import open_dataset
from labelbench_core.errors import InputError
from labelbench_core.result_files import read_record, write_record
from labelbench_core.round_data import open_round_data
from labelbench_core.seeds import rng_for
from labelbench_core.zero_shot_file import read_head
from workflow_scripts._job import run_job

PROJECT = Path(__file__).resolve().parents[2]
# Of which bytes one bit is inverted: some, or all.
STEPS = [31, pytest.param(1, marks=pytest.mark.thorough)]
DIGESTS = ("record_sha256", "arrays_sha256")
Fault = Callable[[Path, Path], None]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results: two data sets, two backbones; chains that differ in one id each."""
    folder = tmp_path_factory.mktemp("results")
    for dataset, backbone in (("ours", "other"), ("theirs", "tiny"), ("ours", "tiny")):
        world = World(folder, dataset, backbone)
        if backbone == "tiny":
            world.write_data()
        world.write_embeddings()
    for dataset, backbone in (("ours", "other"), ("theirs", "tiny")):
        World(folder, dataset, backbone).chain().run(1)
    for different in (
        {"strategy": "random"},
        {"seed": 1},
        {"schedule": "another"},
        {"proxy": "another"},
    ):
        world.chain(**different).run(1)
    world.chain().run(2)
    return folder


@pytest.fixture
def world(made: Path, tmp_path: Path) -> Iterator[World]:
    """A copy of these results that may be damaged."""
    shutil.copytree(made, tmp_path / "results")
    return World(tmp_path / "results", "ours")


@contextlib.contextmanager
def put_back(*paths: Path) -> Iterator[None]:
    """Afterwards these files are as before."""
    whole = {path: path.read_bytes() for path in paths}
    try:
        yield
    finally:
        for path, content in whole.items():
            if path.is_dir():
                path.rmdir()
            path.write_bytes(content)


def truncated(path: Path, _: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def one_byte_flipped(path: Path, _: Path) -> None:
    content = path.read_bytes()
    place = int(rng_for("flip", path.name).integers(len(content)))
    path.write_bytes(flipped(content, place))


def half_inverted(path: Path, _: Path) -> None:
    content = np.frombuffer(path.read_bytes(), np.uint8).copy()
    content[: len(content) // 2] ^= 255
    path.write_bytes(content.tobytes())


def swapped(path: Path, sibling: Path) -> None:
    shutil.copyfile(sibling, path)


def missing(path: Path, _: Path) -> None:
    path.unlink()


def a_folder(path: Path, _: Path) -> None:
    path.unlink()
    path.mkdir()


def holding(text: str) -> Fault:
    def write(path: Path, _: Path) -> None:
        path.write_text(text)

    write.__name__ = f"holds {text[:12]!r}"
    return write


DAMAGES = [
    *(truncated, one_byte_flipped, half_inverted, swapped, missing, a_folder),
    *map(holding, ["", "{}", "[]", "5", "null", "NaN", '"text"', "[" * 100_000]),
]


def told(job: Callable[[], int], path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that a job ends with, which must name `path` or a file in it."""
    capsys.readouterr()
    assert job() == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    assert str(path) in lines[0]
    assert "again" in lines[0] or "cannot be read" in lines[0]
    assert len(lines[0]) < 3 * len(str(path)) + 400
    return lines[0]


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
    proxy = {"implementation": "shallow", "options": {"augmentation": "moved"}}
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


def place_of(folder: Path, name: str) -> Path:
    """A file by its name; of an array, its first block."""
    path = folder / name
    return path if path.suffix else next(p for p in (path / "c").rglob("*") if p.is_file())


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


@pytest.mark.parametrize(
    ("other", "told_of"),
    [
        ({"strategy": "random"}, "strategy is 'random', expected 'margin'"),
        ({"seed": 1}, "seed is 1, expected 0"),
        ({"schedule": "another"}, "schedule is 'another', expected 'small'"),
        ({"proxy": "another"}, "proxy is 'another', expected 'linear'"),
        ({"backbone": "other"}, "backbone is 'other', expected 'tiny'"),
        ({"dataset": "theirs"}, "dataset is 'theirs', expected 'ours'"),
        ({"round": 0}, "is 0, expected 1|strategy is 'initial', expected 'margin'"),
    ],
)
def test_a_round_of_another_chain_is_refused(
    made: Path, capsys: pytest.CaptureFixture[str], other: dict, told_of: str
) -> None:
    world = World(made, "ours")
    chain, number = world.chain(), other.get("round", 1)
    place = {key: other[key] for key in ("dataset", "backbone") if key in other}
    theirs = World(world.folder, **{"dataset": "ours", **place})
    ids = {key: other[key] for key in other if key not in (*place, "round")}
    with put_back(*chain.files(1)):
        for source, target in zip(theirs.chain(**ids).files(number), chain.files(1), strict=True):
            shutil.copyfile(source, target)
        line = told(lambda: chain.select(2), chain.files(1)[0], capsys)
    assert re.search(told_of, line)


def test_arrays_of_the_round_before_are_no_arrays_of_this_one(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    chain = world.chain()
    shutil.copyfile(chain.files(0)[1], chain.files(1)[1])
    line = told(lambda: chain.select(2), chain.files(1)[1], capsys)
    assert "arrays_sha256 in round-1.json" in line


def test_a_round_on_other_embeddings_or_labels_is_refused(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """The data set or its embeddings were made again; this round was not."""
    chain = world.chain()
    manifest = world.embeddings / "manifest.json"
    content = files.read_json(manifest)
    write_record(manifest, "embeddings", {**content, "fingerprint": "others"})
    assert "source is 'clean', expected 'others'" in told(
        lambda: chain.select(2), chain.files(1)[0], capsys
    )
    data = files.read_json(world.data / "manifest.json")
    write_record(world.data / "manifest.json", "data set", {**data, "fingerprint": "changed"})
    line = told(lambda: chain.select(2), manifest, capsys)
    assert "dataset_fingerprint is 'fingerprint of ours', expected 'changed'" in line
    told(chain.train_initial, manifest, capsys)
    write_record(manifest, "embeddings", {**content, "dataset_fingerprint": "changed"})
    told(chain.train_initial, chain.initial, capsys)


def test_the_rounds_of_a_seed_are_a_hash_chain(made: Path) -> None:
    chain = World(made, "ours").chain()
    for number in range(3):
        record, arrays = chain.files(number)
        content = read_record(record, "round")
        assert content["arrays_sha256"] == files.sha256_file(arrays)
        before = dict(zip(DIGESTS, chain.files(number - 1), strict=True)) if number else {}
        before = before or {"record_sha256": chain.initial}
        expected = {key: files.sha256_file(path) for key, path in before.items()}
        assert content["previous"] == expected


def test_a_job_killed_between_its_two_files_is_made_again(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    chain = world.chain()
    record, arrays = chain.files(1)
    whole = record.read_bytes(), arrays.read_bytes()
    files.write_npz(arrays, labeled=np.arange(18))  # as another run would have it
    told(lambda: chain.select(2), arrays, capsys)
    record.unlink()
    told(lambda: chain.select(2), record, capsys)
    assert chain.select(1) == chain.select(2) == 0
    assert (record.read_bytes(), arrays.read_bytes()) == whole


def test_other_labels_that_are_valid_in_themselves_are_refused(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = world.data / "arrays/test-labels"
    labels = open_dataset(world.data).labels("test")
    shutil.rmtree(folder)
    store.write_array(folder, np.roll(labels, 1))
    chain = world.chain()
    for job in (chain.train_initial, lambda: chain.select(2)):
        told(job, place_of(folder.parent, folder.name), capsys)


@pytest.mark.parametrize("listed", [describe("test"), describe("pool")[::-1], {}, [], 5, [[1, 2]]])
def test_another_listing_of_files_is_refused(world: World, listed: object) -> None:
    path = world.data / "arrays/pool-files.json"
    assert len(open_dataset(world.data).images("pool")) == 60
    files.write_json(path, listed)
    opened = open_dataset(world.data)
    for read in (lambda: opened.images("pool"), opened.verify):
        with pytest.raises(InputError, match="does not match its SHA-256 in the manifest"):
            read()


@pytest.mark.parametrize("text", ["", "{}", "[]", "5", '{"PATH": 5}', '{"PATH": [5]}', "[" * 10**5])
def test_what_this_machine_remembers_is_never_believed_blindly(
    world: World, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    folder = world.data / "arrays/pool-labels"
    for manifest in (world.data, world.embeddings):
        manifest.joinpath(".checked.json").write_text(text.replace("PATH", str(folder.resolve())))
    chain = world.chain()
    assert chain.select(2) == 0
    half_inverted(place_of(folder.parent, folder.name), Path())
    told(lambda: chain.select(2), folder, capsys)


def test_results_that_cannot_be_written_to_can_be_read(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in (world.data, world.embeddings):
        folder.joinpath(".checked.json").unlink()
        folder.joinpath(".checked.json").mkdir()  # what cannot be replaced, even by root
    chain = world.chain()
    assert chain.select(2) == 0
    half_inverted(place_of(world.data, "arrays/pool-labels"), Path())
    told(lambda: chain.select(2), world.data / "arrays/pool-labels", capsys)


def test_a_round_stays_cheap(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is hashed twice but the round before; nothing heavy is imported."""
    chain = world.chain()
    assert chain.select(2) == 0
    hashed: list[Path] = []
    real = files.sha256_file
    monkeypatch.setattr(files, "sha256_file", lambda path: hashed.append(Path(path)) or real(path))
    assert chain.select(2) == 0
    assert [path.name for path in hashed if "partial" not in path.name] == ["round-1.npz"]
    command = "import sys, workflow_scripts.select_round; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", command], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert not {"torch", "zarr", "pandas", "sklearn", "PIL", "yaml"} & set(done.stdout.split())


def flipped(content: bytes, place: int) -> bytes:
    """`content` with one bit of the byte `place` inverted."""
    return content[:place] + bytes([content[place] ^ 1 << place % 8]) + content[place + 1 :]


def contents(folder: Path) -> dict[str, bytes]:
    """Every result by its path; what this machine remembers of blocks is none."""
    return {
        str(path): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".checked.json"
    }
