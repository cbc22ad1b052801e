"""One round: select with the proxy of the round before, buy the labels, train, evaluate."""

import functools
import logging
import time
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from labelbench_core import metrics, registry
from labelbench_core.proxies import TrainingSet
from labelbench_core.seeds import rng_for
from labelbench_core.selection.annotator import LookAhead, Oracle, SequentialPurchase
from labelbench_core.selection.data import RoundData
from labelbench_core.selection.pool_rows import (
    EmbeddedRows,
    PredictedRows,
    in_memory_if_small,
    member_rows,
)
from labelbench_core.storage.round_files import INITIAL, Round, id_of

log = logging.getLogger(__name__)

# A ceiling's candidates are compared on at most this many rows of the pool.
LOOK_AHEAD_ROWS = 10_000


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
    oracle = Oracle(data.labels["pool"], np.zeros(0, np.int64))
    oracle.buy(labeled)
    done = _train_and_evaluate(data, settings, oracle, 0, labeled, threads, sequential=False)
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

    number = previous.record["round"] + 1
    strategy = settings["strategy"]
    info = registry.describe("strategies", strategy["implementation"]).info
    needs = registry.needs(strategy["implementation"], strategy.get("options"))
    oracle = Oracle(data.labels["pool"], previous.arrays["labeled"])
    proxy = _proxy_of(previous, data, settings, oracle, threads)
    budget = settings["schedule"]["batch"]
    with _timed("score the pool"):
        pool = _what_is_seen(data, proxy, oracle, needs, previous.record, threads)
        known = pool.labeled, pool.labels
        held_out = functools.partial(_held_out, data, settings, known, previous.record, threads)
        pool = replace(pool, held_out=functools.cache(held_out))
    ask = SequentialPurchase(oracle, budget) if info["kind"] == "sequential" else None
    handed = {"ask": ask}
    if info["kind"] == "ceiling":
        fit = _look_ahead(data, settings, proxy, oracle, previous.record, threads)
        handed = {"truth": data.labels["pool"], "fit": fit}
    with _timed("select"):
        bought, state = select_with_state(
            strategy["implementation"],
            pool,
            budget,
            _rng("select", settings, number, strategy["id"]),
            **handed,
            **(strategy.get("options") or {}),
        )
    if ask is None:
        oracle.buy(bought)
    elif sorted(ask.asked) != sorted(bought.tolist()):
        raise RuntimeError(
            f"strategy {strategy['id']!r} broke its contract: it returned other rows than it bought"
        )
    return _train_and_evaluate(
        data,
        settings,
        oracle,
        number,
        bought,
        threads,
        sequential=ask is not None,
        state=state,
        previous=previous,
    )


def _proxy_of(
    previous: Round, data: RoundData, settings: Mapping[str, Any], oracle: Oracle, threads: int
) -> Any:
    """The proxy of the round before; trained again if the pool was embedded anew since then."""
    proxy = _build_proxy(settings, threads)
    if previous.record["source"] == data.source:
        return proxy.restore(previous.arrays, data.statistics)
    with _timed("train on the pool as embedded now"):
        number, strategy = previous.record["round"] + 1, settings["strategy"]["id"]
        rng = _rng("train-again", settings, number, strategy)
        proxy.fit(_training_set(data, oracle.bought, oracle.labels), rng)
    return proxy


def _training_set(
    data: RoundData,
    indices: np.ndarray,
    labels: np.ndarray,
    previous: Mapping[str, np.ndarray] | None = None,
) -> TrainingSet:
    return TrainingSet(
        pool=data.embeddings["pool"],
        indices=indices,
        labels=labels,
        num_classes=data.num_classes,
        statistics=data.statistics,
        views=data.views,
        backbone=data.backbone,
        zero_shot=data.zero_shot,
        previous=previous or {},
        checkpoint=data.checkpoint,
    )


def _what_is_seen(
    data: RoundData,
    proxy: Any,
    oracle: Oracle,
    needs: Collection[str],
    previous: Mapping[str, Any],
    threads: int,
) -> Any:
    """The `Pool` of a round: what its strategy needs, and nothing computed beyond that."""
    from labelbench_core.strategies import Head, Pool

    rows = proxy.pool_rows(data.embeddings["pool"])
    embeddings = EmbeddedRows(proxy, rows, threads)
    probabilities = members = None
    if "probabilities" in needs:
        seen = PredictedRows(proxy, rows, threads, multilabel=data.multilabel)
        probabilities = in_memory_if_small(seen)
    if "member_probabilities" in needs and hasattr(proxy, "predict_members"):
        members = member_rows(proxy, rows, threads, multilabel=data.multilabel)
    return Pool(
        embeddings=in_memory_if_small(embeddings) if "embeddings" in needs else embeddings,
        probabilities=probabilities,
        labeled=oracle.bought,
        labels=oracle.labels,
        num_classes=data.num_classes,
        head=Head(*proxy.head()) if "head" in needs else None,
        member_probabilities=members,
        round=previous["round"] + 1,
        state=previous["state"],
        multilabel=data.multilabel,
    )


def _held_out(
    data: RoundData,
    settings: Mapping[str, Any],
    known: tuple[np.ndarray, np.ndarray],
    previous: Mapping[str, Any],
    threads: int,
    share: float,
) -> tuple[np.ndarray, np.ndarray]:
    """The `held_out` of a pool: what a proxy trained without the rows bought last says of them.

    It has the settings, and where it chooses a penalty that of the proxy itself.
    """
    indices, labels = known
    kept = len(labels) - max(1, int(share * len(labels)))
    proxy = _build_proxy(settings, threads)
    training = _training_set(data, indices[:kept], labels[:kept])
    rng = _rng("held-out", settings, previous["round"] + 1, settings["strategy"]["id"])
    fit = previous["fit"] if previous["source"] == data.source else None
    with _timed("train without the rows held out"):
        proxy.fit(replace(training, checkpoint=None), rng, fit)
    rows = proxy.pool_rows(data.embeddings["pool"]).take(indices[kept:])
    return proxy.predict_proba(rows), labels[kept:]


def _look_ahead(
    data: RoundData,
    settings: Mapping[str, Any],
    proxy: Any,
    oracle: Oracle,
    previous: Mapping[str, Any],
    threads: int,
) -> LookAhead:
    """The `fit` of a ceiling, judged by (at most `LOOK_AHEAD_ROWS` of) the pool's true labels."""
    rows, fit = data.embeddings["pool"], previous["fit"]

    def rng(role: str) -> np.random.Generator:
        return _rng(role, settings, previous["round"] + 1, settings["strategy"]["id"])

    def train(indices: np.ndarray, labels: np.ndarray) -> Any:
        indices = np.concatenate([oracle.bought, indices])
        training = _training_set(data, indices, np.concatenate([oracle.labels, labels]))
        if hasattr(proxy, "refit"):
            return proxy.refit(training, fit)
        other = _build_proxy(settings, threads)
        other.fit(training, rng("look-ahead-train"), fit)
        return other

    judges = np.arange(len(rows))
    if len(judges) > LOOK_AHEAD_ROWS:
        judges = rng("look-ahead").choice(judges, LOOK_AHEAD_ROWS, replace=False)
    features = rows.take(judges)
    if features.dtype == np.float16:
        features = features.astype(np.float32)  # once, not for every candidate
    return LookAhead(oracle, train, features, data.labels["pool"][judges])


def _train_and_evaluate(
    data: RoundData,
    settings: Mapping[str, Any],
    oracle: Oracle,
    number: int,
    bought: np.ndarray,
    threads: int,
    *,
    sequential: bool,
    state: Mapping[str, Any] | None = None,
    previous: Round | None = None,
) -> Round:
    strategy = settings["strategy"]["id"] if number else INITIAL
    proxy = _build_proxy(settings, threads)
    # What was chosen for other embeddings is chosen anew.
    is_same = previous is not None and previous.record["source"] == data.source
    with _timed("train"):
        fit = proxy.fit(
            _training_set(data, oracle.bought, oracle.labels, previous and previous.arrays),
            _rng("train", settings, number, strategy),
            previous.record["fit"] if is_same else None,
        )
    if not fit["converged"]:
        log.warning("the proxy did not converge: %s", fit)
    if fit.get("penalty_at_edge"):
        log.warning(
            "the penalty %s is at the edge of the values tried; a better one may lie beyond",
            fit["penalty"],
        )
    with _timed("evaluate"):
        scores = {
            split: metrics.evaluate(
                PredictedRows(proxy, proxy.pool_rows(rows) if split == "pool" else rows, threads),
                data.labels[split],
            )
            for split, rows in data.embeddings.items()
        }
    record = {
        "dataset": settings["dataset"],
        "backbone": id_of(settings["backbone"]),
        "seed": settings["seed"],
        "proxy": settings["proxy"]["id"],
        "schedule": settings["schedule"]["id"],
        "strategy": strategy,
        "round": number,
        "num_labeled": len(oracle.bought),
        "bought": bought,
        "sequential": sequential,
        "state": dict(state or {}),
        "metrics": scores,
        "fit": fit,
        "source": data.source,
        "dataset_fingerprint": data.dataset_fingerprint,
        "previous": dict(previous.digests) if previous else {},
    }
    return Round(record, {"labeled": oracle.bought, **proxy.arrays()})


def _build_proxy(settings: Mapping[str, Any], threads: int) -> Any:
    return registry.build("proxies", settings["proxy"], threads)


def _rng(role: str, settings: Mapping[str, Any], number: int, strategy: str) -> np.random.Generator:
    ids = (settings["dataset"], id_of(settings["backbone"]), settings["proxy"]["id"])
    return rng_for(role, *ids, settings["schedule"]["id"], strategy, settings["seed"], number)


class _timed:
    """Log how long a phase took."""

    def __init__(self, phase: str) -> None:
        self.phase = phase

    def __enter__(self) -> None:
        self.started = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        log.info("%s: %.3f s", self.phase, time.perf_counter() - self.started)
