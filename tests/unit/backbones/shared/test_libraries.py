"""Libraries of models come without torch's compiler, and the compiler works when it is wanted."""

import subprocess
import sys

import pytest

BEGIN = """
import sys
from labelbench_core.backbones.shared import libraries
"""
LEAN = """
timm = libraries.timm()
open_clip = libraries.open_clip()
network = timm.create_model("tf_efficientnet_lite0", num_classes=0)
assert network.num_features == 1280
from labelbench_core.compute.flops import flops_per_image
assert flops_per_image(network.eval(), 32) > 0
assert "torch._dynamo" not in sys.modules, "the compiler was imported"
"""
OPERATOR = """
import torch, torchvision
box = [torch.tensor([[0.0, 0.0, 4.0, 4.0]])]
assert torchvision.ops.roi_align(torch.ones(1, 3, 8, 8), box, 2).shape == (1, 3, 2, 2)
"""
COMPILED = """
import torch
double = torch.compile(lambda x: 2 * x, backend="eager")
assert double(torch.ones(2)).tolist() == [2, 2]
"""
LEFT_ALONE = """
import torch
from timm.models.naflexvit import NaFlexRopeIterator
rope = timm.create_model("naflexvit_base_patch16_gap", num_classes=0)
assert rope(torch.zeros(1, 3, 32, 32)).shape == (1, 768)
"""
ANOTHER_PART = """
with libraries._without_compiler():
    import torch._dynamo.config
    from torch._dynamo import utils
import torch._dynamo as real
assert real.__file__ and torch._dynamo.config is real.config and utils is real.utils
assert sys.modules["torch._dynamo.config"] is real.config
"""
ANOTHER_NAME = """
with libraries._without_compiler():
    from torch._dynamo.utils import counters
    from torch._dynamo import reset
import torch._dynamo as real
assert counters is real.utils.counters and reset is real.reset
"""
BROKEN = """
try:
    with libraries._without_compiler():
        raise ImportError("no such library")
except ImportError:
    pass
assert "torch._dynamo" not in sys.modules
assert not any(isinstance(finder, libraries._OtherParts) for finder in sys.meta_path)
"""


def run(code):
    return subprocess.run(
        [sys.executable, "-c", BEGIN + code], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "code",
    [
        BROKEN + LEAN,
        pytest.param(LEAN + OPERATOR + COMPILED + LEFT_ALONE, marks=pytest.mark.thorough),
        pytest.param(ANOTHER_PART + "libraries.timm()\n" + OPERATOR, marks=pytest.mark.thorough),
        pytest.param(ANOTHER_NAME, marks=pytest.mark.thorough),
    ],
    ids=["not imported", "as the jobs do", "another part", "another name"],
)
def test_the_compiler_is_not_imported_and_works(code):
    done = run(code)
    assert done.returncode == 0, done.stderr
