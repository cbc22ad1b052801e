"""Intervals of means in [0, 1] that hold their coverage however few rows there are.

All follow from one distribution. Draw n of N numbered balls without replacement, and let Y(i) be
the number of the i-th smallest: a pool with K right rows has at least x of them among n drawn with
probability P(Y(x) <= K). As a distribution of K, Y(x) is the lower confidence distribution of the
number of right rows after x of n were right, and Y(x + 1) - 1 the upper one. Their quantiles are
the exact interval, that of Clopper and Pearson (Biometrika 26, 1934) for a finite population
(Wright, Exact Confidence Bounds when Sampling from Small Finite Universes, 1991): coverage is at
least the nominal one for every pool, and the width is 0 once all rows are known.

- Strata: a weighted sum of independent shares has the interval of the same quantiles of the
  weighted sum of their confidence distributions (melding: Fay, Proschan & Brittain, Biometrics 71,
  2015, section 2). With one stratum it is the exact one.
- Scores between the bounds: the analogue for an infinite population is Gaffke's bound (Three test
  statistics for a nonparametric one-sided hypothesis on the mean of a nonnegative variable, Math.
  Methods of Statistics 14, 2005; Learned-Miller & Thomas, arXiv 1905.06208): the scores and one
  more at the bound, averaged with Dirichlet(1, …, 1) weights. For scores of 0 and 1 it is that of
  Clopper and Pearson. That it holds for all distributions is proved in special cases only;
  benchmarks/audit_coverage.py measures it, and melding, here.
"""

import functools
from collections.abc import Sequence

import numpy as np

CONFIDENCE = 0.95
TAIL = (1 - CONFIDENCE) / 2
DRAWS = 20_000
_MOST_WEIGHTS = 1 << 23  # held at once: 64 MiB
CELLS = 1 << 14


def exact_interval(right: int, total: int, population: int) -> tuple[float, float]:
    """The exact 95 % interval of the share of right rows in a pool.

    Parameters
    ----------
    right, total
        Right rows among those drawn without replacement, and all rows drawn.
    population
        Rows of the pool.

    Raises
    ------
    ValueError
        Unless ``0 <= right <= total <= population``, with at least one row in the pool.
    """
    check_counts(right, total, population)
    # Wrong rows turn the upper confidence distribution into a lower one.
    low = _lower_quantile(right, total, population)
    return low, 1 - _lower_quantile(total - right, total, population)


def melded_interval(
    right: Sequence[int], total: Sequence[int], population: Sequence[int]
) -> tuple[float, float]:
    """The 95 % interval of the share of right rows in a pool of strata.

    Parameters
    ----------
    right, total, population
        (H,) right rows among those drawn from each stratum, rows drawn, and rows of the stratum. A
        stratum without any drawn may have any share.

    Raises
    ------
    ValueError
        Unless each stratum's counts are possible.
    """
    for counts in zip(right, total, population, strict=True):
        check_counts(*counts)
    if len(population) == 1:
        return exact_interval(right[0], total[0], population[0])
    wrong = [drawn - good for good, drawn in zip(right, total, strict=True)]
    low = _melded_quantile(right, total, population)
    return low, 1 - _melded_quantile(wrong, total, population)


def clopper_pearson(right: float, total: float) -> tuple[float, float]:
    """Clopper and Pearson's 95 % interval of a share, for an infinite population.

    Counts need not be whole: those of rows with unequal weights are effective numbers (Korn &
    Graubard, Survey Methodology 24, 1998, section 2).
    """
    from scipy import special

    low = float(special.betaincinv(right, total - right + 1, TAIL)) if right > 0 else 0.0
    high = float(special.betaincinv(right + 1, total - right, 1 - TAIL)) if right < total else 1.0
    return low, high


def bounded_interval(
    strata: Sequence[np.ndarray],
    weights: Sequence[float],
    bounds: tuple[float, float] = (0.0, 1.0),
) -> tuple[float, float]:
    """The 95 % interval of a mean of bounded scores, by Gaffke's bound; equal on every call.

    Parameters
    ----------
    strata
        H arrays (n,) of scores drawn at random; an empty one may have any mean.
    weights
        (H,) shares of the strata in the population; they sum to 1.
    bounds
        The least and the greatest possible score.

    Raises
    ------
    ValueError
        If a score is not a number within the bounds.
    """
    lowest, highest = bounds
    low, high = np.zeros(DRAWS), np.zeros(DRAWS)
    for place, (scores, weight) in enumerate(zip(strata, weights, strict=True)):
        if not ((scores >= lowest - 1e-9) & (scores <= highest + 1e-9)).all():
            raise ValueError(f"scores beyond {lowest} to {highest}")
        shares, rest = dirichlet_means(np.asarray(scores, np.float64)[None], place)
        low += weight * (shares[:, 0] + rest * lowest)
        high += weight * (shares[:, 0] + rest * highest)
    ends = np.quantile(low, TAIL), np.quantile(high, 1 - TAIL)
    return float(np.clip(ends[0], lowest, highest)), float(np.clip(ends[1], lowest, highest))


def dirichlet_means(
    samples: np.ndarray, stream: int = 0, draws: int = DRAWS
) -> tuple[np.ndarray, np.ndarray]:
    """Averages of each of S samples with Dirichlet(1, …, 1) weights, one left for a further score.

    Parameters
    ----------
    samples
        (S, n).
    stream
        Which weights to draw: those of different streams are independent.

    Returns
    -------
    (draws, S) weighted sums, and (draws,) the weight that is left.
    """
    count = samples.shape[1]
    if draws * (count + 1) <= _MOST_WEIGHTS:
        weights = _kept_weights(stream, count, draws)
        return weights[:, :-1] @ samples.T, weights[:, -1]
    rng = _stream(stream, count)
    sums, left = np.empty((draws, len(samples))), np.empty(draws)
    block = max(1, _MOST_WEIGHTS // (count + 1))
    for first in range(0, draws, block):
        part = slice(first, min(first + block, draws))
        weights = _weights(rng, part.stop - first, count)
        sums[part], left[part] = weights[:, :-1] @ samples.T, weights[:, -1]
    return sums, left


@functools.lru_cache(maxsize=2)  # of two strata
def _kept_weights(stream: int, count: int, draws: int) -> np.ndarray:
    return _weights(_stream(stream, count), draws, count)


def _stream(stream: int, count: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64([stream, count]))


def _weights(rng: np.random.Generator, draws: int, count: int) -> np.ndarray:
    """(draws, count + 1) Dirichlet weights."""
    weights = rng.standard_exponential((draws, count + 1))
    return weights / weights.sum(axis=1, keepdims=True)


def check_counts(right: int, total: int, population: int) -> None:
    """`ValueError` unless so many of so many rows drawn from such a pool can be right."""
    if not (0 <= right <= total <= population and population > 0):
        raise ValueError(f"{right} of {total} rows drawn from {population} cannot be right")


@functools.lru_cache(maxsize=4096)
def _lower_quantile(right: int, total: int, population: int) -> float:
    """The 2.5 % quantile of the lower confidence distribution of the share of right rows."""
    if right == 0:
        return 0.0
    places, mass = _rank_of(right, total, population)
    first = int(np.searchsorted(np.cumsum(mass), TAIL, side="right"))
    return float(places[min(first, len(places) - 1)]) / population


def _rank_of(order: int, total: int, population: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers that the order-th smallest of `total` of `population` can be, and probabilities.

    P(Y(i) = y) = C(y - 1, i - 1) C(N - y, n - i) / C(N, n).
    """
    from scipy.special import gammaln

    places = np.arange(order, population - total + order + 1)

    def log_choose(top: np.ndarray | int, bottom: int) -> np.ndarray:
        top = np.asarray(top, np.float64)
        return gammaln(top + 1) - gammaln(bottom + 1) - gammaln(top - bottom + 1)

    logs = log_choose(places - 1, order - 1) + log_choose(population - places, total - order)
    mass = np.exp(logs - log_choose(population, total))
    return places, mass / mass.sum()


def _melded_quantile(
    right: Sequence[int], total: Sequence[int], population: Sequence[int]
) -> float:
    """The 2.5 % quantile of the sum of the strata's lower confidence distributions."""
    from scipy.signal import fftconvolve

    rows = sum(population)
    summed = np.ones(1)
    for good, drawn, size in zip(right, total, population, strict=True):
        if good == 0:
            continue  # all mass at 0
        summed = fftconvolve(summed, _in_cells(good, drawn, size, rows))
    known = np.cumsum(np.maximum(summed, 0))
    return int(np.searchsorted(known, TAIL * known[-1], side="right")) / CELLS


@functools.lru_cache(maxsize=256)
def _in_cells(right: int, total: int, population: int, rows: int) -> np.ndarray:
    """A stratum's lower confidence distribution as shares of the pool, rounded down to cells."""
    places, mass = _rank_of(right, total, population)
    return np.bincount((places * CELLS) // rows, mass)
