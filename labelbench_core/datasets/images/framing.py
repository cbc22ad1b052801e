"""How an image that is not square is made square."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from labelbench_core import registry

RESIZE_MODES = ("shortest", "longest", "squash")


class Framing(NamedTuple):
    """Which part of an image a network sees, and what is put around it.

    Attributes
    ----------
    resize_mode
        As in OpenCLIP. "shortest": the shorter side fits, the longer one is cropped at both ends
        (timm's `crop_mode: center`). "longest": the longer side fits, the shorter one is padded at
        both ends (timm's "border"). "squash": both sides fit, each scaled independently.
    fill
        RGB colour of the padding of "longest".
    """

    resize_mode: str = "shortest"
    fill: tuple[int, int, int] = (0, 0, 0)

    def scaled(self, height: int, width: int, size: int) -> tuple[int, int]:
        """Height and width of an image after scaling, before it is cropped or padded to `size`.

        Rounded as torchvision's `Resize` does for "shortest", and timm's and OpenCLIP's
        `ResizeKeepRatio` for "longest".
        """
        if self.resize_mode == "squash" or height == width:
            return size, size
        if self.resize_mode == "shortest":
            short, long = sorted((height, width))
            longer = int(size * long / short)
            return (longer, size) if height > width else (size, longer)
        ratio = max(height, width) / size
        return max(1, round(height / ratio)), max(1, round(width / ratio))


SHORTEST = Framing()


def offset(length: int, size: int) -> int:
    """Where the middle `size` of `length` pixels begin; negative: how many are missing before them.

    Rounded as torchvision's `CenterCrop` and OpenCLIP's `CenterCropOrPad` do.
    """
    if length >= size:
        return round((length - size) / 2.0)
    return -((size - length) // 2)


def framing_of(entry: Mapping[str, Any]) -> Framing:
    """The `framing` of the backbone of a catalogue entry, whose network is not built.

    A backbone's module has a function `framing` of the options, where the framing depends on them.
    """
    component = registry.load("backbones", entry["implementation"])
    if not hasattr(component, "framing"):
        return SHORTEST
    return component.framing(**registry.options_of(entry))
