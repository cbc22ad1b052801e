"""Reading Parquet by pyarrow, which need not be installed."""

import contextlib
from collections.abc import Iterator
from typing import Any

from labelbench_core.errors import InputError


@contextlib.contextmanager
def parquet_reader(place: object, otherwise: str) -> Iterator[Any]:
    """`pyarrow.parquet`; one line where it is not installed, or cannot read the file at `place`.

    `otherwise` is what to do without the package, such as "save the table as CSV".
    """
    try:
        import pyarrow  # pyright: ignore[reportMissingImports]  # need not be installed
        import pyarrow.parquet as parquet  # pyright: ignore[reportMissingImports]  # nor this
    except ImportError as error:
        raise InputError(
            f"{place}: reading Parquet needs the package pyarrow, which is not installed; install "
            f"it, or {otherwise}"
        ) from error
    try:
        yield parquet
    except (pyarrow.ArrowException, OSError) as error:
        told = " ".join(str(error).split())
        raise InputError(f"{place}: not a readable Parquet file ({told})") from error
