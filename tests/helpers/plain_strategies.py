"""What the plain forms in `benchmarks/plain` leave out: exact distances, and laws of draws."""

import numpy as np

from benchmarks.plain.margin import margins


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


def drawing_law(weights, length):
    """{drawn sequence: probability} of drawing without replacement in proportion to weights."""
    law = {(): 1.0}
    for _ in range(length):
        law = {
            (*sequence, index): probability * weights[index] / (sum(weights) - taken)
            for sequence, probability in law.items()
            for taken in [sum(weights[i] for i in sequence)]
            for index in range(len(weights))
            if index not in sequence and weights[index] > 0
        }
    return law


def falcun_law(probabilities, gamma, length):
    """{drawn sequence: probability}, by enumeration."""
    wide = probabilities.astype(np.float64)
    apart = np.abs(wide[:, None] - wide).sum(axis=2)
    law = {(): 1.0}
    for _ in range(length):
        longer = {}
        for sequence, probability in law.items():
            relevance = 1 - margins(probabilities)
            for chosen in sequence:
                relevance = np.minimum(relevance, apart[chosen])
            weights = relevance**gamma
            for index in np.flatnonzero(weights):
                share = weights[index] / weights.sum()
                longer[(*sequence, int(index))] = probability * share
        law = longer
    return law
