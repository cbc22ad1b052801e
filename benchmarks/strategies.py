"""Every strategy against its plain form, on the same pool in the same run.

    OMP_NUM_THREADS=1 python -m benchmarks.strategies --rows 50000 --dims 1280 --labeled 9000

The plain form is what LabelBench and most published code do: float64, and for strategies that pick
one by one, a full pass over the pool per pick. It is timed for a few picks, and the rest is scaled
up (`--plain-picks 0` runs them all). `floor` is the time that the work nobody can avoid takes at
the speed of this machine, measured in the same run: reading the inputs once, and, for strategies
that compare picks with one another, the arithmetic of those comparisons.
"""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from labelbench_core import registry
from labelbench_core.strategies import Head, Pool, select


@dataclass(frozen=True)
class Machine:
    """Measured speeds: bytes/s read, float32 and float64 operations/s in matrix products."""

    bandwidth: float
    single: float
    double: float


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--dims", type=int, default=512)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--labeled", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=1000)
    parser.add_argument("--dtype", choices=["float16", "float32"], default="float32")
    parser.add_argument("--plain-picks", type=int, default=20, help="0: all")
    parser.add_argument("--strategies", nargs="*", default=registry.names("strategies"))
    options = parser.parse_args(argv)
    pool = make_pool(options)
    machine = measure_machine()
    print(
        f"{options.rows} x {options.dims} {options.dtype}, {options.classes} classes, "
        f"{options.labeled} labelled, batch {options.batch}; "
        f"read {machine.bandwidth / 1e9:.1f} GB/s, "
        f"{machine.single / 1e9:.0f} / {machine.double / 1e9:.0f} GFLOP/s in float32 / float64"
    )
    print(
        f"{'strategy':<14}{'seconds':>9}{'plain':>10}{'ratio':>8}{'peak MB':>9}"
        f"{'floor':>8}{'reached':>9}"
    )
    for name in options.strategies:
        seconds, peak = timed(name, pool, options.batch)
        plain = plain_seconds(name, pool, options)
        floor = floor_seconds(name, pool, options.batch, machine)
        print(
            f"{name:<14}{seconds:>9.3f}"
            + (f"{plain:>10.2f}{plain / seconds:>7.0f}x" if plain else f"{'-':>10}{'-':>8}")
            + f"{peak:>9.0f}"
            + (f"{floor:>8.3f}{floor / seconds:>8.0%}" if floor else f"{'-':>8}{'-':>9}"),
            flush=True,
        )
    return 0


def make_pool(options: argparse.Namespace) -> Pool:
    """Points like embeddings of a pretrained network: classes overlap, the spectrum decays."""
    rng = np.random.default_rng(0)
    rank = min(options.dims, 256)
    spectrum = np.arange(1, rank + 1, dtype=np.float32) ** -0.6
    basis = np.linalg.qr(rng.standard_normal((options.dims, rank)))[0].astype(np.float32)
    labels = rng.integers(0, options.classes, options.rows)
    centers = 1.5 * spectrum * rng.standard_normal((options.classes, rank), dtype=np.float32)
    low = centers[labels] + spectrum * rng.standard_normal((options.rows, rank), dtype=np.float32)
    embeddings = 8 * low @ basis.T
    embeddings += 0.15 * rng.standard_normal(embeddings.shape, dtype=np.float32) + np.float32(0.3)
    weights = 0.2 * (basis @ centers.T)
    head = Head(weights.astype(np.float32), np.zeros(options.classes, np.float32))
    labeled = rng.permutation(options.rows)[: options.labeled]
    probabilities = head.predict_proba(embeddings)
    return Pool(
        embeddings=embeddings.astype(options.dtype),
        probabilities=probabilities,
        labeled=labeled,
        labels=labels[labeled],
        num_classes=options.classes,
        head=head,
        member_probabilities=probabilities[None],
    )


def measure_machine() -> Machine:
    """The best of a few tries each."""
    block = np.ones((2048, 2048), np.float32)
    wide = block.astype(np.float64)
    long = np.ones(1 << 26, np.float32)
    return Machine(
        bandwidth=long.nbytes / best_of(long.max),
        single=2 * 2048**3 / best_of(lambda: block @ block),
        double=2 * 2048**3 / best_of(lambda: wide @ wide),
    )


def best_of(work: Callable[[], object], tries: int = 3) -> float:
    """Seconds of the fastest try."""
    seconds = []
    for _ in range(tries):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def timed(name: str, pool: Pool, budget: int) -> tuple[float, float]:
    """Seconds of the faster of two runs, and the MB it took above what the pool takes."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forget the peak so far
    before = status_mb("VmRSS")
    seconds = best_of(lambda: select(name, pool, budget, np.random.default_rng(0)), tries=2)
    return seconds, max(0.0, status_mb("VmHWM") - before)


def status_mb(key: str) -> float:
    """A line of /proc/self/status, in MB."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) / 1024
    raise KeyError(key)


def plain_seconds(name: str, pool: Pool, options: argparse.Namespace) -> float | None:
    """Seconds of the plain form, scaled to the whole batch; None where there is none here."""
    if name in PLAIN_SCORES:
        return best_of(lambda: PLAIN_SCORES[name](pool, options.batch), tries=1)
    if name in PLAIN_PICKS:
        picks = min(options.plain_picks or options.batch, options.batch)
        before, picking = PLAIN_PICKS[name](pool, picks)
        return before + picking * options.batch / picks
    return None


def plain_score(pool: Pool, budget: int, score: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    unlabeled = pool.unlabeled()
    return unlabeled[np.argsort(score(pool.probabilities.astype(np.float64)[unlabeled]))[:budget]]


def plain_margin(p: np.ndarray) -> np.ndarray:
    ordered = np.sort(p, axis=1)
    return ordered[:, -1] - ordered[:, -2]


def plain_entropy(p: np.ndarray) -> np.ndarray:
    clipped = np.clip(p, 1e-10, 1)
    return (clipped * np.log2(clipped)).sum(axis=1)


def plain_coreset(pool: Pool, picks: int) -> tuple[float, float]:
    """Seconds until the first pick, and of the picks."""
    start = time.perf_counter()
    points = pool.embeddings.astype(np.float64)
    norms = np.square(points).sum(axis=1)
    nearest = np.full(len(points), np.inf)
    for first in range(0, len(pool.labeled), 500):
        some = pool.labeled[first : first + 500]
        distances = norms[:, None] + norms[some] - 2 * points @ points[some].T
        nearest = np.minimum(nearest, distances.min(axis=1))
    middle = time.perf_counter()
    for _ in range(picks):
        best = int(np.argmax(nearest))
        distances = norms + norms[best] - 2 * points @ points[best]
        nearest = np.minimum(nearest, distances)
        nearest[best] = -np.inf
    return middle - start, time.perf_counter() - middle


def plain_badge(pool: Pool, picks: int) -> tuple[float, float]:
    """Seconds until the first draw, and of the draws; factored distances, as in LabelBench."""
    start = time.perf_counter()
    rng = np.random.default_rng(0)
    unlabeled = pool.unlabeled()
    points = pool.embeddings.astype(np.float64)[unlabeled]
    residuals = -pool.probabilities.astype(np.float64)[unlabeled]
    residuals[np.arange(len(residuals)), residuals.argmin(axis=1)] += 1
    norms = np.square(points).sum(axis=1) * np.square(residuals).sum(axis=1)
    nearest, best = np.full(len(points), np.inf), int(norms.argmax())
    middle = time.perf_counter()
    for _ in range(picks):
        products = (residuals @ residuals[best]) * (points @ points[best])
        nearest = np.minimum(nearest, np.maximum(norms + norms[best] - 2 * products, 0))
        nearest[best] = 0
        best = int(rng.choice(len(points), p=nearest / nearest.sum()))
    return middle - start, time.perf_counter() - middle


PLAIN_SCORES = {
    "confidence": lambda pool, budget: plain_score(pool, budget, lambda p: p.max(axis=1)),
    "entropy": lambda pool, budget: plain_score(pool, budget, plain_entropy),
    "margin": lambda pool, budget: plain_score(pool, budget, plain_margin),
}
PLAIN_PICKS = {"coreset": plain_coreset, "badge": plain_badge}


def floor_seconds(name: str, pool: Pool, budget: int, machine: Machine) -> float | None:
    """Seconds of the work that nobody can leave out; None where that is not worked out."""
    reading = {
        field: getattr(pool, field).nbytes / machine.bandwidth
        for field in ("embeddings", "probabilities")
    }
    dims, classes = pool.embeddings.shape[1], pool.num_classes
    if name in PLAIN_SCORES:
        return reading["probabilities"]
    if name == "coreset":  # that a pick is far from all centers is known from its distances to them
        pairs = budget * (len(pool.labeled) + budget / 2)
        return reading["embeddings"] + 2 * pairs * dims / machine.single
    if name == "badge":  # likewise, of a drawn row to the rows drawn before
        pairs = budget**2 / 2
        return sum(reading.values()) + 2 * pairs * (dims + classes) / machine.double
    return None


if __name__ == "__main__":
    sys.exit(main())
