"""Values of a metric as text, in percent or in nats, and which way is better."""

import math

from labelbench_core.metrics.known import METRICS, Metric


def of(metric: str) -> Metric:
    """What is known of a metric; another package's is a share of which more is better."""
    return METRICS.get(metric, Metric())


def with_half_width(mean: float, half: float, metric: str) -> str:
    """A value and the half-width of its interval: "93.41 ± 0.22" in percent, "0.231 ± 0.004"."""
    if math.isnan(mean):
        return "–"
    value, digits = _scaled(mean, metric)
    text = f"{value:.{digits}f}"
    return text if math.isnan(half) else f"{text} ± {_scaled(half, metric)[0]:.{digits}f}"


def signed(difference: float, half: float, metric: str) -> str:
    """A difference and the half-width of its interval, as `with_half_width`, with its sign."""
    if math.isnan(difference):
        return "–"
    value, digits = _scaled(difference, metric)
    text = f"{value:+.{digits}f}"
    return text if math.isnan(half) else f"{text} ± {_scaled(half, metric)[0]:.{digits}f}"


def value_text(value: float | None, metric: str) -> str:
    """A value with its unit, "93.41 %" or "0.231 nats"; a dash where there is none."""
    if value is None or math.isnan(value):
        return "–"
    scaled, digits = _scaled(value, metric)
    return f"{scaled:.{digits}f} {unit_of_values(metric)}"


def unit_of_values(metric: str) -> str:
    """What values are shown in."""
    return "%" if of(metric).is_share else "nats"


def difference_text(difference: float, metric: str) -> str:
    """A difference with its unit, "+0.52 points"."""
    return f"{signed(difference, math.nan, metric)} {of(metric).unit_of_differences}"


def _scaled(value: float, metric: str) -> tuple[float, int]:
    """A value in the unit that it is shown in, and with how many decimals."""
    return of(metric).scale * value, 2 if of(metric).is_share else 3
