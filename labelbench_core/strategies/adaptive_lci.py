"""Adaptive active learning (Li & Guo 2013): LCI weighed with uncertainty; multi-label only.

Score of a row: q = u^β c^(1 − β), highest first. u = 1 / margin between the predicted labels and
the others (`kernels.relevance.separation_margins`), c is the label cardinality inconsistency of
`lci`. For each β of `betas` the rows with the highest q are a candidate batch. Each is tried out: a
classifier is trained on the labelled rows and the batch with its predicted labels, and the batch is
bought whose classifier has the lowest approximate generalisation error, summed over the unlabelled
rows: max over predicted labels of 1 − f, plus max over the others of 1 + f; 0 where there are none.

What is ours, since the paper's classifiers are one support vector machine per label, and it buys
one row at a time:

- f = 2p − 1 instead of an SVM's decision value; a label is predicted from p = ½ on.
- Whole batches are tried out. Rows of equal q are ordered at random, in the same order for all β;
  of errors that are equal within rounding, the earlier β wins.
- The margin where all labels are predicted, or none; margins below 2^-23 count as that much.
- The classifiers that are compared are L2-penalised logistic regressions, one per label, on the
  embeddings, centred and divided by one scale; the predicted labels are the proxy's.
"""

from collections.abc import Sequence

import numpy as np

from labelbench_core.compute.likelihoods import sigmoid
from labelbench_core.compute.logistic import Solution, solve
from labelbench_core.registry.options import Penalty, Share
from labelbench_core.strategies.arrays import Array, Rows, cast, host, like
from labelbench_core.strategies.kernels.relevance import (
    cardinality_gaps,
    probabilities_of,
    separation_margins,
)
from labelbench_core.strategies.kernels.scores import lowest
from labelbench_core.strategies.pool import Pool

INFO = {
    "name": "adaptive LCI",
    "paper": "Li & Guo 2013",
    "rule": "uncertainty and LCI, weighed by the approximate error after training on predictions",
    "cost": "as many regressions on (L + b) D C as `betas`, and N D C for each",
    "needs": ["embeddings", "probabilities", "labels"],
    "multilabel": "only",
    "kind": "strategy",
    "deterministic": False,
}
SMALLEST = 2.0**-23  # of margins
TOLERANCE = 1e-4  # of the gradient's norm
MAX_ITERATIONS = 500
ROUNDING = 1e-5  # of errors, relative to the lowest


def select(
    pool: Pool,
    budget: int,
    rng: np.random.Generator,
    *,
    betas: Sequence[Share] = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
    penalty: Penalty = 0.1,
) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, highest score first.

    Parameters
    ----------
    betas
        Weights β of the uncertainty that are tried out; the inconsistency has the weight 1 − β.
        Default: the paper's.
    penalty
        Penalty per label of the regressions by which batches are compared: the objective is the
        mean loss plus penalty / 2 times the squared norm of the weights. Default: ours.
    """
    unlabeled = pool.unlabeled()
    p = probabilities_of(pool, unlabeled)
    order = rng.permutation(len(unlabeled))
    scores = weighed(separation_margins(p), cardinality_gaps(p, pool.labels), betas)[:, order]
    candidates = different_batches(
        [order[lowest(-one, np.arange(len(order)), budget)] for one in scores]
    )
    if len(candidates) == 1:
        return unlabeled[candidates[0]]
    trial = TrialClassifiers(pool, penalty)
    heads = [trial.trained(unlabeled[rows], p[rows] >= 0.5) for rows in candidates]
    errors = trial.errors(heads, unlabeled)
    best = int(np.flatnonzero(errors <= errors.min() * (1 + ROUNDING))[0])
    return unlabeled[candidates[best]]


def weighed(margins: np.ndarray, gaps: np.ndarray, betas: Sequence[float]) -> np.ndarray:
    """(len(betas), n) q for each β; 0 to the power of 0 is 1."""
    uncertainty = 1 / np.maximum(margins, SMALLEST)
    return np.stack([uncertainty**beta * gaps ** (1 - beta) for beta in betas])


def different_batches(batches: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The first of all batches that hold the same rows, in whatever order."""
    found = {np.sort(batch).tobytes(): batch for batch in reversed(batches)}
    return list(reversed(found.values()))


class TrialClassifiers:
    """Compares batches by classifiers that are trained with their predicted labels."""

    def __init__(self, pool: Pool, penalty: float) -> None:
        self._rows, self._labels, self._penalty = Rows(pool.embeddings), pool.labels, penalty
        known = host(cast(self._rows.take(pool.labeled), "float32"))
        self._mean = known.mean(axis=0)
        self._scale = np.float32(np.sqrt(np.square(known - self._mean).mean())) or np.float32(1)
        self._known: np.ndarray = self._scaled(known)
        self._start = self._solved(self._known, self._labels)

    def trained(self, rows: np.ndarray, labels: np.ndarray) -> Solution:
        """The regressions on the labelled rows and some more, (n,), of labels (n, C)."""
        more = self._scaled(host(cast(self._rows.take(rows), "float32")))
        start = np.vstack([self._start.weights, self._start.bias])
        labels = np.concatenate([self._labels, labels.astype(self._labels.dtype)])
        return self._solved(np.concatenate([self._known, more]), labels, start)

    def errors(self, heads: Sequence[Solution], unlabeled: np.ndarray) -> np.ndarray:
        """(len(heads),) approximate generalisation error, summed over the unlabelled rows."""
        weights = np.concatenate([head.weights for head in heads], axis=1).astype(np.float32)
        bias = np.concatenate([head.bias for head in heads]).astype(np.float32)
        counted = np.zeros(len(self._rows), bool)
        counted[unlabeled] = True
        parts: dict[int, np.ndarray] = {}
        classes = self._labels.shape[1]

        def measure(first: int, chunk: Array) -> None:
            logits = host(self._scaled(cast(chunk, "float32")) @ like(weights, chunk)) + bias
            f = 2 * sigmoid(logits[counted[first : first + len(logits)]]) - 1
            parts[first] = approximate_errors(f.reshape(len(f), len(heads), classes)).sum(axis=0)

        self._rows.for_chunks(measure)
        # In the rows' order, whichever thread came first.
        return np.sum([parts[first] for first in sorted(parts)], axis=0)

    def _scaled(self, rows: Array) -> Array:
        return (rows - like(self._mean, rows)) / float(self._scale)

    def _solved(
        self, rows: np.ndarray, labels: np.ndarray, start: np.ndarray | None = None
    ) -> Solution:
        penalty = self._penalty * len(labels)
        classes = labels.shape[1]
        return solve(rows, labels, classes, penalty, TOLERANCE, MAX_ITERATIONS, start=start)


def approximate_errors(f: np.ndarray) -> np.ndarray:
    """(…,) float64 error of each row of decision values (…, C)."""
    predicted = f >= 0
    of_predicted = np.where(predicted, 1 - f, 0).max(axis=-1)
    of_others = np.where(predicted, 0, 1 + f).max(axis=-1)
    return of_predicted.astype(np.float64) + of_others
