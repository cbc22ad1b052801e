"""One round: select with the proxy of the round before, buy the labels, train, evaluate."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from labelbench_core import files, metrics, registry
from labelbench_core.datasets import open_dataset
from labelbench_core.oracle import Oracle, SequentialPurchase
from labelbench_core.pool_views import EmbeddedRows, PredictedRows, in_memory_if_small
from labelbench_core.proxies import Statistics
from labelbench_core.seeds import rng_for
from labelbench_core.store import RowBlocks, open_rows, verify

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RoundData:
    """What all rounds on a data set and backbone read.

    Attributes
    ----------
    embeddings
        Split → (N, D) float16, on disk. The pool's split is called `pool`.
    labels
        Split → (N,) int64.
    statistics
        Of the pool's embeddings.
    """

    embeddings: Mapping[str, RowBlocks]
    labels: Mapping[str, np.ndarray]
    num_classes: int
    statistics: Statistics


@dataclass(frozen=True)
class Round:
    """A finished round: what is recorded (JSON) and the arrays that the next one starts from."""

    record: dict[str, Any]
    arrays: dict[str, np.ndarray]


def open_round_data(dataset_manifest: Path, embeddings_manifest: Path) -> RoundData:
    """Open a prepared data set and its embeddings, and check both against their manifests."""
    dataset = open_dataset(dataset_manifest.parent)
    folder = embeddings_manifest.parent
    manifest = files.read_json(embeddings_manifest)
    embeddings = {}
    for split in dataset.splits:
        labels = f"{split}-labels"
        blocks = dataset.manifest["arrays"][labels]["blocks"]
        verify(dataset.folder / "arrays" / labels, blocks, folder / ".checked.json")
        array = folder / "arrays" / f"{split}-clean"
        blocks = manifest["splits"][split]["views"]["clean"]["blocks"]
        verify(array, blocks, folder / ".checked.json")
        embeddings[split] = open_rows(array)
    return RoundData(
        embeddings=embeddings,
        labels={split: dataset.labels(split) for split in dataset.splits},
        num_classes=dataset.num_classes,
        statistics=Statistics(
            np.array(manifest["statistics"]["mean"]), np.array(manifest["statistics"]["std"])
        ),
    )


def initial_round(
    data: RoundData, settings: Mapping[str, Any], labeled: np.ndarray, threads: int = 1
) -> Round:
    """Round 0: train on the initial pool and evaluate.

    Parameters
    ----------
    settings
        Ids `dataset`, `backbone`, `schedule`, `seed` and the entry `proxy` of the catalogue.
    labeled
        (L,) int64 indices of the initial pool.
    """
    oracle = Oracle(data.labels["pool"], np.zeros(0, np.int64))
    oracle.buy(labeled)
    return _train_and_evaluate(data, settings, oracle, 0, labeled, threads, sequential=False)


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
    from labelbench_core.strategies import Head, Pool, select_with_state

    number = previous.record["round"] + 1
    strategy = settings["strategy"]
    options = strategy.get("options") or {}
    component = registry.describe("strategies", strategy["implementation"])
    oracle = Oracle(data.labels["pool"], previous.arrays["labeled"])
    proxy = _build_proxy(settings, threads).restore(previous.arrays, data.statistics)
    needs = component.info["needs"]
    budget = settings["schedule"]["batch"]
    rows = data.embeddings["pool"]
    with _timed("score the pool"):
        embeddings = EmbeddedRows(proxy, rows, threads)
        pool = Pool(
            embeddings=in_memory_if_small(embeddings) if "embeddings" in needs else embeddings,
            probabilities=(
                in_memory_if_small(PredictedRows(proxy, rows, threads))
                if "probabilities" in needs
                else None
            ),
            labeled=oracle.bought,
            labels=oracle.labels,
            num_classes=data.num_classes,
            head=Head(*proxy.head()) if "head" in needs else None,
            round=number,
            state=previous.record["state"],
        )
    sequential = component.info["kind"] == "sequential"
    ask = SequentialPurchase(oracle, budget) if sequential else None
    with _timed("select"):
        rng = _rng("select", settings, number, strategy["id"])
        bought, state = select_with_state(
            strategy["implementation"], pool, budget, rng, ask=ask, **options
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
        sequential=sequential,
        state=state,
        previous_fit=previous.record["fit"],
    )


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
    previous_fit: Mapping[str, Any] | None = None,
) -> Round:
    strategy = settings["strategy"]["id"] if number else "initial"
    proxy = _build_proxy(settings, threads)
    with _timed("read the labelled rows"):
        features = data.embeddings["pool"].take(oracle.bought)
    with _timed("train"):
        fit = proxy.fit(
            features,
            oracle.labels,
            data.num_classes,
            data.statistics,
            _rng("train", settings, number, strategy),
            previous_fit,
        )
    if not fit["converged"]:
        log.warning("the proxy did not converge: %s", fit)
    with _timed("evaluate"):
        scores = {
            split: metrics.evaluate(PredictedRows(proxy, rows, threads), data.labels[split])
            for split, rows in data.embeddings.items()
        }
    record = {
        **{key: settings[key] for key in ("dataset", "backbone", "seed")},
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
    }
    return Round(record, {"labeled": oracle.bought, **proxy.arrays()})


def _build_proxy(settings: Mapping[str, Any], threads: int) -> Any:
    entry = settings["proxy"]
    return registry.load("proxies", entry["implementation"]).build(
        threads, **(entry.get("options") or {})
    )


def _rng(role: str, settings: Mapping[str, Any], number: int, strategy: str) -> np.random.Generator:
    ids = (settings["dataset"], settings["backbone"], settings["proxy"]["id"])
    return rng_for(role, *ids, settings["schedule"]["id"], strategy, settings["seed"], number)


class _timed:
    """Log how long a phase took."""

    def __init__(self, phase: str) -> None:
        self.phase = phase

    def __enter__(self) -> None:
        self.started = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        log.info("%s: %.3f s", self.phase, time.perf_counter() - self.started)
