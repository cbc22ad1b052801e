"""UHerding (Bae, Sutherland & Oliveira 2025): covers the rows that the model is uncertain about.

As `maxherding`, but in the mean over rows each is weighted by its uncertainty, 1 − (difference
between the two most likely classes) after temperature scaling, and the bandwidth is the smallest
distance between labelled rows of unit length, labelled rows nearer than 0.001 counting as one
point. Without labels every row has weight 1; with fewer than two distinct labelled points the
bandwidth is 1. With few labels it covers dense regions; with many, kernels are narrow, and it
selects nearly the most uncertain rows. In pools of more than `targets` rows, the mean is over that
many, drawn once; with narrow kernels, other rows add little, so that `targets` should then be
several times the budget. If no row adds anything, the rest is drawn at random. Not defined for
multi-label pools: margin and temperature are those of exclusive classes.

The temperature is that of 1.0, 1.1, …, 19.9 with the smallest expected calibration error (15 bins),
the lowest of equal ones. `calibration` says on which rows: "held_out", as in the authors' code, on
the `HELD_OUT_SHARE` of the labelled rows that were bought last (at least one), predicted by the
proxy retrained on the others; with a single label the temperature is 1. "training": on all labelled
rows, predicted by the proxy that was trained on them, without another training; but a proxy is
nearly always underconfident on its own training rows, and then the temperature is 1, as if there
were none.
"""

from typing import Any, Literal

import numpy as np

from labelbench_core.registry.options import Count
from labelbench_core.strategies.arrays import Rows, cast, chunk_rows, host
from labelbench_core.strategies.kernels.herding import greedy_coverage
from labelbench_core.strategies.kernels.sphere import directions, draw_targets
from labelbench_core.strategies.margin import margins
from labelbench_core.strategies.pool import MissingInput, Pool

INFO = {
    "name": "UHerding",
    "paper": "Bae et al. 2025",
    "rule": "largest gain in kernel coverage of the uncertain rows",
    "cost": "N m D + L^2 D, m targets; twice for few labels; a training; a few pairs per pick",
    "needs": ["embeddings", "probabilities"],
    "multilabel": False,
    "kind": "strategy",
    "deterministic": False,
}
HELD_OUT_SHARE = 0.3
TEMPERATURES = np.arange(10, 200) / 10
BINS = 15
NEAREST = 1e-3  # labelled rows nearer than this count as one point


def select(
    pool: Pool,
    budget: int,
    rng: np.random.Generator,
    *,
    targets: Count = 20_000,
    calibration: Literal["held_out", "training"] = "held_out",
) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, in the order chosen.

    Parameters
    ----------
    targets
        Number of rows whose coverage counts, drawn at random if the pool has more. Default: ours.
    calibration
        Rows that the temperature is fitted on: "held_out", the labelled rows bought last, predicted
        by the proxy retrained on the others; "training", all labelled rows, without another
        training. Default: the authors' code's.
    """
    drawn = draw_targets(pool.embeddings, targets, rng)
    bandwidth = smallest_distance(pool.embeddings, pool.labeled)
    weights = uncertainties(pool, drawn, calibration)
    return greedy_coverage(pool, budget, rng, drawn, weights, bandwidth)


def uncertainties(pool: Pool, indices: np.ndarray, calibration: str) -> np.ndarray:
    """(n,) 1 − margin of rows after temperature scaling; 1 if nothing is labelled."""
    if len(pool.labeled) == 0:
        return np.ones(len(indices))
    rows = Rows(pool.probabilities)
    warmth = _temperature_of(pool, calibration)
    weights = np.empty(len(indices))
    step = chunk_rows(rows.shape[1])
    for first in range(0, len(indices), step):
        part = slice(first, first + step)
        scaled = _scaled(host(cast(rows.take(indices[part]), "float64")), warmth)
        weights[part] = 1 - margins(scaled.T)
    return np.clip(weights, 0, 1)


def _temperature_of(pool: Pool, calibration: str) -> float:
    """The temperature by which the proxy's logits are divided."""
    if calibration == "training":
        known = Rows(pool.probabilities).take(pool.labeled)
        return temperature(host(cast(known, "float64")), np.asarray(pool.labels))
    if len(pool.labeled) == 1:
        return float(TEMPERATURES[0])
    if pool.held_out is None:
        why = (
            "is not given: give the pool `held_out`; uherding itself can do without it, with "
            "`calibration: training`"
        )
        raise MissingInput("uherding", "held_out", why)
    probabilities, labels = pool.held_out(HELD_OUT_SHARE)
    return temperature(probabilities.astype(np.float64), labels)


def temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The temperature with the smallest expected calibration error; the lowest of equal ones."""
    errors = [_calibration_error(_scaled(probabilities, t), labels) for t in TEMPERATURES]
    return float(TEMPERATURES[np.argmin(np.round(errors, 12))])


def smallest_distance(embeddings: Any, indices: np.ndarray) -> float:
    """The smallest distance between rows of unit length that is not below `NEAREST`, or 1."""
    rows = Rows(embeddings)
    smallest = np.inf
    step = chunk_rows(max(len(indices), rows.shape[1]))
    points = directions(rows.take(indices))
    norms = np.square(points).sum(axis=1)
    for first in range(0, len(indices), step):
        part = slice(first, first + step)
        squared = norms[part, None] + norms - 2 * (points[part] @ points.T)
        apart = np.where(squared >= NEAREST**2, squared, np.inf)
        least = apart.min()
        if np.isfinite(least) and least <= smallest + 1e-13:
            i, j = (found[:1000] for found in np.nonzero(apart <= least + 1e-13))
            exact = np.square(points[part][i] - points[j]).sum(axis=1)
            smallest = min(smallest, float(exact.min()))
    return float(np.sqrt(smallest)) if np.isfinite(smallest) else 1.0


def _scaled(probabilities: np.ndarray, warmth: float) -> np.ndarray:
    """(n, C) probabilities of the same logits divided by `warmth`."""
    powers = (probabilities / probabilities.max(axis=1, keepdims=True)) ** (1 / warmth)
    return powers / powers.sum(axis=1, keepdims=True)


def _calibration_error(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean over rows of the gap between confidence and accuracy in their bin of confidence."""
    confidence = probabilities.max(axis=1)
    gaps = confidence - (probabilities.argmax(axis=1) == labels)
    bins = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    return float(np.abs(np.bincount(bins, gaps, BINS)).sum() / len(labels))
