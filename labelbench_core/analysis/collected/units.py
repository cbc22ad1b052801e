"""Values of a metric as text, in percent or in nats, and which way is better.

Also the bounds of values and differences: intervals are cut there. The cut keeps the coverage,
since the true value lies within its bounds (Mandelkern, "Setting confidence intervals for bounded
parameters", Statistical Science 17, 2002).
"""

import math

from labelbench_core.metrics.known import METRICS, Metric


def of(metric: str) -> Metric:
    """What is known of a metric; another package's counts as a share of which more is better."""
    return METRICS.get(metric, Metric())


def value_bounds(metric: str) -> tuple[float, float]:
    """The bounds of a value: 0 and 1 for a share, 0 and infinity for nats."""
    return (0.0, 1.0) if of(metric).is_share else (0.0, math.inf)


def difference_bounds(metric: str) -> tuple[float, float]:
    """The bounds of the difference of two values."""
    low, high = value_bounds(metric)
    return low - high, high - low


def ends(mean: float, half: float, bounds: tuple[float, float]) -> tuple[float, float]:
    """The ends of `mean` ± `half`, cut at `bounds`; NaN where `half` is."""
    if math.isnan(half):
        return math.nan, math.nan
    return max(mean - half, bounds[0]), min(mean + half, bounds[1])


def with_half_width(mean: float, half: float, metric: str) -> str:
    """A value and the half-width of its interval: "93.41 ± 0.22" in percent, "0.231 ± 0.004".

    Where the interval is cut, its ends are shown instead: "98.20 (95.11 to 100.00)".
    """
    return _with_interval(mean, half, metric, value_bounds(metric), "")


def signed(difference: float, half: float, metric: str) -> str:
    """A difference and the half-width of its interval, as `with_half_width`, with its sign."""
    return _with_interval(difference, half, metric, difference_bounds(metric), "+")


def _with_interval(
    value: float, half: float, metric: str, bounds: tuple[float, float], sign: str
) -> str:
    def text(number: float, sign: str = sign) -> str:
        scaled, digits = _scaled(number, metric)
        return f"{scaled:{sign}.{digits}f}"

    if math.isnan(value):
        return "–"
    if math.isnan(half):
        return text(value)
    low, high = ends(value, half, bounds)
    if low > value - half or high < value + half:
        return f"{text(value)} ({text(low)} to {text(high)})"
    return f"{text(value)} ± {text(half, '')}"


def value_text(value: float | None, metric: str) -> str:
    """A value with its unit, "93.41 %" or "0.231 nats"; a dash where there is none."""
    if value is None or math.isnan(value):
        return "–"
    scaled, digits = _scaled(value, metric)
    return f"{scaled:.{digits}f} {unit_of_values(metric)}"


def unit_of_values(metric: str) -> str:
    """The unit that values are shown in."""
    return "%" if of(metric).is_share else "nats"


def difference_text(difference: float, metric: str) -> str:
    """A difference with its unit, "+0.52 points"."""
    return f"{signed(difference, math.nan, metric)} {of(metric).unit_of_differences}"


def _scaled(value: float, metric: str) -> tuple[float, int]:
    """A value in the unit that it is shown in, and with how many decimals."""
    return of(metric).scale * value, 2 if of(metric).is_share else 3
