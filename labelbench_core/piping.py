"""Commands whose output goes into a pipe: its reader, such as `head`, may leave before the end."""

import functools
import os
import sys
from collections.abc import Callable
from typing import ParamSpec

READER_LEFT = 141  # the exit status that shells give to a command which a closed pipe has ended

Arguments = ParamSpec("Arguments")


def until_reader_leaves(main: Callable[Arguments, int]) -> Callable[Arguments, int]:
    """A command's `main` that ends quietly, with `READER_LEFT`, when nobody reads its output."""

    @functools.wraps(main)
    def quiet_main(*args: Arguments.args, **options: Arguments.kwargs) -> int:
        try:
            status = main(*args, **options)
            sys.stdout.flush()
        except BrokenPipeError:
            # Python would flush again when it ends, and complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return READER_LEFT
        return status

    return quiet_main
