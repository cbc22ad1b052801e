"""What multi-label strategies make of probabilities: decision values, predicted labels, margins.

The papers' decision values f are those of support vector machines, positive where a label is
predicted. Here f = 2p − 1, between −1 and 1: positive from p = ½ on, where metrics count a label as
predicted, too.
"""

import numpy as np

from labelbench_core.strategies.arrays import Rows, cast, host
from labelbench_core.strategies.pool import Pool


def probabilities_of(pool: Pool, rows: np.ndarray) -> np.ndarray:
    """(n, C) float64 probabilities of some rows, in main memory.

    They are read in one pass over the pool, without a copy of the rest of it.
    """
    place = np.full(pool.num_rows, -1)
    place[rows] = np.arange(len(rows))
    found = np.empty((len(rows), pool.num_classes))

    def keep(first: int, chunk: np.ndarray) -> None:
        places = place[first : first + len(chunk)]
        wanted = places >= 0
        found[places[wanted]] = host(cast(chunk, "float64"))[wanted]

    Rows(pool.probabilities).for_chunks(keep)
    return found


def cardinality_gaps(p: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(n,) difference between a row's number of predicted labels and the labelled rows' mean.

    Parameters
    ----------
    p
        (n, C).
    labels
        (L, C) of 0 and 1.
    """
    # Whole numbers times L: rows of equally many labels have equal gaps.
    predicted = (p >= 0.5).sum(axis=1)
    return abs(predicted * len(labels) - int(labels.sum())) / len(labels)


def separation_margins(p: np.ndarray) -> np.ndarray:
    """(n,) gap in 2p − 1 between the least of the predicted labels and the largest of the others.

    Where all labels are predicted, or none, the least or the largest one changes sides: so the
    margin stays continuous in p. One label alone is compared with its absence.
    """
    classes = p.shape[1]
    if classes == 1:
        return abs(2 * p[:, 0] - 1)
    ordered = np.sort(p, axis=1)[:, ::-1]
    cut = np.clip((p >= 0.5).sum(axis=1), 1, classes - 1)
    rows = np.arange(len(p))
    return 2 * (ordered[rows, cut - 1] - ordered[rows, cut])
