"""Filling a batch at random when a strategy runs out of candidates."""

import numpy as np


def fill_at_random(
    chosen: np.ndarray, unlabeled: np.ndarray, budget: int, rng: np.random.Generator
) -> np.ndarray:
    """(budget,) `chosen`, then rows drawn uniformly, without replacement, among the others.

    Parameters
    ----------
    chosen
        (k,) distinct unlabelled indices, k at most `budget`; if it has all `budget` rows, they are
        returned as they are, and no random number is drawn.
    unlabeled
        Increasing indices of all rows without a label.
    """
    missing = budget - len(chosen)
    if missing == 0:
        return chosen
    return np.concatenate([chosen, rng.permutation(np.setdiff1d(unlabeled, chosen))[:missing]])
