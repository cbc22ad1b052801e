"""One round: select with the previous round's proxy, buy the labels, train, evaluate."""

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np

from labelbench_core import metrics, registry
from labelbench_core.errors import InputError
from labelbench_core.proxies import Proxy
from labelbench_core.selection import seen, stop_set
from labelbench_core.selection.annotator import LabelSeller, SequentialPurchase
from labelbench_core.selection.data import RoundData
from labelbench_core.selection.job import RoundJob, timed
from labelbench_core.selection.pool_rows import PredictedRows
from labelbench_core.storage.job_settings import JobSettings
from labelbench_core.storage.round_files import Round, weighted_splits
from labelbench_core.storage.rows import RowSource

log = logging.getLogger(__name__)

Hits = dict[str, dict[str, list[Any]]]
"""Split → as `metrics.accuracy.by_class`, or `metrics.groups.by_group`, has them."""


def initial_round(
    data: RoundData,
    settings: Mapping[str, Any],
    labeled: np.ndarray,
    threads: int = 1,
    *,
    made_from: Mapping[str, str] | None = None,
) -> Round:
    """Round 0: train on the initial pool and evaluate.

    Parameters
    ----------
    settings
        Ids `dataset`, `backbone`, `schedule`, `seed` and the entry `proxy` of the catalogue.
    labeled
        (L,) int64 indices of the initial pool.
    made_from
        `record_sha256` of the file that these indices are from, to be recorded.
    """
    seller = LabelSeller(data.said, np.zeros(0, np.int64))
    seller.buy(labeled)
    job = RoundJob(data.without_labels(), settings, seller, threads=threads)
    done = _train_and_evaluate(job, data, labeled, sequential=False)
    done.record["previous"] = dict(made_from or {})
    return done


def next_round(
    data: RoundData,
    settings: Mapping[str, Any],
    previous: Round,
    threads: int = 1,
) -> Round:
    """The round after `previous`.

    Parameters
    ----------
    settings
        As for `initial_round`, and the entries `strategy` and `schedule` of the catalogue.
    """
    from labelbench_core.strategies import select_with_state

    entries = JobSettings.of(settings).entries
    strategy, budget = entries["strategy"], entries["schedule"]["batch"]
    options = registry.options_of(strategy)
    kind = registry.describe("strategies", strategy["implementation"]).info["kind"]
    needs = registry.needs(strategy["implementation"], options)
    seller = LabelSeller(data.said, previous.arrays["labeled"])
    # Strategies and proxies can reach the job through what they get: it must not hold the truth.
    job = RoundJob(data.without_labels(), settings, seller, previous, threads)
    proxy, fit = _proxy_of(job, previous)
    with timed("score the pool"):
        pool = seen.pool_of(job, proxy, needs)
    ask = SequentialPurchase(seller, budget) if kind == "sequential" else None
    handed: dict[str, Any] = {"ask": ask}
    if kind == "ceiling":
        if "pool" not in data.truth:
            told = f"strategy {strategy['id']!r} needs the labels of the pool, which has none"
            raise InputError(f"{told}; allowed: another strategy")
        pool_truth = data.truth["pool"]
        handed = {"truth": pool_truth, "fit": seen.look_ahead(job, proxy, fit, pool_truth)}
    with timed("select"):
        bought, state = select_with_state(
            strategy["implementation"],
            pool,
            budget,
            job.rng("select"),
            **handed,
            **options,
        )
    if ask is None:
        seller.buy(bought)
    elif sorted(ask.asked) != sorted(bought.tolist()):
        raise RuntimeError(
            f"strategy {strategy['id']!r} broke its contract: it did not return the rows it bought"
        )
    batch: stop_set.SignalsAndArrays = ({}, {})
    if not data.multilabel:
        rows = proxy.pool_rows(data.embeddings["pool"])
        batch = stop_set.of_batch(job, _predicted(job, proxy, rows), len(bought))
    return _train_and_evaluate(
        job, data, bought, sequential=ask is not None, state=state, batch=batch
    )


def _proxy_of(job: RoundJob, previous: Round) -> tuple[Proxy, Mapping[str, Any]]:
    """The previous round's proxy, and what its `fit` returned.

    It is trained again if the pool was re-embedded since then.
    """
    proxy = job.build_proxy()
    if previous.record["source"] == job.data.source:
        return proxy.restore(previous.arrays, job.data.statistics), previous.record["fit"]
    with timed("train on the pool as embedded now"):
        training = job.training_set(job.seller.bought, job.seller.labels)
        fit = proxy.fit(training, job.rng("train-again"))
    return proxy, fit


def _train_and_evaluate(
    job: RoundJob,
    data: RoundData,
    bought: np.ndarray,
    *,
    sequential: bool,
    state: Mapping[str, Any] | None = None,
    batch: stop_set.SignalsAndArrays = ({}, {}),
) -> Round:
    seller, previous = job.seller, job.previous
    proxy = job.build_proxy()
    before = previous.arrays if previous else {}
    with timed("train"):
        training = job.training_set(seller.bought, seller.labels, previous=before)
        fit = proxy.fit(training, job.rng("train"), job.fit_before)
    if not fit.get("converged", True):
        log.warning("the proxy did not converge: %s", fit)
    if fit.get("penalty_at_edge"):
        log.warning(
            "the penalty %s is at the edge of the values tried; a better one may lie beyond",
            fit["penalty"],
        )
    arrays = {"labeled": seller.bought, **proxy.arrays()}
    with timed("evaluate"):
        scores, hits, said = _evaluate(job, data, proxy)
        signals, arrays = dict(batch[0]), arrays | batch[1]
        if not data.multilabel:
            told, kept = stop_set.of_round(job, *said)
            signals, arrays = signals | told, arrays | kept
    record = {
        **job.ids(),
        **data.labeled_by,
        "num_labeled": len(seller.bought),
        "bought": bought,
        "sequential": sequential,
        "state": dict(state or {}),
        "metrics": scores,
        **hits,
        **weighted_splits(scores, data.weights.get),
        "signals": signals,
        "fit": fit,
        "source": data.source,
        "dataset_fingerprint": data.dataset_fingerprint,
        "previous": dict(previous.digests) if previous else {},
    }
    return Round(record, arrays)


def _evaluate(
    job: RoundJob, data: RoundData, proxy: Proxy
) -> tuple[dict[str, dict[str, float]], dict[str, Hits], tuple[np.ndarray, np.ndarray]]:
    """Metrics of every split with labels, hits, and the stop set with its probabilities.

    Hits by class (`classes`), and by group where there are any (`groups`), are counted on all
    splits but the pool, or on the pool where it is the only one.
    """
    scores: dict[str, dict[str, float]] = {}
    classes: Hits = {}
    groups: Hits = {}
    kept = stop_set.stop_set(job)
    pool = stop_set.WatchedRows(
        _predicted(job, proxy, proxy.pool_rows(data.embeddings["pool"])), kept
    )
    for split in (name for name in data.embeddings if name in data.truth):
        rows = pool if split == "pool" else _predicted(job, proxy, data.embeddings[split])
        scores[split], *hits = metrics.evaluate_parts(
            rows, data.truth[split], data.groups.get(split), data.weights.get(split)
        )
        if split != "pool" or set(data.truth) == {"pool"}:
            for counts, of_part in zip((classes, groups), hits, strict=True):
                if of_part:
                    counts[split] = of_part
    found = {"classes": classes, "groups": groups} if groups else {"classes": classes}
    return scores, found, (kept, pool.kept())


def _predicted(job: RoundJob, proxy: Proxy, rows: RowSource) -> PredictedRows:
    return PredictedRows(proxy, rows, job.threads, multilabel=job.data.multilabel)
