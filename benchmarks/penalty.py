"""What choosing the linear proxy's penalty costs, in solves.

    python -m benchmarks.penalty [--rows 50000 --dims 1280 --classes 1000]

Clusters that overlap, in embeddings whose spectrum decays, standardised as the proxy does. The
penalty is chosen as in the first round, and the probe solved at it, from zero and to the proxy's
tolerance. Both are measured in CPU time of one thread, so that other load changes little: the
target is a ratio of at most 3.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from labelbench_core.compute import logistic
from labelbench_core.proxies import linear
from labelbench_core.proxies.shared.penalty import choose_penalty


def main(argv: list[str] | None = None) -> int:
    """Print one line per decay of the spectrum."""
    options = parse(argv)
    print("| rows | dims | classes | decay | penalty | at edge | choosing s | solving s | ratio |")
    print("|---|---|---|---|---|---|---|---|---|")
    for decay in options.decays:
        rows, labels = make_rows(options.rows, options.dims, options.classes, decay)
        print("|", " | ".join(map(str, measure(rows, labels, options.classes, decay))), "|")
    return 0


def measure(rows: np.ndarray, labels: np.ndarray, classes: int, decay: float) -> tuple[Any, ...]:
    """The cells of a line."""
    choice, choosing = timed(choose_penalty, rows, labels, classes, None, np.random.default_rng(0))
    limits = (linear.build.__kwdefaults__[name] for name in ("tolerance", "max_iterations"))
    penalty = choice.penalty * len(labels)
    _, solving = timed(logistic.solve, rows, labels, classes, penalty, *limits)
    numbers = (f"{count:,}" for count in (*rows.shape, classes))
    chosen = decay, f"{choice.penalty:.2g}", choice.at_edge
    return *numbers, *chosen, f"{choosing:.1f}", f"{solving:.1f}", f"{choosing / solving:.2f}"


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--dims", type=int, default=1280)
    parser.add_argument("--classes", type=int, default=1000)
    parser.add_argument("--decays", type=float, nargs="+", default=[0.5, 1.0])
    return parser.parse_args(argv)


def make_rows(rows: int, dims: int, classes: int, decay: float) -> tuple[np.ndarray, np.ndarray]:
    """(rows, dims) float32 standardised clusters, and their labels."""
    rng = np.random.default_rng(0)
    spectrum = np.arange(1, dims + 1, dtype=np.float32) ** -decay
    basis = np.linalg.qr(rng.standard_normal((dims, dims)))[0].astype(np.float32)
    labels = rng.integers(0, classes, rows)
    # So far apart that half of the rows or more can be told.
    centers = 0.3 * rng.standard_normal((classes, dims), dtype=np.float32)
    points = centers[labels] + rng.standard_normal((rows, dims), dtype=np.float32)
    points = (points * spectrum) @ basis
    points -= points.mean(axis=0)
    points /= points.std(axis=0)
    return points, labels


def timed(work: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    """What `work` returns, and the processor time that it took."""
    start = time.process_time()
    found = work(*arguments)
    return found, time.process_time() - start


if __name__ == "__main__":
    raise SystemExit(main())
