"""How often the 95 % intervals of label savings hold the true saving, by simulation.

    python -m benchmarks.savings_coverage --output docs/benchmarks/savings_coverage.md

The experiments are those of `_simulated_curves`; the rules those of `_saving_rules`: `t band` is in
use, `bootstrap` is the named baseline, which was in use before. Every experiment counts:

- `coverage`: the share whose interval holds the true saving. An open end ("less than", "more
  than") helps only if the truth lies there; an experiment without an interval does not cover.
- `open`: the share with an end that is open; `empty`: the share without an interval, or with
  nothing but a bound.
- `width`: the median of high end / low end, over those with two closed ends.

The bootstrap, the slow one, has a quarter of the experiments, and not those of other curves. With
`--savings`, the grid alone is simulated, for other true savings, without the bootstrap. Below 1 the
true curves go on after the last budget, and the strategy reaches the level there: a bound is the
right answer then, and covers if it is true.
"""

import argparse
import itertools
import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks._page import add_output, tell
from benchmarks._saving_rules import RULES, Intervals
from benchmarks._simulated_curves import Case, draw, true_saving
from labelbench_core.seeds import rng_for

SAVINGS = (1.0, 1.5, 2.0, 4.0)
SEEDS = (3, 5, 10, 20)
ROUNDS = (6, 11, 21)
NOISE = 0.05
NOISES = {"equal": (NOISE, NOISE), "unequal": (NOISE, 2 * NOISE)}
# What else may be true: noises, shape of the baseline's curve, correlation (see `Case`).
OTHERS = {
    "rising, half the noise": (NOISE / 2, NOISE / 2, "rising"),
    "rising, twice the noise": (2 * NOISE, 2 * NOISE, "rising"),
    "rising, the strategy half as noisy": (NOISE, NOISE / 2, "rising"),
    "rising, noise that lasts (correlation .5)": (NOISE, NOISE, "rising", 0.5),
    "level from six tenths on": (NOISE, NOISE, "level"),
    "falling from six tenths on": (NOISE, NOISE, "falling"),
}
EXPERIMENTS = 2000
# Rules that have a fraction of the experiments, and only those of the grid.
SLOW = {"bootstrap": 4}
FAST = [name for name in RULES if name not in SLOW]
COLUMNS = ("coverage", "open", "empty", "width")


@dataclass(frozen=True)
class Score:
    """How one rule fares in one case."""

    coverage: float
    open: float
    empty: float
    width: float


def score(intervals: Intervals, saving: float) -> Score:
    """Coverage, shares of open and empty intervals, and the median width of closed ones."""
    is_open = np.isinf(intervals.low) | np.isinf(intervals.high)
    closed = ~is_open & ~intervals.empty
    ratio = intervals.high[closed] / intervals.low[closed]
    return Score(
        float(intervals.covers(saving, by_bounds=saving < 1).mean()),
        float((is_open & ~intervals.empty).mean()),
        float(intervals.empty.mean()),
        float(np.median(ratio)) if closed.any() else math.nan,
    )


def simulate(case: Case, experiments: int, rules: Iterable[str] = RULES) -> dict[str, Score]:
    """Scores of the rules on the same experiments; equal arguments give equal scores."""
    rng = rng_for("savings-coverage", *map(str, vars(case).values()))
    baseline, strategy = draw(case, experiments, rng)
    saving = true_saving(case)
    scores = {}
    for name in rules:
        count = max(1, experiments // SLOW.get(name, 1))
        curves = (
            type(curve)(curve.budgets, curve.values[:count]) for curve in (baseline, strategy)
        )
        scores[name] = score(RULES[name](*curves, rng), saving)
    return scores


def cases(savings: Sequence[float] = SAVINGS) -> Iterable[tuple[str, Case]]:
    """The grid: name of the noise, and case."""
    for noise, saving, seeds, rounds in itertools.product(NOISES, savings, SEEDS, ROUNDS):
        yield noise, Case(saving, seeds, rounds, *NOISES[noise])


def other_cases() -> Iterable[tuple[str, Case]]:
    """The same grid, shorter, for everything in `OTHERS`."""
    for name, kind in OTHERS.items():
        savings = SAVINGS if "rising" in kind else (math.nan,)
        for saving, seeds, rounds in itertools.product(savings, SEEDS, ROUNDS):
            yield name, Case(saving, seeds, rounds, *kind)


def columns(rules: Iterable[str] = RULES) -> list[str]:
    """Headings of what `_range` gives for every rule."""
    return [f"{name}: {what}" for name in rules for what in COLUMNS]


def condensed(found: Sequence[tuple[str, Case, dict[str, Score]]]) -> list[str]:
    """A line per true saving and number of seeds: from the lowest to the highest cell."""
    rules = list(found[0][2])
    lines = _head(["saving", "seeds"], columns(rules))
    for saving, seeds in dict.fromkeys((case.saving, case.seeds) for _, case, _ in found):
        rows = [s for _, case, s in found if (case.saving, case.seeds) == (saving, seeds)]
        cells = [cell for name in rules for cell in _range([row[name] for row in rows])]
        lines.append(_line([f"{saving:g}", str(seeds), *cells]))
    rows = [scores for *_, scores in found]
    cells = [cell for name in rules for cell in _range([row[name] for row in rows])]
    return [*lines, _line(["all", "all", *cells])]


def by_name(found: Sequence[tuple[str, Case, dict[str, Score]]]) -> list[str]:
    """A line per kind of curves."""
    lines = _head(["curves"], columns(FAST))
    for kind in dict.fromkeys(name for name, *_ in found):
        rows = [scores for name, _, scores in found if name == kind]
        cells = [cell for name in FAST for cell in _range([row[name] for row in rows])]
        lines.append(_line([kind, *cells]))
    return lines


def in_full(found: Sequence[tuple[str, Case, dict[str, Score]]]) -> list[str]:
    """A line per cell of the grid."""
    lines = _head(["noise", "saving", "seeds", "rounds"], columns())
    for noise, case, scores in found:
        cells = [cell for name in RULES for cell in _range([scores[name]])]
        lines.append(_line([noise, f"{case.saving:g}", str(case.seeds), str(case.rounds), *cells]))
    return lines


def _range(scores: Sequence[Score]) -> list[str]:
    """Coverage, open, empty and width as text, "lowest–highest" where they differ."""
    cells = []
    for name in COLUMNS:
        values = [value for row in scores if not math.isnan(value := getattr(row, name))]
        digits = 3 if name == "coverage" else 2
        ends = (min(values), max(values)) if values else ()
        cells.append("–".join(dict.fromkeys(f"{end:.{digits}f}" for end in ends)) or "none")
    return cells


def _head(names: Sequence[str], columns: Sequence[str]) -> list[str]:
    return [_line([*names, *columns]), _line(["---"] * len(names) + ["---:"] * len(columns))]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--experiments", type=int, default=EXPERIMENTS, help="per cell")
    add_output(parser)
    parser.add_argument("--savings", type=float, nargs="+", help="other true savings: see above")
    options = parser.parse_args(argv)
    if options.savings:
        chosen = cases(options.savings)
        found = [(name, case, simulate(case, options.experiments, FAST)) for name, case in chosen]
        print("\n".join(condensed(found)))
        return 0
    grid = [(name, case, simulate(case, options.experiments)) for name, case in cases()]
    others = [
        (name, case, simulate(case, options.experiments, FAST)) for name, case in other_cases()
    ]
    text = "\n".join(
        [
            "# Coverage of the intervals of label savings",
            "",
            f"Nominal 95 %, {options.experiments:,} experiments a cell (the bootstrap a quarter).",
            "Made by `python -m benchmarks.savings_coverage`, which says what is simulated.",
            "Lowest to highest over rounds (6, 11, 21) and noise (equal, unequal):",
            "",
            *condensed(grid),
            "",
            "Other noise and other curves, over all numbers of seeds and rounds:",
            "",
            *by_name(others),
            "",
            "Every cell:",
            "",
            *in_full(grid),
            "",
        ]
    )
    tell(text, options.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
