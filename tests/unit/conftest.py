"""What unit tests share."""

import pytest


@pytest.fixture
def one_thread():
    """One thread for torch, put back afterwards: small networks gain nothing from more."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
