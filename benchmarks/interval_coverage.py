"""How often the intervals of orders, stops and class balance hold what is true.

    python -m benchmarks.interval_coverage [--output docs/benchmarks/interval_coverage.md]

Those of label savings are in `benchmarks.savings_coverage`; those of differences and areas are
Student's, exact where they are normally distributed. Here stand the ones that rest on resampling or
on values that are whole numbers, shares of few rows or near their bounds. The code is that of the
report; what is simulated stands in `ABOUT`.
"""

import argparse
import math
import sys
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from benchmarks._page import add_output, tell
from labelbench_core.analysis.collected.balance import entropy
from labelbench_core.analysis.collected.curves import t_intervals
from labelbench_core.analysis.ranks.rank_correlations import (
    KENDALL,
    SPEARMAN,
    Measured,
    correlations,
    kendall,
    spearman,
)
from labelbench_core.analysis.stopping.stopping_points import share_interval
from labelbench_core.seeds import rng_for

SEEDS = (3, 5, 10)
EXPERIMENTS = 20_000
ORDERS, DRAWS = 400, 1_000
STRATEGIES = (6, 20)
GAPS = (0.5, 2.0)
CLASSES = 10
ABOUT = f"""Made by `python -m benchmarks.interval_coverage`: the share of simulated experiments in
which a 95 % interval of the report holds the true value, with 3, 5 and 10 seeds.

- Order of strategies (`carried_orders.csv`, `orders.csv`): the true means of 6 or 20 strategies are
  drawn from a normal distribution whose standard deviation is `gap` times that of the noise over
  seeds; those of the other setting are the same (`same order`), or as far from these as these are
  from each other (`other order`). The true value is the correlation of the true means. Noise lowers
  a measured correlation, and an interval around it does not undo that. `above 0`: how often the
  interval is above 0 where the true correlation is from -0.15 to 0. {ORDERS} experiments a cell,
  {DRAWS:,} draws.
- Stops (`stopping.csv`): a rule stops each seed at the round next to a normal number, with that
  standard deviation in rounds, among 20; Wilson's interval is of the share of seeds stopped.
- By class (`classes.csv`): the share of hits among that many rows, each right with that
  probability.
- Balance (`balance.csv`): the evenness of that many labels, drawn at random from ten equal classes.

{EXPERIMENTS:,} experiments a cell, but for orders. Where a cell is below .93, intervals are too
narrow: they hold the truth that much less often than they say."""


def of_means(draw: Callable[[int], np.ndarray], true: float, low: float, high: float) -> float:
    """Coverage of Student's interval, cut at `low` and `high`, of what `draw` gives: (E, S)."""
    mean, half = t_intervals(np.round(draw(EXPERIMENTS), 12))
    ends = np.maximum(mean - half, low) - 1e-9, np.minimum(mean + half, high) + 1e-9
    return float(((ends[0] <= true) & (true <= ends[1])).mean())


def stops(seeds: int, spread: float) -> float:
    rng = rng_for("coverage", "stops", str(seeds), str(spread))

    def rounds(count: int) -> np.ndarray:
        # Between two rounds, so that seeds agree often, but not always.
        return np.clip(np.rint(rng.normal(9.3, spread, (count, seeds))), 0, 19)

    true = float(rounds(10 * EXPERIMENTS).mean())
    return of_means(rounds, true, 0.0, 19.0)


def stopped(seeds: int, share: float) -> float:
    rng = rng_for("coverage", "stopped", str(seeds), str(share))
    counts = rng.binomial(seeds, share, EXPERIMENTS)
    ends = np.array([share_interval(count, seeds) for count in range(seeds + 1)])[counts]
    return float(((ends[:, 0] <= share) & (share <= ends[:, 1])).mean())


def by_class(seeds: int, rows: int, share: float) -> float:
    rng = rng_for("coverage", "class", str(seeds), str(rows), str(share))
    return of_means(lambda count: rng.binomial(rows, share, (count, seeds)) / rows, share, 0.0, 1.0)


def balance(seeds: int, labels: int) -> float:
    rng = rng_for("coverage", "balance", str(seeds), str(labels))

    def drawn(count: int) -> np.ndarray:
        found = rng.multinomial(labels, [1 / CLASSES] * CLASSES, count * seeds)
        return np.array([entropy(one) for one in found]).reshape(count, seeds) / math.log2(CLASSES)

    true = float(drawn(EXPERIMENTS).mean())
    return of_means(drawn, true, 0.0, 1.0)


def orders(seeds: int, strategies: int, gap: float, other: bool, statistic: str) -> float:
    """Coverage for the order; seeds of both settings are drawn together, as for carried orders."""
    rng = rng_for("coverage", "orders", str(seeds), str(strategies), str(gap), str(other))
    function = {SPEARMAN: spearman, KENDALL: kendall}[statistic]
    held = []
    for _ in range(ORDERS):
        first = rng.normal(0, gap, strategies)
        second = first + (rng.normal(0, gap, strategies) if other else 0.0)
        found = _found(first, second, seeds, statistic, rng)
        true = float(function(first[None], second[None])[0])
        held.append(found["low"] - 1e-9 <= true <= found["high"] + 1e-9)
    return float(np.mean(held))


def unrelated(seeds: int, strategies: int, gap: float) -> float:
    """How often an interval is above 0 where the true correlation is from -0.15 to 0."""
    rng = rng_for("coverage", "unrelated", str(seeds), str(strategies), str(gap))
    above = []
    while len(above) < ORDERS:
        first, second = rng.normal(0, gap, (2, strategies))
        if -0.15 <= float(spearman(first[None], second[None])[0]) <= 0:
            above.append(_found(first, second, seeds, SPEARMAN, rng)["low"] > 0)
    return float(np.mean(above))


def _found(
    first: np.ndarray, second: np.ndarray, seeds: int, statistic: str, rng: np.random.Generator
) -> dict[str, float]:
    """The correlation of true means (K,) of two settings as measured, with its interval."""
    ours, theirs = (
        [Measured(mean + rng.normal(0, 1, seeds), tuple(range(seeds))) for mean in means.tolist()]
        for means in (first, second)
    )
    return correlations(ours, theirs, rng, [statistic], DRAWS, are_paired=True)[statistic]


def cells() -> Iterator[tuple[str, list[float]]]:
    """What is simulated, and its coverage for each of `SEEDS`."""
    for statistic in (SPEARMAN, KENDALL):
        for strategies in STRATEGIES:
            for gap in GAPS:
                for other in (False, True):
                    name = f"{statistic}, {strategies} strategies, gap {gap:g}, "
                    name += "other order" if other else "same order"
                    yield name, [orders(n, strategies, gap, other, statistic) for n in SEEDS]
    for strategies in STRATEGIES:
        for gap in GAPS:
            name = f"{strategies} strategies, gap {gap:g}, unrelated orders"
            yield f"above 0: {SPEARMAN}, {name}", [unrelated(n, strategies, gap) for n in SEEDS]
    for spread in (0.3, 1.0, 3.0):
        yield f"stops: labels, spread {spread:g} rounds", [stops(n, spread) for n in SEEDS]
    for share in (0.5, 0.9):
        yield f"stops: share {share:g} of seeds", [stopped(n, share) for n in SEEDS]
    for rows, share in ((10, 0.7), (10, 0.95), (100, 0.7), (100, 0.95)):
        name = f"by class: {rows} rows, accuracy {share:g}"
        yield name, [by_class(n, rows, share) for n in SEEDS]
    for labels in (20, 200):
        yield f"balance: evenness of {labels} labels", [balance(n, labels) for n in SEEDS]


def table() -> list[str]:
    """In Markdown."""
    lines = [f"| interval | {' | '.join(f'{n} seeds' for n in SEEDS)} |"]
    lines.append(f"| --- |{' ---: |' * len(SEEDS)}")
    for name, shares in cells():
        if any(math.isnan(share) for share in shares):
            raise ValueError(name)
        lines.append(f"| {name} | {' | '.join(f'{share:.3f}' for share in shares)} |")
    return lines


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add_output(parser)
    options = parser.parse_args(argv)
    text = "\n".join(["# Coverage of further intervals", "", ABOUT, "", *table(), ""])
    tell(text, options.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
