"""Variables of MATLAB files (version 5)."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

from labelbench_core.errors import InputError


def read_variable(file: Path | io.BytesIO, name: str, *, squeeze: bool = False) -> Any:
    """A variable as an array; `InputError` with the reason alone if it cannot be read.

    Parameters
    ----------
    file
        Path, or content.
    name
        Name of the variable.
    squeeze
        Remove axes of length 1, as is usual for structures.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    # What SciPy raises for files that are damaged in one place or another.
    raised = (MatReadError, NotImplementedError, ValueError, TypeError, KeyError, IndexError)
    raised += (OSError, EOFError, zlib.error, struct.error, MemoryError, OverflowError)
    try:
        return loadmat(file, variable_names=[name], squeeze_me=squeeze)[name]
    except raised as error:
        raise InputError(f"not a whole MATLAB file with {name} ({error})") from error
