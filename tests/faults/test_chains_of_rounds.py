"""What a round is made from is what it says: files that are whole, but others, are refused."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from helpers.damages import half_inverted, place_of, put_back, told
from helpers.project import PROJECT
from helpers.small_chain import World, describe
from labelbench_core.datasets import open_dataset
from labelbench_core.errors import InputError
from labelbench_core.storage import files, store
from labelbench_core.storage.records import read_record, write_record

DIGESTS = ("record_sha256", "arrays_sha256")


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
