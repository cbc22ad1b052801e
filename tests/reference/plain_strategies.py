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


def unit(embeddings):
    wide = embeddings.astype(np.float64)
    return (wide / np.linalg.norm(wide, axis=1, keepdims=True)).astype(np.float32)


def typiclust(embeddings, clusters, labeled, budget, neighbors=20, min_size=5):
    """The authors' loop, on given clusters; small clusters only when nothing else is left."""
    points = unit(embeddings).astype(np.float64)
    clusters = np.array(clusters)
    sizes = np.bincount(clusters)
    known = np.bincount(clusters[labeled], minlength=len(sizes))
    order = sorted(range(len(sizes)), key=lambda c: (known[c], -sizes[c], c))
    clusters[labeled] = -1
    chosen = []
    for group in (
        [c for c in order if sizes[c] > min_size],
        [c for c in order if sizes[c] <= min_size],
    ):
        while len(chosen) < budget and np.isin(clusters, group).any():
            for c in group:
                members = np.flatnonzero(clusters == c)
                if len(members) == 0 or len(chosen) == budget:
                    continue
                k = min(neighbors, len(members) // 2)
                apart = np.linalg.norm(points[members][:, None] - points[members], axis=2)
                spread = [np.sort(row)[1 : k + 1].mean() if k else 0 for row in apart]
                best = members[np.argmin(spread)]
                clusters[best] = -1
                chosen.append(int(best))
    return np.array(chosen)


def predicted(head, features):
    return (features @ head.weights.astype(np.float64) + head.bias).argmax(axis=-1)


def changed_classes(pool, passes, rate, rng):
    """Row by row: the class with every feature, and with a share `rate` of them dropped."""
    changes = []
    for row in pool.embeddings.astype(np.float64):
        words = rng.integers(0, 2**64, (passes, -(-len(row) // 8)), dtype=np.uint64)
        count = 0
        for drawn in words:
            kept = drawn.view(np.uint8)[: len(row)] / 256 >= rate
            count += predicted(pool.head, row * kept / (1 - rate)) != predicted(pool.head, row)
        changes.append(count)
    return np.array(changes)


def changes_by_mixing(pool, cap):
    """Which unlabelled rows change class when mixed with an anchor, as the paper writes it."""
    points = pool.embeddings.astype(np.float64)
    weights = pool.head.weights.astype(np.float64)
    changed = np.zeros(len(points), bool)
    for label in np.unique(pool.labels):
        anchor = points[pool.labeled[pool.labels == label]].mean(axis=0)
        for i in pool.unlabeled():
            z = points[i]
            logits = z @ weights + pool.head.bias
            p = np.exp(logits - logits.max())
            p /= p.sum()
            p[logits.argmax()] = 0
            p[logits.argmax()] = -p.sum()
            gradient = weights @ p
            length = cap / np.sqrt(len(z)) * np.linalg.norm(anchor - z)
            alpha = length * gradient / np.linalg.norm(gradient) / (anchor - z)
            mixed = alpha * anchor + (1 - alpha) * z
            changed[i] |= predicted(pool.head, mixed) != logits.argmax()
    return changed


def falcun_law(probabilities, gamma, length):
    """{drawn sequence: probability}, by enumeration."""
    wide = probabilities.astype(np.float64)
    apart = np.abs(wide[:, None] - wide).sum(axis=2)
    law = {(): 1.0}
    for _ in range(length):
        longer = {}
        for sequence, probability in law.items():
            relevance = 1 - margin_scores(probabilities)
            for chosen in sequence:
                relevance = np.minimum(relevance, apart[chosen])
            weights = relevance**gamma
            for index in np.flatnonzero(weights):
                share = weights[index] / weights.sum()
                longer[(*sequence, int(index))] = probability * share
        law = longer
    return law
