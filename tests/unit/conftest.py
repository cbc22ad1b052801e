"""What unit tests share."""

import copy

import pytest

from helpers.project import PROJECT
from labelbench_core.configuration.catalogue import load_catalogue
from labelbench_core.storage.yaml_files import read_yaml


@pytest.fixture
def one_thread():
    """One thread for torch, put back afterwards: small networks gain nothing from more."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def whole_catalogue():
    """The repository's own, as it is."""
    return load_catalogue(PROJECT / "config" / "catalogue")


@pytest.fixture
def catalogue(whole_catalogue):
    """The repository's own, for a test to change."""
    return copy.deepcopy(whole_catalogue)


@pytest.fixture
def quickstart():
    """The quickstart's experiment, as it is written."""
    return read_yaml(PROJECT / "config" / "config.yaml")
