"""Checkouts that tests of this folder run the workflow in."""

import os
import shutil

import pytest

from helpers.checkouts import Workflow, checkout
from labelbench_core.storage import files


@pytest.fixture
def fresh(tmp_path):
    """A checkout without results."""
    return checkout(tmp_path / "fresh")


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """A folder of all processes of a parallel test session, for what each of them would make."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def _finished(shared):
    folder, done = shared / "finished" / "project", shared / "finished" / "done"
    with files.exclusive(shared / "finished"):
        if not done.exists():
            checkout(folder).snakemake()
            done.touch()
    return Workflow(folder)


@pytest.fixture
def finished(_finished, tmp_path):
    """A checkout in which the small experiment has run, to change at will."""
    shutil.copytree(_finished.folder, tmp_path / "project", symlinks=True)
    return Workflow(tmp_path / "project")
