"""How many blocks of an array are written."""

import pytest

from labelbench_core.storage import store


def count_blocks_written(action):
    """How many blocks `action` writes."""
    real, calls = store.write_block, []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "write_block", lambda *a: calls.append(a[1]) or real(*a))
        action()
    return len(calls)
