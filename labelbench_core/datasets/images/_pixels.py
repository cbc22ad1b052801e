"""Converting images of every Pillow mode to 8-bit RGB without losing content.

The rule: greyscale of more than 8 bits is scaled by the range that its format defines, so that its
white becomes 255; if none is defined (32-bit integers and floats), the image is refused by name.
Transparent parts show the background. Colour profiles (ICC) are not applied: pretrained networks
were trained on images read that way.
"""

from typing import Any

import numpy as np
from PIL import Image

from labelbench_core.errors import InputError

GROUNDS = {"white": (255, 255, 255), "black": (0, 0, 0)}

_OPAQUE = frozenset({"1", "L", "RGB", "RGBX", "CMYK", "YCbCr", "HSV"})
_WITH_ALPHA = frozenset({"LA", "La", "PA", "P", "RGBA", "RGBa"})
_SIXTEEN_BITS = frozenset({"I;16", "I;16L", "I;16B", "I;16N"})
_WHITE_16, _WHITE_12 = 65535, 4095
# Formats whose mode I holds 16 bits, stretched to their whole range by Pillow's reader.
_INTEGERS_OF_16_BITS = frozenset({"PNG", "PPM"})
_NAMES = {"I": "32-bit or signed integers", "F": "32-bit floats"}
_PHOTOMETRIC, _WHITE_IS_ZERO = 262, 0
# A transparent grey or colour as PNG stores it, in bits of the file → as Pillow's 8-bit pixels.
_STRETCHED = {"L;2": 85, "L;4": 17}


def to_rgb(image: Image.Image, ground: str = "white", stored: str = "") -> Image.Image:
    """`image` as mode RGB; `InputError` that says why it cannot be shown in 8 bits.

    Parameters
    ----------
    image
        Loaded, of any mode.
    ground
        A key of `GROUNDS`: what shows where the image is transparent.
    stored
        Pillow's raw mode of the file, such as "L;4": how many bits its values have there.
    """
    mode = image.mode
    if mode in _WITH_ALPHA:
        if mode == "La":  # Pillow knows no direct way
            image = image.convert("LA")
        return _composed(image.convert("RGBA"), ground)
    transparent = _transparent(image, stored)
    if mode in _SIXTEEN_BITS or (mode == "I" and image.format in _INTEGERS_OF_16_BITS):
        shown = _eight_bits(image, _WHITE_12 if stored == "I;12" else _WHITE_16)
    elif mode == "LAB":
        shown = _from_lab(image)
    elif mode in _OPAQUE:
        # A transparent colour would make `convert` warn or look for a new one.
        image.info.pop("transparency", None)
        shown = image.convert("RGB")
    else:
        raise InputError(
            f"mode {mode} ({_NAMES.get(mode, 'unknown here')}) does not define white; save it "
            f"with 8 or "
            "16 bits per channel"
        )
    if transparent is None:
        return shown
    shown = shown.convert("RGBA")
    shown.putalpha(Image.fromarray(np.where(transparent, 0, 255).astype(np.uint8)))
    return _composed(shown, ground)


def _composed(image: Image.Image, ground: str) -> Image.Image:
    """An RGBA image over its background."""
    below = Image.new("RGBA", image.size, (*GROUNDS[ground], 255))
    return Image.alpha_composite(below, image).convert("RGB")


def _eight_bits(image: Image.Image, white: int) -> Image.Image:
    """Grey of 12 or 16 bits, scaled so that `white` becomes 255 and rounded."""
    # In 32 bits: 65535 * 255 + 32767 fits.
    values = np.asarray(image).astype(np.uint32)
    tags: Any = getattr(image, "tag_v2", {})
    if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
        values = white - np.minimum(values, white)
    scaled = (np.minimum(values, white) * 255 + white // 2) // white
    return Image.fromarray(scaled.astype(np.uint8)).convert("RGB")


def _from_lab(image: Image.Image) -> Image.Image:
    """CIE L*a*b* of white point D50, as TIFF stores it, in sRGB, by Pillow's LittleCMS."""
    try:
        return image.convert("RGB")
    except (ImportError, ValueError) as error:
        raise InputError(
            f"mode LAB: this build of Pillow cannot convert it ({error}); save it as RGB"
        ) from error


def _transparent(image: Image.Image, stored: str) -> np.ndarray | None:
    """(H, W) bool: where the one colour stands that the file calls transparent; None without."""
    color = image.info.get("transparency")
    if color is None:
        return None
    if image.mode == "RGB":
        if not isinstance(color, tuple):
            return None
        # Pillow keeps the high byte of 16-bit colours, but not of this one.
        shift = 8 if stored.startswith("RGB;16") else 0
        return (np.asarray(image) == np.array(color) >> shift).all(axis=2)
    if not isinstance(color, int):
        return None
    values = np.asarray(image.convert("L") if image.mode == "1" else image)
    return values == color * _STRETCHED.get(stored, 1)
