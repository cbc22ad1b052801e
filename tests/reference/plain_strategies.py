"""Strategies at their plainest: float64, one full pass over the pool per pick, no cleverness."""

import numpy as np


def by_score(scores, unlabeled, budget):
    """The lowest scores; equal ones by index."""
    return np.array(sorted(unlabeled, key=lambda i: (scores[i], i))[:budget], dtype=np.int64)


def confidence_scores(probabilities):
    return [max(map(float, row)) for row in probabilities]


def entropy_scores(probabilities):
    wide = probabilities.astype(np.float64)
    return [sum(p * np.log(p) for p in row if p > 0) for row in wide]


def margin_scores(probabilities):
    wide = np.sort(probabilities.astype(np.float64), axis=1)
    return wide[:, -1] - wide[:, -2]


def coreset(embeddings, labeled, budget):
    """Farthest first by direct differences."""
    points = embeddings.astype(np.float64)
    free = np.ones(len(points), bool)
    free[labeled] = False
    nearest = np.full(len(points), np.inf)
    for center in labeled:
        nearest = np.minimum(nearest, np.square(points - points[center]).sum(axis=1))
    if len(labeled) == 0:
        nearest = np.square(points).sum(axis=1)  # the first center: the largest norm
    chosen = []
    for _ in range(budget):
        best = int(np.argmax(np.where(free, nearest, -1)))
        distance = np.square(points - points[best]).sum(axis=1)
        nearest = distance if len(labeled) + len(chosen) == 0 else np.minimum(nearest, distance)
        free[best] = False
        chosen.append(best)
    return np.array(chosen, dtype=np.int64)


def gradients(embeddings, probabilities):
    """(N, C · D) last-layer gradients at the predicted labels."""
    residuals = probabilities.astype(np.float64)
    residuals[np.arange(len(residuals)), residuals.argmax(axis=1)] -= 1
    wide = embeddings.astype(np.float64)
    return (residuals[:, :, None] * wide[:, None, :]).reshape(len(wide), -1)


def seeding_law(points, first, length):
    """{drawn sequence: probability} of k-means++ from `first` (None: uniform), by enumeration."""
    count = len(points)
    starts = {(i,): 1 / count for i in range(count)} if first is None else {(first,): 1.0}
    for _ in range(length - 1):
        longer = {}
        for sequence, probability in starts.items():
            distances = np.square(points[:, None] - points[list(sequence)]).sum(axis=2)
            weights = distances.min(axis=1)
            for index in np.flatnonzero(weights):
                share = weights[index] / weights.sum()
                longer[(*sequence, int(index))] = probability * share
        starts = longer
    return starts
