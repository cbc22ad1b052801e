"""Which unlabelled rows of a pool to have labelled next; one file per method.

`python -m labelbench_core.strategies --list` prints what exists.
"""

from labelbench_core.strategies.dispatch import select, select_with_state
from labelbench_core.strategies.pool import Head, MissingInput, Pool

__all__ = ["Head", "MissingInput", "Pool", "select", "select_with_state"]
