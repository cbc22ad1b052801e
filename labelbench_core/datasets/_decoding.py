"""Images as squares of pixels: the name by which scripts import it."""

from labelbench_core.datasets.images.decoding import decode_square

__all__ = ["decode_square"]
