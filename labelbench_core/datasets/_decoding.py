"""Images as squares of pixels: the name that scripts outside of the project know.

Here, what it stands for is imported from where it is.
"""

from labelbench_core.datasets.images.decoding import decode_square

__all__ = ["decode_square"]
