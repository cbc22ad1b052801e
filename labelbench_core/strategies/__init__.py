"""Which unlabelled rows of a pool to have labelled next; one file per method.

`python -m labelbench_core.strategies --list` prints what exists.
"""

from labelbench_core.strategies.pool import Head, MissingInput, Pool
from labelbench_core.strategies.selection import select, select_with_state

__all__ = ["Head", "MissingInput", "Pool", "select", "select_with_state"]
