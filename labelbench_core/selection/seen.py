"""What a strategy sees in a round: the pool, rows held out, and, for ceilings, other fits."""

import functools
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from labelbench_core.compute.halves import single
from labelbench_core.proxies import Ensemble, LinearHead, Proxy, Refittable
from labelbench_core.selection.annotator import LookAhead
from labelbench_core.selection.job import RoundJob, timed
from labelbench_core.selection.pool_rows import (
    EmbeddedRows,
    PredictedRows,
    in_memory_if_small,
    member_rows,
)

if TYPE_CHECKING:
    from labelbench_core.strategies import Pool

# A ceiling's candidates are compared on at most this many rows of the pool.
LOOK_AHEAD_ROWS = 10_000


def pool_of(job: RoundJob, proxy: Proxy, needs: Collection[str]) -> "Pool":
    """The pool as `proxy` sees it, with only what the strategy needs."""
    from labelbench_core.strategies import Head, Pool

    data, seller = job.data, job.seller
    rows = proxy.pool_rows(data.embeddings["pool"])
    embeddings = EmbeddedRows(proxy, rows, job.threads)
    probabilities = members = head = None
    if "probabilities" in needs:
        seen = PredictedRows(proxy, rows, job.threads, multilabel=data.multilabel)
        probabilities = in_memory_if_small(seen)
    if "member_probabilities" in needs and isinstance(proxy, Ensemble):
        members = member_rows(proxy, rows, job.threads, multilabel=data.multilabel)
    if "head" in needs and isinstance(proxy, LinearHead):
        head = Head(*proxy.head(), data.multilabel)
    bought_elsewhere = None
    if "recorded" in needs:
        from labelbench_core.selection import recorded

        options, pool_rows = job.entry("strategy")["options"], len(data.embeddings["pool"])
        bought_elsewhere = recorded.rows_of(options, job.settings, pool_rows, data.pool_sha256)
    pool = Pool(
        embeddings=in_memory_if_small(embeddings) if "embeddings" in needs else embeddings,
        probabilities=probabilities,
        labeled=seller.bought,
        labels=seller.labels,
        num_classes=data.num_classes,
        head=head,
        member_probabilities=members,
        round=job.number,
        state=job.state,
        multilabel=data.multilabel,
        recorded=bought_elsewhere,
    )
    held_out = functools.partial(_held_out, job, pool.labeled, pool.labels)
    return replace(pool, held_out=functools.cache(held_out))


def _held_out(
    job: RoundJob, indices: np.ndarray, labels: np.ndarray, share: float
) -> tuple[np.ndarray, np.ndarray]:
    """The `held_out` of a pool: predictions of a proxy trained without the rows bought last.

    It has the settings of the proxy itself, and its penalty if one was chosen.
    """
    kept = len(labels) - max(1, int(share * len(labels)))
    proxy = job.build_proxy()
    training = job.training_set(indices[:kept], labels[:kept], resumed=False)
    with timed("train without the rows held out"):
        proxy.fit(training, job.rng("held-out"), job.fit_before)
    rows = proxy.pool_rows(job.data.embeddings["pool"]).take(indices[kept:])
    return proxy.predict_proba(rows), labels[kept:]


def look_ahead(job: RoundJob, proxy: Proxy, fit: Mapping[str, Any], truth: np.ndarray) -> LookAhead:
    """The `fit` of a ceiling, judged by (at most `LOOK_AHEAD_ROWS` of) the pool's true labels.

    Proxies are trained on the annotator's labels; `truth`, (N,), only judges. `fit` is what the fit
    of `proxy` recorded.
    """
    rows, seller = job.data.embeddings["pool"], job.seller

    def train(indices: np.ndarray, labels: np.ndarray) -> Proxy:
        indices = np.concatenate([seller.bought, indices])
        training = job.training_set(indices, np.concatenate([seller.labels, labels]))
        if isinstance(proxy, Refittable):
            return proxy.refit(training, fit)
        other = job.build_proxy()
        other.fit(training, job.rng("look-ahead-train"), fit)
        return other

    judges = np.arange(len(rows))
    if len(judges) > LOOK_AHEAD_ROWS:
        judges = job.rng("look-ahead").choice(judges, LOOK_AHEAD_ROWS, replace=False)
    features = rows.take(judges)
    # In single precision once, not for every candidate.
    return LookAhead(seller, train, single(features), truth[judges])
