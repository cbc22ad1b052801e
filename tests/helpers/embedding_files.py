"""Files of one's own embeddings, and what is told of them before any job."""

import numpy as np
import pytest

from labelbench_core.configuration.sources.source_sizes import source_sizes
from labelbench_core.errors import InputError

SIZES = {"pool": 30, "test": 12}
TWO_FILES = {"splits": {"pool": "pool.npz", "test": "test.npz"}}


def random_rows():
    """Split → embeddings (N, 5) float32 and labels (N,)."""
    rng = np.random.default_rng(0)
    return {
        split: (rng.standard_normal((size, 5)).astype(np.float32), np.arange(size) % 3)
        for split, size in SIZES.items()
    }


def save(folder, rows):
    """`pool.npz` and `test.npz`."""
    for split, (embeddings, labels) in rows.items():
        np.savez(folder / f"{split}.npz", embeddings=embeddings, labels=labels)


def told(folder, options=TWO_FILES):
    """What is told before any job; one line."""
    with pytest.raises(InputError) as error:
        source_sizes({"implementation": "own-embeddings", "options": options}, folder)
    assert "\n" not in str(error.value)
    assert "allowed: " in str(error.value) or "not a readable array" in str(error.value)
    return str(error.value)
