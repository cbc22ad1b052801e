"""Images as squares of pixels: the name by which scripts outside of the project import this.

The function itself is in `images.decoding`.
"""

from labelbench_core.datasets.images.decoding import decode_square

__all__ = ["decode_square"]
