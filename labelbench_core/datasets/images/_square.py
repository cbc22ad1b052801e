"""A decoded image as a square, in the way that the network expects."""

from PIL import Image

from labelbench_core.datasets.images.framing import Framing, offset


def to_square(image: Image.Image, size: int, framing: Framing) -> Image.Image:
    """An RGB image in `size` x `size` pixels: its centre, padded or squashed.

    It needs the whole image: a central square cannot be squashed.
    """
    resample = Image.Resampling.BICUBIC
    if framing.resize_mode == "shortest":
        side = min(image.size)
        left, top = (image.width - side) / 2, (image.height - side) / 2
        return image.resize((size, size), resample, box=(left, top, left + side, top + side))
    height, width = framing.scaled(image.height, image.width, size)
    scaled = image.resize((width, height), resample)
    if (height, width) == (size, size):
        return scaled
    filled = Image.new("RGB", (size, size), framing.fill)
    filled.paste(scaled, (-offset(width, size), -offset(height, size)))
    return filled
