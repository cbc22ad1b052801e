"""For every strategy: the unavoidable work, and how its plain form is timed.

The work is a lower bound of what any implementation reads and multiplies: inputs once, and the
matrix products without which the picks are not known. Products are counted in float32, which can
tell all but a few candidates apart, or in float64 where every digit of every row counts. K-means is
counted with the steps that it makes here, since fewer would make other clusters. What comes on top
(sorting, exponentials, choosing, updates after each pick) is not counted.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks._device import Speeds
from labelbench_core.strategies import Pool
from labelbench_core.strategies.cluster_margin import GROUPS
from labelbench_core.strategies.kernels.kmeans import BATCH_ROWS, BATCH_STEPS, LLOYD_ROWS, cluster


@dataclass(frozen=True)
class Work:
    """Bytes read, and operations of matrix products in float32 and float64."""

    read: float = 0
    single: float = 0
    double: float = 0

    def seconds(self, speeds: Speeds) -> float:
        """Seconds that the work takes at these speeds."""
        return (
            self.read / speeds.bandwidth + self.single / speeds.single + self.double / speeds.double
        )

    def __str__(self) -> str:
        parts = []
        if self.read:
            parts.append(f"{self.read / 1e6:,.3g} MB")
        for count, kind in ((self.single, "f32"), (self.double, "f64")):
            if count:
                parts.append(f"{count / 1e9:,.4g} GFLOP {kind}")
        return " + ".join(parts)


class Setting:
    """A pool and a budget, by the letters of the formulas.

    Attributes
    ----------
    n, d, c, labeled, b
        Rows, dimensions, classes, labelled rows, rows to select.
    rows, p
        Bytes of the embeddings and of the probabilities.
    """

    def __init__(self, pool: Pool, budget: int) -> None:
        self.pool, self.b = pool, budget
        self.n, self.d = pool.embeddings.shape
        self.c, self.labeled = pool.num_classes, len(pool.labeled)
        self.rows, self.p = pool.embeddings.nbytes, pool.probabilities.nbytes


@dataclass(frozen=True)
class Case:
    """How a strategy is measured.

    Attributes
    ----------
    work
        What cannot be left out; None where that is not worked out.
    goal
        The ratio to the plain form that is wanted, or the share of the unavoidable work's time.
    plain_picks
        The plain form is timed for one pick and for so many, and the rest is in proportion;
        None: for all.
    plain_rows, plain_budget, growth
        The plain form is timed on so many rows (for a batch that is as much smaller), its time
        grows as the power `growth` of the rows.
    options, plain_options
        Options of both forms, and of the plain one on the smaller pool.
    budget
        The budget, where the usual one takes too long.
    """

    work: Callable[[Setting], Work] | None
    goal: str = ""
    plain_picks: int | None = None
    plain_rows: int | None = None
    plain_budget: int | None = None
    growth: int = 1
    options: dict[str, Any] = field(default_factory=dict)
    plain_options: dict[str, Any] = field(default_factory=dict)
    budget: int | None = None


def a_draw(s: Setting) -> Work:
    """Which rows are labelled, and the rows drawn."""
    return Work(read=8 * (s.labeled + s.b))


def predictions(s: Setting) -> Work:
    """Every probability, once."""
    return Work(read=s.p)


def member_predictions(s: Setting) -> Work:
    """Every probability of every member, once."""
    return Work(read=s.pool.member_probabilities.nbytes)


def coreset(s: Setting) -> Work:
    """All rows; that a pick is farthest is known from its distances to the centres before it."""
    return Work(read=s.rows, single=2 * s.b * (s.labeled + s.b / 2) * s.d)


def badge(s: Setting) -> Work:
    """All rows; the distances of a drawn row to those drawn before, in float64 as draws need."""
    return Work(read=s.rows + s.p, double=2 * s.b**2 / 2 * (s.d + s.c))


def falcun(s: Setting) -> Work:
    """All probabilities; the distances of a drawn row to those drawn before."""
    return Work(read=s.p, double=2 * s.b**2 / 2 * s.c)


def k_means(rows: int, count: int) -> float:
    """Distances to centres: as many steps as are made here, or two where Lloyd's could end."""
    return count * (2 * rows if rows <= LLOYD_ROWS else BATCH_STEPS * BATCH_ROWS + rows)


def typiclust(s: Setting) -> Work:
    """K-means; all pairs of unlabelled rows of each cluster."""
    count = min(s.labeled + s.b, 500, s.n)
    labels = cluster(s.pool.embeddings, count, np.random.default_rng(0)).labels
    sizes = np.bincount(labels[s.pool.unlabeled()], minlength=count)
    pairs_within = (sizes * (sizes - 1) / 2).sum()
    return Work(read=s.rows, single=2 * s.d * (k_means(s.n, count) + pairs_within))


def dropquery(s: Setting) -> Work:
    """Four predictions of each row; k-means of 25 b candidates."""
    return Work(read=s.rows, single=2 * s.d * (4 * s.n * s.c + k_means(min(25 * s.b, s.n), s.b)))


def alfa_mix(s: Setting) -> Work:
    """Each row's prediction and distances to the anchors; k-means of b candidates."""
    return Work(read=s.rows, single=2 * s.d * (2 * s.n * s.c + k_means(s.b, s.b)))


def lines(s: Setting) -> Work:
    """Every probability read, and an order of all rows for each class written."""
    return Work(read=s.p + 4 * s.n * s.c)


def cluster_margin(s: Setting) -> Work:
    """All probabilities; k-means into the groups that are linked."""
    return Work(read=s.rows + s.p, single=2 * s.d * k_means(s.n, min(GROUPS, s.n)))


def probcover(s: Setting) -> Work:
    """The distances of all rows to all targets, those between targets once."""
    return Work(read=s.rows, single=2 * s.d * pairs(s.n, 50_000))


def herding(s: Setting) -> Work:
    """The distances of all rows to all targets, those between targets once."""
    return Work(read=s.rows, single=2 * s.d * pairs(s.n, 20_000))


def bait(s: Setting) -> Work:
    """Leading directions, rows in them, the pool's information, and one gain of every row."""
    dims = min(s.d, 30)
    half = s.c * (s.c + 1) / 2 * dims * (dims + 1) / 2  # of a symmetric matrix in both ways
    return Work(read=s.rows + s.p, double=2 * s.n * (s.d**2 / 2 + s.d * dims + 3 * half))


def bait_binary(s: Setting) -> Work:
    """The pool's information, and one gain of every row: two quadratic forms."""
    return Work(read=s.rows + s.p, double=2 * s.n * (s.d**2 / 2 + 2 * s.d**2))


def trials(s: Setting) -> Work:
    """All rows, and their logits by the classifiers of eleven batches."""
    return Work(read=s.rows + s.p, single=2 * 11 * s.n * s.d * s.c)


def pairs(rows: int, targets: int) -> float:
    """How many pairs of a row and a target there are, if targets are some of the rows."""
    targets = min(rows, targets)
    return (rows - targets) * targets + targets**2 / 2


CASES = {
    "random": Case(a_draw),
    "confidence": Case(predictions),
    "entropy": Case(predictions),
    "margin": Case(predictions),
    "power-margin": Case(predictions),
    "bald": Case(member_predictions),
    "power-bald": Case(member_predictions),
    "coreset": Case(coreset, "40 ×", plain_picks=101),
    "badge": Case(badge, "20 ×", plain_picks=101),
    "falcun": Case(falcun, plain_picks=101),
    "typiclust": Case(typiclust, "33 %"),
    "dropquery": Case(dropquery),
    "alfa-mix": Case(alfa_mix, plain_rows=5000, plain_budget=100),
    "galaxy": Case(lines, "200 ×"),
    "direct": Case(lines, "50 ×"),
    "cluster-margin": Case(cluster_margin, plain_rows=5000, growth=2),
    "probcover": Case(probcover, "33 %", plain_rows=12_500, growth=2),
    "maxherding": Case(
        herding,
        "10 ×",
        plain_picks=16,
        plain_rows=12_500,
        growth=2,
        plain_options={"targets": 5000},
    ),
    "uherding": Case(
        herding,
        "10 ×",
        plain_picks=16,
        plain_rows=12_500,
        growth=2,
        plain_options={"targets": 5000},
    ),
    "bait": Case(bait, "10 ×", plain_picks=4, plain_rows=10_000),
    "bait-binary": Case(bait_binary, plain_picks=4),
    "tcm": Case(typiclust),
    # For multi-label pools only.
    "lci": Case(predictions),
    "mmc": Case(predictions),
    "cvirs": Case(predictions, plain_rows=3000, plain_budget=100),
    "adaptive-lci": Case(trials, plain_rows=5000, plain_budget=100),
    # These run other strategies; nothing can be said of all of them.
    "tailor": Case(None, plain_picks=9, budget=100),
    "refine": Case(None, options={"depth": 1, "batches": 9}, budget=100),
    "look-ahead": Case(None, options={"batches": 14}, budget=100),
}
"""Strategies that are not here (new ones, plug-ins) are timed in full, and without a bound."""
