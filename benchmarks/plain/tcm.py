"""TCM at its plainest: TypiClust with scikit-learn and neighbours anew for every pick; a full sort.

Float64. Clusters as in the authors' code: `KMeans` up to 50 of them, else `MiniBatchKMeans`.
"""

import numpy as np

from labelbench_core.strategies import Pool


def select(
    pool: Pool, budget: int, rng: np.random.Generator, *, typiclust_rounds: int = 3
) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices."""
    return (typiclust if pool.round <= typiclust_rounds else margin)(pool, budget, rng)


def typiclust(pool: Pool, budget: int, rng: np.random.Generator) -> np.ndarray:
    """(budget,) typical rows of all clusters, of those with few labels and of large ones first."""
    from sklearn.cluster import KMeans, MiniBatchKMeans
    from sklearn.neighbors import NearestNeighbors

    count = min(len(pool.labeled) + budget, 500, pool.num_rows)
    points = unit(pool.embeddings)
    seed = int(rng.integers(2**31))
    if count <= 50:
        means = KMeans(count, n_init=1, random_state=seed)
    else:
        means = MiniBatchKMeans(count, batch_size=5000, n_init=1, random_state=seed)
    labels = means.fit_predict(points)
    sizes = np.bincount(labels, minlength=count)
    known = np.bincount(labels[pool.labeled], minlength=count)
    order = np.lexsort((-sizes, known))
    order = np.concatenate([order[sizes[order] > 5], order[sizes[order] <= 5]])
    free = np.zeros(pool.num_rows, bool)
    free[pool.unlabeled()] = True
    chosen: list[int] = []
    while len(chosen) < budget:
        for label in order:
            members = np.flatnonzero((labels == label) & free)
            if len(members) and len(chosen) < budget:
                nearest = NearestNeighbors(n_neighbors=min(20, len(members) // 2) + 1)
                distances = nearest.fit(points[members]).kneighbors(points[members])[0]
                best = int(members[distances.mean(axis=1).argmin()])
                chosen.append(best)
                free[best] = False
    return np.array(chosen, np.int64)


def margin(pool: Pool, budget: int, rng: np.random.Generator) -> np.ndarray:
    """(budget,) the rows with the smallest difference between the two likeliest classes."""
    unlabeled = pool.unlabeled()
    ordered = np.sort(np.asarray(pool.probabilities, np.float64)[unlabeled], axis=1)
    return unlabeled[np.argsort(ordered[:, -1] - ordered[:, -2], kind="stable")[:budget]]


def unit(embeddings: np.ndarray) -> np.ndarray:
    """(N, D) float64 rows of length 1."""
    points = np.asarray(embeddings, np.float64)
    return points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-300)
