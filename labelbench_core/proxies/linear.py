"""Logistic regression on frozen embeddings: a linear probe.

Multinomial for one class per row; where a row belongs to any number of classes, one binary
regression per class, all with the same penalty.

With a start from the classifier that a CLIP-like backbone makes from class names, the penalty is on
the distance from that classifier instead of from zero: the objective has one minimum, wherever the
search begins.

Where rows have weights, the mean loss is weighted, in training and in the choice of the penalty.

Features are standardised with the statistics of the whole, unlabelled pool. The penalty is chosen
by cross-validation within the labels that were bought (`penalty.py`), so that neither a validation
set nor a test set is spent on it, and again each time the number of labels has doubled. The record
says `penalty_at_edge: true` if it is the first or last value of the grid.
"""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from labelbench_core.compute.logistic import Solution, solve
from labelbench_core.errors import InputError
from labelbench_core.proxies import TrainingSet
from labelbench_core.proxies.shared.linear_head import LinearClassifier
from labelbench_core.proxies.shared.penalty import choose_penalty, total_weight
from labelbench_core.registry.options import Count, Penalty, Positive

INFO = {
    "summary": "L2-penalised logistic regression on standardised embeddings",
    "paper": "Cox 1958; as selection via proxy: Coleman et al., ICLR 2020",
    "provides": ["probabilities", "head"],
    "cost": "O(L D C) per iteration, 10 to 70 iterations",
    "needs_torch": False,
    "pretrained_head": True,
    "multilabel": True,
    "weighted": True,
}


class LinearProxy(LinearClassifier):
    """A linear probe; see the module and `labelbench_core.proxies`."""

    def __init__(
        self,
        penalty: float | None,
        tolerance: float,
        max_iterations: int,
        threads: int,
        start: str = "zeros",
    ) -> None:
        super().__init__(threads)
        self.start = start
        self.prior: np.ndarray | None = None
        self.penalty, self.tolerance, self.max_iterations = penalty, tolerance, max_iterations

    def fit(
        self,
        training: TrainingSet,
        rng: np.random.Generator,
        previous: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Train from zero; the optimum is unique, and `rng` only assigns the folds."""
        self.statistics, self.multilabel = training.statistics, training.multilabel
        labels, num_classes = training.labels, training.num_classes
        self.prior = self._prior(training)
        rows, weights = self.embed(training.features()), training.weights
        chosen, flops = self._choose_penalty(
            rows, labels, num_classes, rng, previous or {}, weights
        )
        solution = self._solve(rows, labels, num_classes, chosen["penalty"], weights=weights)
        self.weights, self.bias = self._for_stored(solution.weights, solution.bias)
        return {
            **chosen,
            "iterations": solution.iterations,
            "flops": flops + solution.flops,
            "gradient_ratio": float(f"{solution.gradient_ratio:.3g}"),
            "converged": solution.converged,
        }

    def refit(self, training: TrainingSet, fit: Mapping[str, Any]) -> "LinearProxy":
        """A rough probe on other labels, fitted quickly, for looking ahead.

        It starts from this probe's solution, with the penalty of `fit` (what this probe's `fit`
        returned), and ends at ten times the tolerance.
        """
        probe = LinearProxy(fit["penalty"], 10 * self.tolerance, self.max_iterations, self.threads)
        probe.statistics, probe.prior = self.statistics, self._prior(training)
        probe.multilabel = training.multilabel
        start = np.vstack(self.head()).astype(np.float64)
        rows = probe.embed(training.features())
        solution = probe._solve(
            rows,
            training.labels,
            training.num_classes,
            fit["penalty"],
            start=start,
            weights=training.weights,
        )
        probe.weights, probe.bias = probe._for_stored(solution.weights, solution.bias)
        return probe

    def _solve(
        self,
        rows: np.ndarray,
        labels: np.ndarray,
        num_classes: int,
        penalty: float,
        start: np.ndarray | None = None,
        weights: np.ndarray | None = None,
    ) -> Solution:
        """The head for standardised rows at a penalty per label."""
        return solve(
            rows,
            labels,
            num_classes,
            penalty * total_weight(rows, weights),
            self.tolerance,
            self.max_iterations,
            self.threads,
            start,
            self.prior,
            weights,
        )

    def _prior(self, training: TrainingSet) -> np.ndarray | None:
        """(D + 1, C) the classifier of the class names, for standardised rows.

        It expects rows of unit length; here all are divided by their mean-square length instead, so
        that the classifier stays linear.
        """
        if self.start == "zeros":
            return None
        if training.zero_shot is None:
            raise InputError(
                "options.start: 'zero-shot'; no zero-shot head was given; allowed without it: zeros"
            )
        statistics = training.statistics
        length = np.sqrt((statistics.mean**2 + statistics.std**2).sum())
        weights = training.zero_shot["weights"] * float(training.zero_shot["scale"]) / length
        varies = statistics.scale[:, None] > 0
        scaled = np.where(varies, weights / np.where(varies, statistics.scale[:, None], 1), 0)
        return np.vstack([scaled, statistics.mean @ weights])

    def _choose_penalty(
        self,
        rows: np.ndarray,
        labels: np.ndarray,
        num_classes: int,
        rng: np.random.Generator,
        previous: Mapping[str, Any],
        weights: np.ndarray | None,
    ) -> tuple[dict[str, Any], int]:
        """The penalty: fixed, the previous round's, or chosen by the labels; and what that cost.

        The second value is the number of floating-point operations that choosing it took.
        """
        if self.penalty is not None:
            return {"penalty": self.penalty}, 0
        if previous and len(labels) < 2 * previous["penalty_chosen_at"]:
            kept = ("penalty", "penalty_chosen_at", "penalty_at_edge")
            return {key: previous[key] for key in kept}, 0
        start = previous.get("penalty")
        choice = choose_penalty(
            rows, labels, num_classes, start, rng, self.threads, self.prior, weights
        )
        chosen = {
            "penalty": choice.penalty,
            "penalty_chosen_at": len(labels),
            "penalty_at_edge": choice.at_edge,
        }
        return chosen, choice.flops


def build(
    threads: int = 1,
    *,
    penalty: Penalty | None = None,
    tolerance: Positive = 1e-3,
    max_iterations: Count = 500,
    start: Literal["zeros", "zero-shot"] = "zeros",
) -> LinearProxy:
    """A linear probe.

    Parameters
    ----------
    threads
        Threads to use; no influence on the result.
    penalty
        Penalty per label: the objective is the mean loss plus penalty / 2 times the squared norm of
        the weights of standardised features. null: chosen by cross-validation on the labels bought.
        Default: ours.
    tolerance
        Stop when the gradient's norm is this fraction of its norm at zero weights. Default: ours.
    max_iterations
        Iterations after which the search for the optimum stops; the round's record then says
        `converged: false`. Default: ours.
    start
        Weights that the penalty pulls towards: "zeros", or "zero-shot", the classifier that a
        CLIP-like backbone makes from the class names. Default: ours.
    """
    return LinearProxy(penalty, tolerance, max_iterations, threads, start)
