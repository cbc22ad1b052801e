"""MMC (Yang et al. 2009): maximum loss reduction with maximal confidence; multi-label only.

Score of a row: Σ_i (1 − ŷ_i f_i) / 2 over the labels i, highest first, where f are decision values
and ŷ_i is 1 or −1: how much the loss is expected to shrink if ŷ are the row's labels. ŷ is 1 for
the m labels of highest f, where m is the most likely number of labels by a logistic regression. The
regression is trained on the labelled rows: its input is a row's probabilities, sorted from the
highest to the lowest and divided by their sum; its classes are the numbers of labels that occur.

The paper's f are decision values of support vector machines, mapped to probabilities for the
regression; here f = 2p − 1, with the probabilities p of the proxy (as in the library libact). So
the score is Σ_i of 1 − p_i where label i is assigned, and of p_i where it is not. The regression is
L2-penalised, with a penalty of 1, on the bias too; the paper says nothing of a penalty. Equal
scores go to the lowest index.
"""

import numpy as np

from labelbench_core.compute.logistic import solve
from labelbench_core.strategies.kernels.relevance import probabilities_of
from labelbench_core.strategies.kernels.scores import lowest
from labelbench_core.strategies.pool import Pool

INFO = {
    "name": "MMC",
    "paper": "Yang et al. 2009",
    "rule": "largest expected loss reduction if a row has its most likely number of labels",
    "cost": "N C log C, and a regression on L C",
    "needs": ["probabilities", "labels"],
    "multilabel": "only",
    "kind": "strategy",
    "deterministic": True,
}
PENALTY = 1.0  # of the squared weights, against the sum of the losses
TOLERANCE = 1e-4  # of the gradient's norm
MAX_ITERATIONS = 500


def select(pool: Pool, budget: int, rng: np.random.Generator) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, largest expected loss reduction first."""
    unlabeled = pool.unlabeled()
    sizes = pool.labels.sum(axis=1)
    p = probabilities_of(pool, np.concatenate([pool.labeled, unlabeled]))
    known, p = p[: len(sizes)], p[len(sizes) :]
    ordered = np.sort(p, axis=1)[:, ::-1]
    counts = predicted_sizes(_profiles(known), sizes, _profiles(p))
    scores = np.zeros(pool.num_rows)
    scores[unlabeled] = -loss_reductions(ordered, counts)
    return lowest(scores, unlabeled, budget)


def loss_reductions(ordered: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """(n,) Σ (1 − ŷ f) / 2 where the first labels of a row are assigned, as many as `counts` says.

    Parameters
    ----------
    ordered
        (n, C) probabilities, each row from the highest to the lowest.
    """
    assigned = np.arange(ordered.shape[1]) < counts[:, None]
    return np.where(assigned, 1 - ordered, ordered).sum(axis=1)


def predicted_sizes(known: np.ndarray, sizes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(n,) the most likely number of labels of other rows; equally likely ones: the lowest.

    Parameters
    ----------
    known, others
        (L, C) and (n, C) profiles.
    sizes
        (L,) numbers of labels of the known rows.
    """
    values, classes = np.unique(sizes, return_inverse=True)
    if len(values) == 1:
        return np.full(len(others), values[0])
    found = solve(
        known.astype(np.float32), classes, len(values), PENALTY, TOLERANCE, MAX_ITERATIONS
    )
    return values[(others @ found.weights + found.bias).argmax(axis=1)]


def _profiles(p: np.ndarray) -> np.ndarray:
    """(n, C) each row from its highest to its lowest value, divided by their sum."""
    ordered = np.sort(p, axis=1)[:, ::-1]
    sums = ordered.sum(axis=1, keepdims=True)
    return ordered / np.where(sums > 0, sums, 1)
