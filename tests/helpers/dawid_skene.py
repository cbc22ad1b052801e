"""Dawid and Skene's estimate by their equations alone."""

import numpy as np

from labelbench_core.campaign.answers.dawid_skene import ErrorEstimate


def plain_fit(votes, steps=200):
    """Equations 2.3 to 2.5 of Dawid and Skene (1979)."""
    items, people, classes = (sorted({vote[at] for vote in votes}) for at in range(3))
    given = np.zeros((len(items), len(people), len(classes)))
    for item, who, label in votes:
        given[items.index(item), people.index(who), classes.index(label)] += 1
    likely = given.sum(1) / given.sum((1, 2))[:, None]
    for _ in range(steps):
        shares = likely.mean(0)
        errors = np.einsum("ij,ikl->kjl", likely, given)
        errors /= np.maximum(errors.sum(2, keepdims=True), 1e-10)
        log = np.log(np.maximum(shares, 1e-10)) + np.einsum(
            "ikl,kjl->ij", given, np.log(np.maximum(errors, 1e-10))
        )
        likely = np.exp(log - log.max(1, keepdims=True))
        likely /= likely.sum(1, keepdims=True)
    return ErrorEstimate(
        classes,
        likely.mean(0),
        {who: errors[place].T for place, who in enumerate(people)},
        dict(zip(items, likely, strict=True)),
    )


def plain_dawid_skene(votes):
    """Item -> class -> its probability."""
    fit = plain_fit(votes)
    return {item: dict(zip(fit.classes, row, strict=True)) for item, row in fit.likely.items()}
