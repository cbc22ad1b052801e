"""Dawid and Skene's estimate of labels from annotators who err, each in a way of their own.

How a person errs shows only where others have answered the same rows. Of one answer it cannot be
told whether it is wrong, and of two that differ not which: the errors of annotators with all their
confusions are identified from three answers to a row on. A person with few such rows is therefore
taken to err as all people together do, and where nobody has enough of them nothing is estimated.

A. P. Dawid and A. M. Skene, "Maximum Likelihood Estimation of Observer Error-Rates Using the EM
Algorithm", Applied Statistics 28(1), 1979; by the package crowd-kit. That three views identify it:
E. S. Allman, C. Matias and J. A. Rhodes, "Identifiability of Parameters in Latent Structure Models
with Many Observed Variables", Annals of Statistics 37(6A), 2009.
"""

import importlib.util
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from labelbench_core.errors import InputError

EXTRA = "agreement"
ROWS_PER_CLASS = 10
"""Rows with three answers or more, for each class, from which on a person has errors of their own.

A person's errors are one distribution for each true class. With ten rows of a class, a confusion
that happens to the person in one of ten is seen once on average; with fewer, that it was not seen
would be taken for that it does not happen.
"""
_TELLING = 3  # answers to a row, from which on they tell who errs
# The package stops by default where 1e-5 is gained, when probabilities still change by 1e-3.
_ITERATIONS, _LEAST_GAIN = 200, 1e-8
_LEAST = 1e-10  # probability that is taken for none, as in the package
_OTHERS = -1

VoteOf = tuple[str, str, str]
"""Item, annotator and class; each annotator once for each item."""


@dataclass(frozen=True)
class MeasuredAnnotators:
    """Of whom it can be told how they err.

    Attributes
    ----------
    annotators
        Those who have enough rows with three answers or more.
    needed
        How many such rows that takes.
    most
        How many the annotator with the most of them has; 0 without any.
    """

    annotators: frozenset[str]
    needed: int
    most: int


def measured(answered: Mapping[str, Collection[str]], classes: int) -> MeasuredAnnotators:
    """Of whom it can be told how they err.

    Parameters
    ----------
    answered
        Item → its annotators.
    classes
        Number of different votes.
    """
    telling = (given for given in answered.values() if len(given) >= _TELLING)
    rows = Counter(who for given in telling for who in given)
    needed = ROWS_PER_CLASS * max(classes, 2)
    enough = frozenset(who for who, count in rows.items() if count >= needed)
    return MeasuredAnnotators(enough, needed, max(rows.values(), default=0))


def require_package() -> None:
    """`InputError` where crowd-kit is not installed."""
    if importlib.util.find_spec("crowdkit") is None:
        raise InputError(
            "method 'dawid-skene': the package crowd-kit is not installed; allowed: 'majority', or "
            f"`.venv/bin/pip install -e '.[{EXTRA}]'` in the project's folder"
        )


@dataclass(frozen=True)
class ErrorEstimate:
    """What Dawid and Skene estimate.

    Attributes
    ----------
    classes
        The C classes that were voted for.
    priors
        (C,) share of each.
    errors
        Number of an annotator → (C, C) probability of a vote (row) for each true class (column).
    likely
        Item → (C,) probability of each class.
    """

    classes: Sequence[str]
    priors: np.ndarray
    errors: Mapping[int, np.ndarray]
    likely: Mapping[str, np.ndarray]


def posteriors(votes: Sequence[VoteOf], known: Collection[str]) -> dict[str, dict[str, float]]:
    """Item → class → its probability, for all items on which annotators differ.

    Parameters
    ----------
    votes
        Of any number of items; those with one vote tell nothing and are left out.
    known
        Annotators with errors of their own; all others err as all annotators together do.
    """
    of_item: dict[str, list[VoteOf]] = {}
    for vote in votes:
        of_item.setdefault(vote[0], []).append(vote)
    shared = [vote for given in of_item.values() if len(given) > 1 for vote in given]
    differing = {
        item: given for item, given in of_item.items() if len({vote[2] for vote in given}) > 1
    }
    if not differing:
        return {}
    number = {name: place for place, name in enumerate(sorted(known))}
    fit = fitted([(item, number.get(who, _OTHERS), said) for item, who, said in shared])
    place = {name: row for row, name in enumerate(fit.classes)}
    pooled = np.zeros((len(place), len(place)))
    for item, _, said in shared:
        pooled[place[said]] += fit.likely[item]
    pooled = np.maximum(pooled, _LEAST)
    pooled /= pooled.sum(axis=0)
    found: dict[str, dict[str, float]] = {}
    for item, given in differing.items():
        log = np.log(np.maximum(fit.priors, _LEAST))
        for _, who, said in given:
            errors = fit.errors[number[who]] if who in number else pooled
            log = log + np.log(np.maximum(errors[place[said]], _LEAST))
        shares = np.exp(log - log.max())
        found[item] = dict(zip(fit.classes, (shares / shares.sum()).tolist(), strict=True))
    return found


def fitted(votes: Sequence[tuple[str, int, str]]) -> ErrorEstimate:
    """The estimate from votes: item, number of the annotator, class."""
    # Imported here, so that only those who ask for this method wait for it.
    import pandas as pd
    from crowdkit.aggregation import DawidSkene  # pyright: ignore[reportMissingImports]  # an extra

    frame = pd.DataFrame(list(votes), columns=["task", "worker", "label"])
    model = DawidSkene(n_iter=_ITERATIONS, tol=_LEAST_GAIN).fit(frame)
    classes = [str(name) for name in model.probas_.columns]
    place = {name: row for row, name in enumerate(classes)}
    errors = {who: np.zeros((len(classes), len(classes))) for who in {vote[1] for vote in votes}}
    rows = model.errors_[classes]
    for (who, said), row in zip(rows.index, rows.to_numpy(), strict=True):
        errors[int(who)][place[str(said)]] = row
    likely = dict(zip(map(str, model.probas_.index), model.probas_.to_numpy(), strict=True))
    return ErrorEstimate(classes, model.priors_[classes].to_numpy(), errors, likely)
