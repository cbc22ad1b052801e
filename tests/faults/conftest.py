"""Results that tests of this folder damage."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.small_chain import World


@pytest.fixture(scope="session")
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
