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
def _finished(tmp_path_factory):
    # One run for all processes of a parallel test session.
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    folder, done = base / "finished" / "project", base / "finished" / "done"
    with files.exclusive(base / "finished"):
        if not done.exists():
            checkout(folder).snakemake()
            done.touch()
    return Workflow(folder)


@pytest.fixture
def finished(_finished, tmp_path):
    """A checkout in which the small experiment has run, to change at will."""
    shutil.copytree(_finished.folder, tmp_path / "project", symlinks=True)
    return Workflow(tmp_path / "project")
