"""What a campaign trains on the labels that have come, and which rows it would have labelled next.

The parts of a round of selection (`labelbench_core.selection`), on rows that people label. The pool
that a strategy sees leaves out rows of the audit, rows that nobody could label, and rows that were
handed out and have no label yet.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from labelbench_core import registry
from labelbench_core.campaign.pool import CampaignPool, SomeRows
from labelbench_core.campaign.zero_shot import ClassNamesClassifier
from labelbench_core.metrics.signals import entropies
from labelbench_core.proxies import Proxy
from labelbench_core.selection import seen
from labelbench_core.selection.annotator import LabelSeller
from labelbench_core.selection.data import RoundData
from labelbench_core.selection.job import RoundJob
from labelbench_core.selection.pool_rows import ComputedRows, PredictedRows, in_memory_if_small
from labelbench_core.storage.round_files import Round

SCHEDULE = {"id": "campaign"}


@dataclass(frozen=True)
class Model:
    """A proxy, trained on the labels of some rows.

    Attributes
    ----------
    fit
        What its fit recorded.
    job
        The job that trained it; its pool has the rows `rows`.
    rows
        (n,) int64 rising rows of the pool: those that it was trained on and the candidates.
    """

    proxy: Proxy
    fit: Mapping[str, Any]
    job: RoundJob
    rows: np.ndarray


@dataclass(frozen=True)
class TrainedBefore:
    """What the previous model left: the record of its fit, its arrays, and its strategy's state."""

    source: str
    fit: Mapping[str, Any]
    arrays: Mapping[str, np.ndarray]
    state: Mapping[str, Any]


@dataclass(frozen=True)
class RowLabels:
    """Labels that a model is trained on.

    Attributes
    ----------
    rows
        (L,) int64 different rows of the pool, in the order in which they were handed out.
    values
        (L,) int64 classes; where a row can belong to any number of classes, (L, C) of 0 and 1.
    """

    rows: np.ndarray
    values: np.ndarray


def train(
    pool: CampaignPool,
    ids: Mapping[str, Any],
    num_classes: int,
    labels: RowLabels,
    candidates: np.ndarray,
    number: int,
    before: TrainedBefore | None,
    threads: int = 1,
) -> Model:
    """Train a proxy on labels.

    Parameters
    ----------
    ids
        `campaign`, `backbone` (ids), `seed`, and the catalogue's entries `proxy` and `strategy`.
    candidates
        (k,) int64 rows that may be proposed; none of them is labelled.
    number
        Number of batches handed out so far: random streams are derived from it.
    before
        What the previous model left; None where this one is the first.
    """
    rows = np.sort(np.concatenate([labels.rows, candidates]))
    place = np.searchsorted(rows, labels.rows)
    known = np.full((len(rows), *labels.values.shape[1:]), 0, labels.values.dtype)
    known[place] = labels.values
    data = RoundData(
        embeddings={"pool": SomeRows(pool.embeddings, rows)},
        truth={},
        num_classes=num_classes,
        statistics=pool.statistics,
        source=pool.source,
        dataset_fingerprint=pool.dataset.manifest["fingerprint"],
        known_multilabel=labels.values.ndim > 1,
    )
    settings = {
        "dataset": ids["campaign"],
        "backbone": ids["backbone"],
        "seed": ids["seed"],
        "schedule": SCHEDULE,
        "proxy": ids["proxy"],
        "strategy": ids["strategy"],
    }
    job = RoundJob(data, settings, LabelSeller(known, place), _round(number, before, data), threads)
    proxy = job.build_proxy()
    arrays = {} if before is None else before.arrays
    training = job.training_set(place, labels.values, previous=arrays)
    fit = proxy.fit(training, job.rng("train"), job.fit_before)
    return Model(proxy, fit, job, rows)


def _round(number: int, before: TrainedBefore | None, data: RoundData) -> Round:
    """The previous model in the form of a previous round of selection."""
    known = before is not None and before.source == data.source
    record = {
        "round": number - 1,
        "source": data.source if known else "",
        "fit": before.fit if before is not None and known else {},
        "state": {} if before is None else before.state,
    }
    arrays = dict(before.arrays) if before is not None and known else {}
    return Round(record, arrays)


def propose(model: Model, count: int) -> tuple[np.ndarray, dict[str, Any]]:
    """(count,) int64 rows of the pool that the strategy selects, and the state that it leaves."""
    from labelbench_core.strategies import select_with_state

    strategy = model.job.entry("strategy")
    options = registry.options_of(strategy)
    needs = registry.needs(strategy["implementation"], options)
    seen_pool = seen.pool_of(model.job, model.proxy, needs)
    chosen, state = select_with_state(
        strategy["implementation"], seen_pool, count, model.job.rng("select"), **options
    )
    return model.rows[chosen], state


def propose_first(
    pool: CampaignPool,
    strategy: Mapping[str, Any],
    num_classes: int,
    candidates: np.ndarray,
    count: int,
    rng: np.random.Generator,
    classifier: ClassNamesClassifier | None = None,
) -> np.ndarray:
    """(count,) int64 rows of the pool that a strategy selects before there is any label.

    Parameters
    ----------
    strategy
        Its entry of the catalogue; it needs embeddings alone, or, with a `classifier`, what that
        makes of the class names.
    candidates
        (k,) int64 rising rows that may be proposed.
    """
    from labelbench_core.strategies import Pool, select

    some = SomeRows(pool.embeddings, candidates)
    rows = ComputedRows(pool.statistics.standardised, some, 1, "embeddings")
    probabilities = None
    if classifier is not None:
        predicted = ComputedRows(classifier.probabilities, some, 1, "probabilities", 1.0)
        probabilities = in_memory_if_small(predicted)
    nothing = np.zeros(0, np.int64)
    seen_pool = Pool(
        embeddings=in_memory_if_small(rows),
        probabilities=probabilities,
        labeled=nothing,
        labels=nothing,
        num_classes=num_classes,
    )
    options = registry.options_of(strategy)
    chosen = select(strategy["implementation"], seen_pool, count, rng, **options)
    return candidates[chosen]


@dataclass(frozen=True)
class PoolPredictions:
    """What a model predicts for every row of the pool.

    Attributes
    ----------
    predicted
        (N,) uint16 the likeliest class; where a row can belong to any number of classes, (N, C)
        bool.
    confidence
        (N,) float32 the probability of that class; where a row can belong to any number of classes,
        the probability that all its predicted labels are right, if classes were independent.
    entropy
        (N,) float32 the entropy of its probabilities, as a share of the largest possible one; None
        where a row can belong to any number of classes.
    """

    predicted: np.ndarray
    confidence: np.ndarray
    entropy: np.ndarray | None


def predict(model: Model, pool: CampaignPool, threads: int = 1) -> PoolPredictions:
    """Predict every row of the pool, those of the audit among them."""
    multilabel = model.job.data.multilabel
    rows = PredictedRows(
        model.proxy, model.proxy.pool_rows(pool.embeddings), threads, multilabel=multilabel
    )
    count, classes = rows.shape
    predicted = np.zeros((count, classes) if multilabel else count, bool if multilabel else "u2")
    confidence = np.zeros(count, np.float32)
    entropy = None if multilabel else np.zeros(count, np.float32)
    for first, block in rows.blocks():
        part = slice(first, first + len(block))
        if multilabel:
            predicted[part] = block >= 0.5
            confidence[part] = np.maximum(block, 1 - block).prod(axis=1)
        else:
            predicted[part] = block.argmax(axis=1)
            confidence[part] = block.max(axis=1)
        if entropy is not None:
            entropy[part] = entropies(block)
    return PoolPredictions(predicted, confidence, entropy)


def suggestions(
    model: Model, pool: CampaignPool, rows: np.ndarray, classes: Sequence[str]
) -> list[dict[str, Any]]:
    """What the model suggests for each of `rows`: a label and its probability.

    Where a row can belong to any number of classes: the probability of each.
    """
    probabilities = PredictedRows(
        model.proxy,
        model.proxy.pool_rows(pool.embeddings),
        multilabel=model.job.data.multilabel,
    ).take(rows)
    if model.job.data.multilabel:
        return [
            {"labels": {name: _rounded(p) for name, p in zip(classes, row, strict=True)}}
            for row in probabilities
        ]
    return likeliest(probabilities, classes)


def likeliest(probabilities: np.ndarray, classes: Sequence[str]) -> list[dict[str, Any]]:
    """For each row of `probabilities` (n, C) the likeliest label, with its probability."""
    best = probabilities.argmax(axis=1)
    return [
        {"label": classes[place], "probability": _rounded(row[place])}
        for place, row in zip(best.tolist(), probabilities, strict=True)
    ]


def _rounded(probability: float) -> float:
    return round(float(probability), 4)
