"""Commands whose output goes into a pipe: its reader, such as `head`, may leave before the end."""

import functools
import os
import sys
from collections.abc import Callable
from typing import ParamSpec

CUT_SHORT = 141
"""Exit status of a check whose reader has left, as shells give it to what a closed pipe ends."""

Arguments = ParamSpec("Arguments")
Main = Callable[Arguments, int]


def until_reader_leaves(status: int = 0) -> Callable[[Main[Arguments]], Main[Arguments]]:
    """A command's `main` that ends quietly, with `status`, when nobody reads its output.

    Who reads no further has seen enough of a list. A check has not come to its end: `CUT_SHORT`.
    """

    def quiet(main: Main[Arguments]) -> Main[Arguments]:
        @functools.wraps(main)
        def quiet_main(*args: Arguments.args, **options: Arguments.kwargs) -> int:
            try:
                done = main(*args, **options)
                sys.stdout.flush()
            except BrokenPipeError:
                # Python would flush again when it ends, and complain.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                return status
            return done

        return quiet_main

    return quiet
