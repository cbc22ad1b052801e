"""Draw a graph in layers: boxes in rows, and arrows that bend between rows and cross no box.

Sugiyama, Tagawa & Toda, "Methods for Visual Understanding of Hierarchical System Structures"
(1981): each node is as low as its predecessors require, long edges get a place in every row that
they pass, rows are sorted by the means of their neighbours.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import FancyBboxPatch, PathPatch, Polygon, Rectangle
from matplotlib.path import Path as Curve
from scipy.optimize import isotonic_regression

from labelbench_core.figures.style import DATELESS, INK, MUTED, drawing, panels
from labelbench_core.storage.files import atomic_path

Edge = tuple[str, str]
Place = str | tuple[Edge, int]
"""A node, or an edge where it passes a row."""

BOX, GAP, PASS = (0.42, 0.6, 0.22)
"""Height of a box, height between rows, and room around an edge that passes a row; inches."""
CHARACTER, MARGIN, BETWEEN = 0.088, 0.26, 0.22
"""Width of a character, of the margins of a box together, and between boxes; inches."""
HEAD = 0.1  # length of an arrow's head, inches
LEGEND = 0.45  # height of the legend, inches
SWEEPS = 24


@dataclass(frozen=True)
class Graph:
    """What is drawn.

    Attributes
    ----------
    nodes
        Node → colour of its box, in the order in which rows start.
    edges
        (from, to) from an upper row to a lower one; they close no circle.
    backward
        (from, to) drawn dashed: from a lower row to an upper one, or from a node to itself.
    legend
        What colours mean, in one line below: text → colour.
    """

    nodes: Mapping[str, str]
    edges: frozenset[Edge]
    backward: frozenset[Edge] = frozenset()
    legend: Mapping[str, str] = field(default_factory=dict)


def draw(graph: Graph, path: Path, description: str) -> None:
    """Write `graph` as an SVG, the same bytes every time, with `description` in its metadata."""
    rows, chains = in_rows(graph)
    x = places(rows, chains)
    width = max(x[place] + width_of(place) / 2 for row in rows for place in row) + 0.5
    height = len(rows) * (BOX + GAP) - GAP + 0.2 + LEGEND
    with drawing():
        figure, ((axes,),) = panels(1, 1, width, height)
        figure.set_layout_engine("none")
        axes.set_position((0, 0, 1, 1))
        axes.set(xlim=(0, width), ylim=(-height + 0.1, 0.1))
        axes.axis("off")
        y = {
            place: -number * (BOX + GAP) - BOX / 2
            for number, row in enumerate(rows)
            for place in row
        }
        ports = _ports(graph, chains, x)
        for edge, chain in chains.items():
            points = []
            for top, low in itertools.pairwise(chain):
                points.append((ports.get((edge, top), x[top]), y[top] - BOX / 2))
                points.append((ports.get((edge, low), x[low]), y[low] + BOX / 2))
            _arrow(axes, points, backward=edge[::-1] in graph.backward)
        for node, color in graph.nodes.items():
            _box(axes, node, x[node], y[node], color)
            if (node, node) in graph.backward:
                _loop(axes, x[node] + width_of(node) / 2, y[node])
        _legend(axes, graph.legend, -height + 0.1 + LEGEND / 3)
        with atomic_path(path) as aside:
            figure.savefig(
                aside, format="svg", metadata={**DATELESS["svg"], "Description": description}
            )


def in_rows(graph: Graph) -> tuple[list[list[Place]], dict[Edge, list[Place]]]:
    """Rows of places from the top, sorted; and each edge's places, from top to bottom.

    An edge in `backward` runs upwards, so that its chain is turned round.
    """
    down = graph.edges | {(low, top) for top, low in graph.backward if top != low}
    above: dict[str, list[str]] = {node: [] for node in graph.nodes}
    for top, low in sorted(down):
        above[low].append(top)
    row: dict[str, int] = {}

    def row_of(node: str) -> int:
        if node not in row:
            row[node] = max((row_of(top) + 1 for top in above[node]), default=0)
        return row[node]

    rows: list[list[Place]] = [[] for _ in range(max(map(row_of, graph.nodes)) + 1)]
    # What leads to more than leads to it, goes down: the edges become shorter.
    for node in sorted(graph.nodes, key=lambda one: -row[one]):
        below = [row[low] for top, low in down if top == node]
        if len(below) > len(above[node]):
            row[node] = min(below) - 1
    for node in graph.nodes:
        rows[row[node]].append(node)
    chains: dict[Edge, list[Place]] = {}
    for top, low in sorted(down):
        passed: list[Place] = [((top, low), number) for number in range(row[top] + 1, row[low])]
        for number, place in enumerate(passed, start=row[top] + 1):
            rows[number].append(place)
        chains[top, low] = [top, *passed, low]
    return _sorted(rows, chains), chains


def _neighbours(
    chains: Mapping[Edge, list[Place]],
) -> tuple[dict[Place, list[Place]], dict[Place, list[Place]]]:
    """Place → places right above, and right below, that it is joined with."""
    above: dict[Place, list[Place]] = {}
    below: dict[Place, list[Place]] = {}
    for chain in chains.values():
        for top, low in itertools.pairwise(chain):
            above.setdefault(low, []).append(top)
            below.setdefault(top, []).append(low)
    return above, below


def _sorted(rows: list[list[Place]], chains: Mapping[Edge, list[Place]]) -> list[list[Place]]:
    """The rows in the order with the fewest crossings that sweeps up and down come by."""
    above, below = _neighbours(chains)
    best, fewest = rows, _crossings(rows, below)
    for sweep in range(SWEEPS):
        joined = above if sweep % 2 == 0 else below
        numbers = range(1, len(rows)) if sweep % 2 == 0 else range(len(rows) - 2, -1, -1)
        rows = list(map(list, rows))
        for number in numbers:
            other = rows[number - 1] if sweep % 2 == 0 else rows[number + 1]
            at = {place: index for index, place in enumerate(other)}
            mean = {
                place: np.mean([at[one] for one in joined[place]]) if place in joined else index
                for index, place in enumerate(rows[number])
            }
            rows[number].sort(key=mean.__getitem__)
        found = _crossings(rows, below)
        if found < fewest:
            best, fewest = rows, found
    return best


def _crossings(rows: list[list[Place]], below: Mapping[Place, list[Place]]) -> int:
    """How many pairs of edges cross."""
    count = 0
    for row, under in itertools.pairwise(rows):
        at = {place: index for index, place in enumerate(under)}
        ends = [sorted(at[low] for low in below.get(place, ())) for place in row]
        for left, first in enumerate(ends):
            for second in ends[left + 1 :]:
                count += sum(a > b for a in first for b in second)
    return count


def places(
    rows: Sequence[Sequence[Place]], chains: Mapping[Edge, list[Place]]
) -> dict[Place, float]:
    """Where the middle of each place lies, in inches from the left: near its neighbours."""
    above, below = _neighbours(chains)
    x = {place: 1.5 * index for row in rows for index, place in enumerate(row)}
    for sweep in range(20 * SWEEPS):
        order = rows if sweep % 2 == 0 else rows[::-1]
        for row in order:
            wanted = []
            for place in row:
                joined = above.get(place, []) + below.get(place, [])
                pulls = [_pull(place, other) for other in joined]
                near = [x[other] for other in joined]
                wanted.append(np.average(near, weights=pulls) if joined else x[place])
            weights = [1.0 if isinstance(place, str) else 4.0 for place in row]
            half = np.array([width_of(place) / 2 for place in row])
            offset = np.concatenate([[0], np.cumsum(half[1:] + half[:-1] + BETWEEN)])
            fitted = isotonic_regression(np.array(wanted) - offset, weights=weights).x + offset
            x.update(zip(row, map(float, fitted), strict=True))
    left = min(x[place] - width_of(place) / 2 for row in rows for place in row)
    return {place: value - left + 0.2 for place, value in x.items()}


def _pull(place: Place, other: Place) -> float:
    """How much two places of an edge want to stand above each other: long edges are straight."""
    return (1.0, 3.0, 12.0)[(not isinstance(place, str)) + (not isinstance(other, str))]


def width_of(place: Place) -> float:
    """Of a place, in inches."""
    return CHARACTER * len(place) + MARGIN if isinstance(place, str) else PASS


def _ports(
    graph: Graph, chains: Mapping[Edge, list[Place]], x: Mapping[Place, float]
) -> dict[tuple[Edge, str], float]:
    """(edge, node) → where along the node's box the edge ends: in the order of the neighbours."""
    found = {}
    for node in graph.nodes:
        ends = {
            "top": [(x[chain[-2]], edge) for edge, chain in chains.items() if chain[-1] == node],
            "low": [(x[chain[1]], edge) for edge, chain in chains.items() if chain[0] == node],
        }
        for joined in ends.values():
            room = min(0.16 * (len(joined) - 1), 0.75 * width_of(node)) / 2
            for (_, edge), shift in zip(
                sorted(joined), np.linspace(-room, room, len(joined)), strict=True
            ):
                found[edge, node] = x[node] + float(shift)
    return found


def _arrow(axes: Axes, points: Sequence[tuple[float, float]], *, backward: bool) -> None:
    """One edge: straight through the rows that it passes, bent between rows.

    `points` are where it leaves a row and where it comes to the next one, in turns.
    """
    bends, codes = [], []
    for start, end in zip(points[::2], points[1::2], strict=True):
        middle = (start[1] + end[1]) / 2
        bends += [start, (start[0], middle), (end[0], middle), end]
        codes += [Curve.LINETO if codes else Curve.MOVETO, *[Curve.CURVE4] * 3]
    if backward:
        bends.reverse()  # a curve of this form reads the same both ways
    _add_arrow(axes, Curve(bends, [Curve.MOVETO, *codes[1:]]), backward=backward)


def _loop(axes: Axes, right: float, y: float) -> None:
    """An edge from a node to itself, at its box's right side."""
    reach, spread = 0.38, 0.12
    bends = [(right, y - spread), (right + reach, y - 2 * spread)]
    bends += [(right + reach, y + 2 * spread), (right, y + spread)]
    _add_arrow(axes, Curve(bends, [Curve.MOVETO, *[Curve.CURVE4] * 3]), backward=True)


def _add_arrow(axes: Axes, curve: Curve, *, backward: bool) -> None:
    line = axes.add_patch(PathPatch(curve, facecolor="none", edgecolor=MUTED, linewidth=1.1))
    line.set_linestyle((0, (4, 2)) if backward else "-")
    (x0, y0), (x1, y1) = curve.vertices[-2], curve.vertices[-1]
    ahead = np.array([x1 - x0, y1 - y0]) / np.hypot(x1 - x0, y1 - y0)
    aside = np.array([-ahead[1], ahead[0]])
    tip = np.array([x1, y1])
    corners = [
        tip,
        tip - HEAD * ahead + HEAD / 2.6 * aside,
        tip - HEAD * ahead - HEAD / 2.6 * aside,
    ]
    axes.add_patch(Polygon(corners, facecolor=MUTED, edgecolor=MUTED, linewidth=0.5))


def _box(axes: Axes, text: str, x: float, y: float, color: str) -> None:
    """A node: its name in a box."""
    width = width_of(text)
    axes.add_patch(
        FancyBboxPatch(
            (x - width / 2 + 0.08, y - BOX / 2 + 0.08),
            width - 0.16,
            BOX - 0.16,
            boxstyle="round,pad=0.08",
            facecolor=tinted(color),
            edgecolor=color,
            linewidth=1.3,
        )
    )
    axes.text(x, y, text, ha="center", va="center_baseline", fontsize=9.5, color=INK)


def tinted(color: str) -> tuple[float, float, float]:
    """A colour light enough to write on."""
    red, green, blue = (1 - 0.16 * (1 - part) for part in to_rgb(color))
    return red, green, blue


def _legend(axes: Axes, entries: Mapping[str, str], y: float) -> None:
    """One line: small boxes and what their colours mean."""
    x = 0.2
    for text, color in entries.items():
        place = (x, y - 0.065)
        axes.add_patch(Rectangle(place, 0.2, 0.13, facecolor=tinted(color), edgecolor=color))
        axes.text(x + 0.28, y, text, va="center_baseline", fontsize=8.5, color=MUTED)
        x += 0.28 + 0.078 * len(text) + 0.3
