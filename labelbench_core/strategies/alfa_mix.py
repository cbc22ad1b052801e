"""ALFA-Mix (Parvaneh et al. 2022): rows whose class changes when mixed with labelled ones.

Each unlabelled embedding z is mixed with the anchor z* of each class, the mean of its labelled
embeddings: z + α (z* − z), with the paper's closed form of the mixing vector that raises the loss
at the predicted class most, α = ε ‖z* − z‖ g / (‖g‖ (z* − z)) elementwise, where g is the gradient
of that loss in z and ε = cap / √D. Rows whose predicted class changes for some anchor are
candidates. As in the authors' code, the cap grows in steps of `cap_step` until there are enough
candidates, up to 1; then those are clustered by k-means and the rows nearest to the centres are
selected. If there are too few even then, all are selected and the rest is drawn at random among the
other rows (without replacement; the authors' code draws with replacement).

A class without labels has no anchor here. The authors' code gives it the mean of all labelled
embeddings; that is a mean of the other anchors, never farther than the farthest of them, and so,
with a linear head, changes no pick.

With a linear head, mixing is a step of length ε ‖z* − z‖ along g, and a class once lost along a
line is not regained. So the farthest anchor decides, and the cap at which the class of a row
changes has a closed form.
"""

from typing import Annotated

import numpy as np

from labelbench_core.registry.options import Interval
from labelbench_core.strategies.arrays import Array, Rows, cast, host, like, namespace
from labelbench_core.strategies.kernels.fill import fill_at_random
from labelbench_core.strategies.kernels.kmeans import nearest_to_centers
from labelbench_core.strategies.pool import Pool

INFO = {
    "name": "ALFA-Mix",
    "paper": "Parvaneh et al. 2022",
    "rule": "nearest to the centers of clusters of rows whose class changes by mixing",
    "cost": "N D C; k-means",
    "needs": ["embeddings", "head", "labels"],
    "multilabel": False,
    "kind": "strategy",
    "deterministic": False,
}


def select(
    pool: Pool,
    budget: int,
    rng: np.random.Generator,
    *,
    cap_step: Annotated[float, Interval(ge=1e-4, le=1)] = 0.03125,
) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, those nearest to their centres first.

    Parameters
    ----------
    cap_step
        Step by which the largest length of the mixing vector, ε √D, grows until there are enough
        candidates, up to 1. Default: the authors' code's.
    """
    unlabeled = pool.unlabeled()
    if budget == 0:
        return unlabeled[:0]
    caps = changing_caps(pool)[unlabeled]
    steps = int(np.ceil(1 / cap_step))
    allowed = np.minimum(cap_step * np.arange(1, steps + 1), 1.0)
    enough = [cap for cap in allowed if (caps <= cap).sum() >= budget]
    changing = caps <= (enough[0] if enough else 1.0)
    if enough:
        return nearest_to_centers(pool.embeddings, unlabeled[changing], budget, rng)
    return fill_at_random(unlabeled[changing], unlabeled, budget, rng)


def changing_caps(pool: Pool) -> np.ndarray:
    """(N,) float64: the smallest cap at which a row's class changes; infinite where none does."""
    rows = Rows(pool.embeddings)
    weights, bias = (host(part).astype(np.float64) for part in (pool.head.weights, pool.head.bias))
    anchors = _anchors(rows, pool.labeled, pool.labels)
    caps = np.empty(len(rows))
    for first, chunk in rows.chunks():
        z = cast(chunk, "float64")
        w, b, centers = (like(part, z) for part in (weights, bias, anchors))
        step = _changing_step(z @ w + b, w)
        squared = (z * z).sum(-1)[:, None] + (centers * centers).sum(-1) - 2 * (z @ centers.T)
        farthest = namespace(z).amax(squared, -1)
        reach = namespace(z).where(farthest > 0, farthest, 0.0) ** 0.5 / z.shape[1] ** 0.5
        nowhere = namespace(z).where(reach > 0, reach, 1.0)
        cap = namespace(z).where(reach > 0, step / nowhere, np.inf)
        caps[first : first + len(chunk)] = host(cap)
    return caps


def _anchors(rows: Rows, labeled: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(K, D) float64 mean labelled embedding of each class that has one."""
    points = host(cast(rows.take(labeled), "float64"))
    return np.stack([points[labels == label].mean(axis=0) for label in np.unique(labels)])


def _changing_step(logits: Array, weights: Array) -> Array:
    """(n,) length of the step along the loss's gradient at which the predicted class changes."""
    xp = namespace(logits)
    exponentials = xp.exp(logits - xp.amax(logits, -1)[:, None])
    probabilities = exponentials / exponentials.sum(-1)[:, None]
    predicted = like(np.arange(logits.shape[1]), logits)[None, :] == logits.argmax(-1)[:, None]
    # As minus the sum of the others, the predicted class's entry is exact near certainty too.
    others = xp.where(predicted, 0.0, probabilities)
    residuals = xp.where(predicted, -others.sum(-1)[:, None], others)
    gradients = residuals @ weights.T
    lengths = (gradients * gradients).sum(-1)[:, None] ** 0.5
    slopes = (gradients @ weights) / xp.where(lengths > 0, lengths, 1.0)
    gaps = xp.amax(logits, -1)[:, None] - logits
    gains = slopes - xp.where(predicted, slopes, 0.0).sum(-1)[:, None]
    rising = (gains > 0) & ~predicted
    return xp.amin(xp.where(rising, gaps / xp.where(rising, gains, 1.0), np.inf), -1)
