"""Rules that decide when to stop buying labels, from what every round records, with their sources.

Parameters are those of the sources, which chose them on texts, with rounds of few labels; where a
source gives several, those that Pullar-Strecker et al. compare ("Hitting the target: stopping
active learning at the cost-based optimum", Machine Learning 113, 2024). A round here is what a
source calls an iteration. Signals are those of `labelbench_core/metrics/signals.py`; what a source
computes over all unlabelled rows is computed over those of the stop set here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

Test = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(S, R) values of a signal, a row per seed and NaN where there is none, and (R,) numbers of
labels → (S, R) whether the rule is fulfilled after each round."""
ROUNDING = 1e-12


@dataclass(frozen=True)
class Rule:
    """A rule for stopping.

    Attributes
    ----------
    signal
        The signal that the rule reads.
    is_fulfilled
        Whether the rule is fulfilled, after each round.
    parameters
        The rule's parameters, as they are shown.
    before_buying
        Whether the rule decides on a batch before it is bought: the last round is then the one
        before.
    """

    signal: str
    is_fulfilled: Test
    parameters: str
    before_buying: bool = False

    def stops(self, values: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The round at which each seed stops, the last one where it does not, and whether it does.

        Both (S,); a rule that is fulfilled only after the last round does not stop anything.
        """
        last = len(labels) - 1
        fulfilled = self.is_fulfilled(values, labels)
        places = np.where(fulfilled.any(axis=1), fulfilled.argmax(axis=1), last + 1)
        places = np.minimum(places - int(self.before_buying), last)
        return places, places < last


def at_least(limit: float, window: int = 1) -> Test:
    """The mean of the last `window` values is `limit` or more."""

    def test(values: np.ndarray, _: np.ndarray) -> np.ndarray:
        found = np.zeros(values.shape, bool)
        if values.shape[1] >= window:
            means = sliding_window_view(values, window, axis=1).mean(axis=2)
            found[:, window - 1 :] = means >= limit - ROUNDING  # NaN is never enough
        return found

    return test


def at_most(limit: float) -> Test:
    """The value is `limit` or less."""
    return lambda values, _: values <= limit + ROUNDING


def falls(times: int) -> Test:
    """The value has fallen `times` rounds in a row."""

    def test(values: np.ndarray, _: np.ndarray) -> np.ndarray:
        found = np.zeros(values.shape, bool)
        fell = np.diff(values, axis=1) < 0
        if fell.shape[1] >= times:
            found[:, times:] = sliding_window_view(fell, times, axis=1).all(axis=2)
        return found

    return test


def gains_little(limit: float, window: int) -> Test:
    """The value is the highest so far, and has risen by less than `limit` per label.

    The rise is over the last `window` rounds: the means of two windows that are one round apart
    differ by that, divided by `window`.
    """

    def test(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
        found = np.zeros(values.shape, bool)
        now, before = slice(window, None), slice(None, -window)
        gain = (values[:, now] - values[:, before]) / (labels[now] - labels[before])
        is_highest = values[:, now] >= np.maximum.accumulate(values, axis=1)[:, now]
        found[:, now] = is_highest & (gain > 0) & (gain < limit)
        return found

    return test


RULES: Mapping[str, Rule] = {
    # Bloodgood & Vijay-Shanker, "A method for stopping active learning based on stabilizing
    # predictions and the need for user-adjustable stopping", CoNLL 2009; 0.99 is theirs, and the
    # lower limits stop earlier, a choice that they leave to the user.
    **{
        f"stabilising-predictions-{round(100 * limit)}": Rule(
            "kappa", at_least(limit, window=3), f"mean kappa of 3 rounds at least {limit}"
        )
        for limit in (0.99, 0.97, 0.95)
    },
    # Zhu, Wang & Hovy, "Multi-criteria-based strategy to stop active learning for data
    # annotation", COLING 2008, for this one and the next.
    "classification-change": Rule("changed", at_most(0), "no predicted class changes"),
    "overall-uncertainty": Rule("entropy", at_most(0.01), "mean entropy at most 0.01"),
    # Zhu, Wang & Hovy, "Learning a stopping criterion for active learning for word sense
    # disambiguation and text classification", IJCNLP 2008.
    "minimum-expected-error": Rule("confidence", at_least(0.99), "expected error at most 0.01"),
    # Zhu & Hovy, "Active learning for word sense disambiguation with methods for addressing the
    # class imbalance problem", EMNLP-CoNLL 2007, for this one and the next.
    "max-confidence": Rule(
        "batch_entropy", at_most(0.01), "entropy of all of a batch at most 0.01", before_buying=True
    ),
    "min-error": Rule("batch_accuracy", at_least(0.9), "a batch predicted with accuracy 0.9"),
    # Laws & Schütze, "Stopping criteria for active learning of named entity recognition", COLING
    # 2008: the F-measure expected from the probabilities, which is the mean confidence where each
    # row has one class.
    "expected-gain": Rule(
        "confidence",
        gains_little(5e-5, window=3),
        "expected accuracy gains less than 0.00005 per label over 3 rounds",
    ),
    # Vlachos, "A stopping criterion for active learning", Computer Speech & Language 22, 2008, for
    # this one and the next.
    "confidence-drop": Rule("confidence", falls(3), "mean confidence falls 3 times in a row"),
    "contradictory-information": Rule(
        "contradiction", falls(3), "contradiction by a batch falls 3 times in a row"
    ),
    # Ghayoomi, "Using variance as a stopping criterion for active learning of frame assignment",
    # NAACL HLT workshop on active learning for NLP, 2010.
    "variance": Rule(
        "confidence_variance", falls(2), "variance of confidence falls 2 times in a row"
    ),
}
"""Name → rule, in the order in which they are shown."""
