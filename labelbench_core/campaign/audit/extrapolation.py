"""Learning curves beyond the labels that there are, with intervals: what more labels may bring.

The error at n labels is taken to follow a power law with an asymptote, c + a n^-b (Cortes et al.,
Learning Curves: Asymptotic Values and Rate of Convergence, NIPS 1993; Viering & Loog, The Shape of
Learning Curves, IEEE TPAMI 45, 2023, section 4). With few points, many such curves fit alike; none
of them is chosen. Each curve of a grid is weighted by how well it fits, on the logit scale:

- Curves: the exponent b within .1 to 2, uniform on the logarithmic scale; the asymptote c a share
  of 0 to .95 of today's error; today's error within .45 of the one measured, in logits.
- Likelihood: Student's, the variance being unknown (1 degree of freedom of .05 logits before the
  data). A point is weighted by its labels over today's: few labels follow other laws. Where points
  are measured on few rows, the error of their difference to today's, which is known, is added to
  these .05 logits, and a point tells as much less.
- Rows that are bought are learned, so that accuracy on the pool is higher than on rows that no
  model has seen. The curve above is that of the latter; what was bought adds today's difference,
  which grows with labels to a power of .25 to 1, uniform.
- Curves bend in ways that no power law does: the change from today in logits has an error, normal
  with standard deviations of .7 of itself and of .05 for each time that labels grow e-fold. These
  two numbers were set so that intervals hold on this project's kept results (`python -m
  benchmarks.extrapolations`), and are wide on most of them.
"""

import functools
import math
from dataclasses import dataclass

import numpy as np

FEWEST_POINTS = 3
DRAWS = 4000
_QUANTILES = (0.5, 0.025, 0.975)
_NORMAL_97_5 = 1.959963984540054
_FARTHEST = 1e-3  # accuracies of 0 and 1 have no logit
_PRIOR_DEGREES, _PRIOR_SPREAD = 1.0, 0.05
_OFF_OF_CHANGE, _OFF_OF_LABELS = 0.7, 0.05
_POWERS = (0.25, 1.0)


@dataclass(frozen=True)
class Range:
    """A number that is not known yet.

    Attributes
    ----------
    estimate
        The median of what it may be.
    low, high
        Ends of the 95 % interval.
    """

    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class LearningCurve:
    """What a learning curve may be beyond its last point, as draws.

    Attributes
    ----------
    labels
        Number of labels today.
    today, asymptote, exponent
        (DRAWS,) error today, error after infinitely many labels, and how fast the rest goes.
    off
        (DRAWS,) standard normal: which way the curve leaves the power law.
    noise
        (DRAWS,) error of a measured accuracy, in logits.
    shift
        (DRAWS,) error that all measured accuracies share, in logits.
    learned
        How much higher accuracy is today for the rows that were bought, as a difference of shares.
    power
        (DRAWS,) how that grows with labels.
    """

    labels: float
    today: np.ndarray
    asymptote: np.ndarray
    exponent: np.ndarray
    off: np.ndarray
    noise: np.ndarray
    shift: np.ndarray
    learned: float
    power: np.ndarray

    def draws(self, labels: float, *, measured: bool = False) -> np.ndarray:
        """(DRAWS,) accuracies at a number of labels, at least today's.

        Parameters
        ----------
        measured
            Whether to add the noise of a measurement on the same rows.
        """
        unseen = _logit(1 - self.today) + self._change(labels) + self.shift
        if measured:
            unseen = unseen + self.noise
        learned = self.learned * (labels / self.labels) ** self.power
        return np.clip(_sigmoid(unseen) + learned, 0.0, 1.0)

    def accuracy(self, labels: float, *, measured: bool = False) -> Range:
        """Accuracy with so many labels, at least today's.

        Parameters
        ----------
        measured
            Whether to add the noise of a measurement on the same rows, for comparison with one.
        """
        return _range(self.draws(labels, measured=measured))

    def gain(self, labels: int) -> Range:
        """The change in accuracy that so many more labels bring, as a difference of shares."""
        return _range(self.draws(self.labels + labels) - self.draws(self.labels))

    def labels_to(self, target: float, most: float) -> Range:
        """Labels in all with which accuracy first reaches a target.

        Parameters
        ----------
        target
            Above 0, below 1.
        most
            The most labels that there can be; where they do not suffice, the number is infinite.
        """
        steps = np.geomspace(self.labels, max(most, self.labels), 200)
        reached = np.full(len(self.today), math.inf)
        for step in steps[::-1]:
            reached[self.draws(step) >= target] = step
        return _range(reached)

    def _change(self, labels: float) -> np.ndarray:
        """(DRAWS,) change of the logit from today's: that of the power law, and its error."""
        growth = labels / self.labels
        rest = self.today - self.asymptote
        change = _logit(1 - self.asymptote - rest * growth**-self.exponent) - _logit(1 - self.today)
        off = np.hypot(_OFF_OF_CHANGE * change, _OFF_OF_LABELS * math.log(growth))
        return change + self.off * off


def extrapolated(
    labels: np.ndarray,
    accuracy: np.ndarray,
    interval: tuple[float, float] | None = None,
    paired: np.ndarray | None = None,
    learned: float = 0.0,
) -> LearningCurve | None:
    """What the curve through measured accuracies may be; None with fewer than three points.

    Equal arguments give equal draws.

    Parameters
    ----------
    labels
        (T,) rising numbers of labels.
    accuracy
        (T,) measured with each, within 0 to 1, all on the same rows, which trained none of them.
    interval
        95 % interval of the last accuracy, for the error that all share, since they are measured on
        the same few rows. None: they are measured on the whole population.
    paired
        (T,) standard error of each accuracy's difference to the last one, for the error that they
        do not share. None: they are measured on the whole population.
    learned
        How much higher today's accuracy is for the rows that trained the model, of those for which
        it is asked.
    """
    if len(labels) < FEWEST_POINTS:
        return None
    counts, logits = np.asarray(labels, np.float64), _logit(np.asarray(accuracy, np.float64))
    today, share, exponent = (axis.ravel() for axis in np.meshgrid(*_axes(), indexing="ij"))
    today = 1 - _sigmoid(logits[-1] + today)
    asymptote = share * today
    growth, weights = counts / counts[-1], counts / counts[-1]
    if paired is not None:
        known = paired / (_sigmoid(logits) * _sigmoid(-logits))
        weights = weights / (1 + (known / _PRIOR_SPREAD) ** 2)
    errors = asymptote[:, None] + (today - asymptote)[:, None] * growth ** -exponent[:, None]
    squares = _PRIOR_DEGREES * _PRIOR_SPREAD**2 + (_logit(1 - errors) - logits) ** 2 @ weights
    degrees = _PRIOR_DEGREES + weights.sum()
    chances = (squares / squares.min()) ** (-degrees / 2)
    rng = np.random.Generator(np.random.PCG64(len(counts)))
    drawn = rng.choice(len(chances), DRAWS, p=chances / chances.sum())
    spread = np.sqrt(squares[drawn] / rng.chisquare(degrees, DRAWS))
    below, above = 0.0, 0.0
    if interval is not None:
        # With few rows, or nearly all right, the interval reaches farther on one side.
        low, high = _logit(np.array(interval))
        below = max(float(logits[-1] - low), 0.0) / _NORMAL_97_5
        above = max(float(high - logits[-1]), 0.0) / _NORMAL_97_5
    return LearningCurve(
        labels=float(counts[-1]),
        today=today[drawn],
        asymptote=asymptote[drawn],
        exponent=exponent[drawn],
        off=rng.standard_normal(DRAWS),
        noise=spread * rng.standard_normal(DRAWS),
        shift=_split_normal(rng.standard_normal(DRAWS), below, above),
        learned=learned,
        power=rng.uniform(*_POWERS, DRAWS),
    )


def _split_normal(drawn: np.ndarray, below: float, above: float) -> np.ndarray:
    """Standard normal numbers, scaled by one standard deviation below 0 and another above it."""
    return np.where(drawn < 0, below, above) * drawn


def price_to(needed: Range, today: float, price: float, audit_share: float = 0.0) -> Range:
    """What the labels that are still needed cost.

    Parameters
    ----------
    needed
        Labels in all, from `LearningCurve.labels_to`, without those of the audit.
    today
        Labels that there are, without those of the audit.
    price
        Price of a label.
    audit_share
        Share of audit rows, which are paid for, too, among the rows handed out; below 1.
    """

    def cost(labels: float) -> float:
        return max(labels - today, 0.0) / (1 - audit_share) * price

    return Range(cost(needed.estimate), cost(needed.low), cost(needed.high))


@functools.cache
def _axes() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Offsets of today's logit, asymptotes as shares of today's error, and exponents."""
    return np.linspace(-0.45, 0.45, 13), np.linspace(0, 0.95, 12), np.geomspace(0.1, 2, 14)


def _range(values: np.ndarray) -> Range:
    estimate, low, high = np.quantile(values, _QUANTILES, method="inverted_cdf").tolist()
    return Range(estimate, low, high)


def _logit(share: np.ndarray) -> np.ndarray:
    share = np.clip(share, _FARTHEST, 1 - _FARTHEST)
    return np.log(share / (1 - share))


def _sigmoid(logit: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logit))
