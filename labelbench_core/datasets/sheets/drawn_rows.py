"""Some rows of each class of a pool, drawn at random, to be shown."""

from collections.abc import Iterator

import numpy as np

from labelbench_core.datasets import POOL, RawDataset, RawSplit
from labelbench_core.seeds import rng_for

MOST_CLASSES = 20
PER_CLASS = 8


def drawn_rows(raw: RawDataset) -> Iterator[tuple[str, RawSplit, list[int]]]:
    """The name of each of the first 20 classes, the pool, and up to 8 rows of the class."""
    pool = raw.splits[POOL]
    for label, name in enumerate(raw.class_names[:MOST_CLASSES]):
        several = pool.labels.ndim > 1
        rows = np.flatnonzero(pool.labels[:, label] if several else pool.labels == label)
        drawn = rng_for("contact-sheet", label).permutation(rows)[:PER_CLASS]
        yield name, pool, drawn.tolist()
