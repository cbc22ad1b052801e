"""Experiments whose true label saving is known: learning curves of two strategies, seed by seed.

The true curve of the baseline is a power law, 1 - (n / n0)^-0.75, scaled to rise by 1 from its
first budget to its last. The strategy's is the same law run through faster, with the speed at which
the straight lines through its values reach 1 at exactly 1 / saving of the last budget: the truth is
that of the quantity that is estimated, and straight lines between budgets bias nothing. The first
budget is half a batch.

The noise was set from the published per-seed curves of LabelBench (Zhang et al., 2023): 20 settings
with 2 to 8 strategies on CIFAR-10, CIFAR-100, fMoW and iWildCam. Exponent: .75 in the median. Over
the second half of a curve a standard deviation over seeds of .02 to .24 of the rise, .07 in the
median (.03 to .05 in this project's own runs), and in the first round twice that; strategies
between .4 and 2 times as noisy as random selection, most of them .6 to 1.5; a correlation, in the
median, of .2 from one round to the next, of .1 three rounds apart, and of .08 between strategies
with the same seed. Here .08 of the variance is the seed's, in both strategies, .02 the strategy's
with that seed; the rest follows the rounds with a correlation of .1. At the first budget both
strategies are one: they start with the same labels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from labelbench_core.analysis.savings.crossings import first_crossing
from labelbench_core.analysis.savings.saving_intervals import Curve

EXPONENT = 0.75
OF_SEED, OF_STRATEGY = 0.08, 0.02


@dataclass(frozen=True)
class Case:
    """What is simulated: `noise` and `strategy_noise` as shares of the baseline's rise.

    `correlation`: of what neither the seed nor the strategy explains, from one round to the next.
    `shape`: "rising" curves of the given `saving`; "level" and "falling" baselines reach their
    highest value at six tenths of the budget, and stay there or lose a quarter of it.
    """

    saving: float
    seeds: int
    rounds: int
    noise: float
    strategy_noise: float
    shape: str = "rising"
    correlation: float = 0.1


def true_curves(case: Case, rounds: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Budgets, and the expected values of baseline and strategy at them, all (T,).

    `rounds`: how many, where "rising" curves are to go on after the last budget.
    """
    budgets = np.arange(rounds or case.rounds) + 0.5
    end = case.rounds - 0.5
    if case.shape != "rising":
        share = budgets / end
        lost = 0.25 if case.shape == "falling" else 0.0
        late = 1 - lost * (share - 0.6) / 0.4
        baseline = np.where(share <= 0.6, _law(budgets) / _law(0.6 * end), late)
        faster = np.minimum(budgets[0] + 2 * (budgets - budgets[0]), end)
        return budgets, baseline, np.interp(faster, budgets, baseline)
    rise = _law(end)

    def strategy(speed: float, at: np.ndarray) -> np.ndarray:
        return _law(at[0] + speed * (at - at[0])) / rise

    far = np.arange(_rounds_to_the_level(case)) + 0.5
    slow, fast = (1.0, 1e4) if case.saving > 1 else (1e-4, 1.0)
    for _ in range(100):
        speed = math.sqrt(slow * fast)
        labels = first_crossing(far, strategy(speed, far)[None], np.ones(1))[0]
        slow, fast = (speed, fast) if labels > end / case.saving else (slow, speed)
    return budgets, strategy(1.0, budgets), strategy(fast if case.saving != 1 else 1.0, budgets)


def true_saving(case: Case) -> float:
    """What infinitely many seeds would give at the baseline's last level.

    Below 1, the strategy gets there after the last budget, which no experiment sees.
    """
    budgets, *curves = true_curves(case, _rounds_to_the_level(case))
    level = curves[0][case.rounds - 1 : case.rounds]
    needed, own = (first_crossing(budgets, curve[None], level)[0] for curve in curves)
    return float(needed / own)


def _rounds_to_the_level(case: Case) -> int:
    """Rounds after which the strategy has reached the baseline's last level, too."""
    return case.rounds if not case.saving < 1 else math.ceil(case.rounds / case.saving) + 1


def draw(case: Case, experiments: int, rng: np.random.Generator) -> tuple[Curve, Curve]:
    """Baseline and strategy of so many experiments: values (E, S, T)."""
    budgets, *means = true_curves(case)
    shape = (experiments, case.seeds, case.rounds)
    profile = 1 + budgets[0] / budgets
    of_seed = rng.standard_normal((*shape[:2], 1))
    values = []
    for mean, noise in zip(means, (case.noise, case.strategy_noise), strict=True):
        of_strategy = rng.standard_normal((*shape[:2], 1))
        follows = rng.standard_normal(shape)
        for step in range(1, case.rounds):
            follows[..., step] *= math.sqrt(1 - case.correlation**2)
            follows[..., step] += case.correlation * follows[..., step - 1]
        error = math.sqrt(OF_SEED) * of_seed + math.sqrt(OF_STRATEGY) * of_strategy
        error = error + math.sqrt(1 - OF_SEED - OF_STRATEGY) * follows
        values.append(mean + noise * profile * error)
    values[1][..., 0] = values[0][..., 0]
    return Curve(budgets, values[0]), Curve(budgets, values[1])


def _law(budgets: np.ndarray) -> np.ndarray:
    return 1 - (budgets / 0.5) ** -EXPONENT
