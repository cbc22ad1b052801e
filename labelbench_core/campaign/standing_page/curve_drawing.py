"""The learning curve of a campaign as SVG: measured points, and where it may go."""

from collections.abc import Callable, Sequence

from labelbench_core.campaign.standing.accuracy import CurvePoint
from labelbench_core.campaign.standing.outlook import Outlook

WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 52, 32, 12, 40
Place = Callable[[float], float]
"""A number of labels, or a share → where it is in the picture."""


def draw_curve(points: Sequence[CurvePoint], found: Outlook | None) -> str:
    """An SVG element; empty without a measured point. The table beside it has the same numbers."""
    known = [one for one in points if one.accuracy.n]
    if not known:
        return ""
    ahead = list(found.ahead) if found else []
    labels = [one.num_labeled for one in known] + [one for one, _ in ahead]
    values = [end for one in known for end in (one.accuracy.low, one.accuracy.high)]
    values += [end for _, one in ahead for end in (one.low, one.high)]
    if found and found.target is not None:
        values.append(found.target)
    low, high = max(min(values) - 0.02, 0.0), min(max(values) + 0.02, 1.0)
    first, last = min(labels), max(max(labels), min(labels) + 1)

    def x(count: float) -> float:
        return LEFT + (count - first) / (last - first) * (WIDTH - LEFT - RIGHT)

    def y(share: float) -> float:
        return TOP + (high - share) / (high - low) * (HEIGHT - TOP - BOTTOM)

    parts = [_axes(x, y, (first, last), (low, high))]
    if ahead:
        start = known[-1]
        line = [(start.num_labeled, start.accuracy.estimate)]
        line += [(one, share.estimate) for one, share in ahead]
        upper = [(start.num_labeled, start.accuracy.high), *((n, s.high) for n, s in ahead)]
        lower = [(start.num_labeled, start.accuracy.low), *((n, s.low) for n, s in ahead)]
        corners = " ".join(f"{x(n):.1f},{y(s):.1f}" for n, s in [*upper, *lower[::-1]])
        parts.append(f'<polygon class="ahead" points="{corners}"/>')
        parts.append(f'<polyline class="ahead-line" points="{_points(line, x, y)}"/>')
    if found and found.target is not None:
        at = f"{y(found.target):.1f}"
        parts.append(f'<line class="target" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at}" y2="{at}"/>')
    parts += [
        f'<line class="bar" x1="{x(one.num_labeled):.1f}" x2="{x(one.num_labeled):.1f}" '
        f'y1="{y(one.accuracy.low):.1f}" y2="{y(one.accuracy.high):.1f}"/>'
        f'<circle cx="{x(one.num_labeled):.1f}" cy="{y(one.accuracy.estimate):.1f}" r="4"/>'
        for one in known
    ]
    measured = [(one.num_labeled, one.accuracy.estimate) for one in known]
    parts.append(f'<polyline class="measured" points="{_points(measured, x, y)}"/>')
    title = "Accuracy by number of labels; the numbers are in the table below"
    box = f"0 0 {WIDTH} {HEIGHT}"
    return f'<svg viewBox="{box}" role="img" aria-label="{title}">{"".join(parts)}</svg>'


def _points(line: Sequence[tuple[float, float]], x: Place, y: Place) -> str:
    return " ".join(f"{x(count):.1f},{y(share):.1f}" for count, share in line)


def _axes(x: Place, y: Place, labels: tuple[int, int], shares: tuple[float, float]) -> str:
    parts = []
    step = next(one for one in (0.01, 0.02, 0.05, 0.1, 0.2) if (shares[1] - shares[0]) / one <= 6)
    tick = -(-shares[0] // step) * step
    while tick <= shares[1] + 1e-9:
        at = f"{y(tick):.1f}"
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at}" y2="{at}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{at}" class="left">{100 * tick:.0f} %</text>')
        tick += step
    parts += [
        f'<text x="{x(count):.1f}" y="{HEIGHT - BOTTOM + 16}" class="below">{count:,}</text>'
        for count in sorted({labels[0], (labels[0] + labels[1]) // 2, labels[1]})
    ]
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 6}" class="below">labels to train on</text>')
    return "".join(parts)
