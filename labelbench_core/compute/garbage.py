"""Fewer looks for garbage where many objects are made that stay."""

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def rarely_collected() -> Iterator[None]:
    """Python looks for reference cycles a hundred times less often.

    Each look goes through all that has been made since the last one, and some through everything.
    """
    usual = gc.get_threshold()
    gc.set_threshold(100_000, 50)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
