"""Networks of `torch.export` that take something else than images."""

import re

import pytest
import torch

from labelbench_core.backbones import exported_model
from labelbench_core.errors import InputError
from tests.helpers.own_models import GIVEN


class TwoInputs(torch.nn.Module):
    """The sum of two images."""

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """(B, 3, H, W)."""
        return first + second


def test_a_network_of_two_inputs_is_refused(tmp_path):
    image = torch.zeros(1, 3, 8, 8)
    path = tmp_path / "two.pt2"
    torch.export.save(torch.export.export(TwoInputs(), (image, image)), path)
    told = rf"^file: {re.escape(str(path))}: 2 inputs; allowed: one, the images$"
    with pytest.raises(InputError, match=told):
        exported_model.check_known(file=str(path), **GIVEN)
