"""UHerding as its authors write it: MaxHerding's loop, and calibration bin by bin."""

import numpy as np

from benchmarks.plain._shared import squared_distances, unit, wide
from benchmarks.plain.margin import margins
from benchmarks.plain.maxherding import herd, kernel_matrix
from labelbench_core.strategies import Pool
from labelbench_core.strategies.kernels.sphere import draw_targets

TEMPERATURES = [1 + step / 10 for step in range(190)]
BINS = 15


def select(
    pool: Pool,
    budget: int,
    rng: np.random.Generator,
    *,
    targets: int = 20_000,
    calibration: str = "held_out",
) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, in the order chosen."""
    drawn = draw_targets(pool.embeddings, targets, rng)
    known, labels = wide(pool.probabilities)[pool.labeled], pool.labels
    if calibration == "held_out":
        known, labels = pool.held_out(0.3)
    weights = 1 - margins(scaled(wide(pool.probabilities), temperature(wide(known), labels)))
    kernel = kernel_matrix(pool, drawn, smallest_distance(pool))
    return herd(kernel, weights[drawn], pool.labeled, budget)


def temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The temperature with the smallest expected calibration error; the lowest of equal ones."""
    errors = []
    for warmth in TEMPERATURES:
        predicted = scaled(probabilities, warmth)
        confidence, right = predicted.max(axis=1), predicted.argmax(axis=1) == labels
        error = 0.0
        for number in range(BINS):
            inside = (confidence > number / BINS) & (confidence <= (number + 1) / BINS)
            if inside.any():
                error += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())
        errors.append(round(error, 12))
    return TEMPERATURES[int(np.argmin(errors))]


def scaled(probabilities: np.ndarray, warmth: float) -> np.ndarray:
    """(n, C) probabilities of the same logits divided by `warmth`."""
    powers = probabilities ** (1 / warmth)
    return powers / powers.sum(axis=1, keepdims=True)


def smallest_distance(pool: Pool) -> float:
    """The smallest distance between labelled rows that are no copies of one another."""
    known = unit(pool.embeddings)[pool.labeled]
    apart = np.sqrt(squared_distances(known, known))
    return float(apart[apart > 1e-3].min(initial=np.inf)) if (apart > 1e-3).any() else 1.0
