"""What the final model predicts for every row of the pool, with calibrated probabilities."""

import contextlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from labelbench_core.campaign.finishing.calibration import (
    Calibration,
    calibrate,
    confidence,
    with_temperature,
)
from labelbench_core.campaign.finishing.collected import CollectedLabels
from labelbench_core.campaign.standing.accuracy import Accuracy, accuracy_now
from labelbench_core.campaign.standing.history import PastModel, is_right
from labelbench_core.seeds import rng_for
from labelbench_core.storage import files


class Probabilities(Protocol):
    """(N, C) probabilities of the pool, read block by block."""

    shape: tuple[int, ...]

    def blocks(self) -> Iterator[tuple[int, np.ndarray]]:
        """(first row, float32 probabilities of consecutive rows)."""
        ...

    def take(self, indices: np.ndarray) -> np.ndarray:
        """(k, C) of the rows `indices`, in that order."""
        ...


@dataclass(frozen=True)
class CalibratedPredictions:
    """What a model predicts for the pool.

    Attributes
    ----------
    predicted
        (N,) int64 the likeliest class; where a row can belong to several classes, (N, C) bool.
    probability
        (N,) float32 calibrated probability that this is right.
    second, second_probability
        (N,) the next class and its probability; None where a row can belong to several classes.
    calibration
        How the probabilities were calibrated.
    accuracy
        Of the model on a random row of the pool, by the audit.
    audit_right
        (n,) bool whether it is right on each decided row of the audit.
    model
        What it predicts, with the confidence that is not calibrated: the audit's labels have had no
        influence on it.
    """

    predicted: np.ndarray
    probability: np.ndarray
    second: np.ndarray | None
    second_probability: np.ndarray | None
    calibration: Calibration
    accuracy: Accuracy
    audit_right: np.ndarray
    model: PastModel


def predictions_of(
    probabilities: Probabilities,
    collected: CollectedLabels,
    estimator: str,
    seed: int,
    path: Path | None = None,
) -> CalibratedPredictions:
    """Calibrate a model's probabilities by the audit, and predict the pool.

    Parameters
    ----------
    estimator
        How accuracy is estimated: one of `audit.estimators.ESTIMATORS`.
    path
        A file for all calibrated probabilities, (N, C) float16; None: none is written.
    """
    multilabel, audit = collected.multilabel, collected.audit
    decided = audit.of(audit.decided)
    weights = _weights(decided.stratum, collected.stratum[~collected.bought.apart])
    calibration = calibrate(
        probabilities.take(decided.rows),
        decided.labels,
        weights,
        rng_for("calibration", collected.record["campaign"], seed),
    )
    count, classes = probabilities.shape
    predicted = np.zeros((count, classes), bool) if multilabel else np.zeros(count, np.int64)
    probability, raw = np.zeros(count, np.float32), np.zeros(count, np.float32)
    second = second_probability = None
    if not multilabel:
        second, second_probability = np.zeros(count, np.int64), np.zeros(count, np.float32)
    with _written(path, (count, classes)) as stored:
        for first, block in probabilities.blocks():
            part = slice(first, first + len(block))
            p = with_temperature(block, calibration.temperature, multilabel=multilabel)
            # A temperature changes no order but by rounding: the model's own prediction holds.
            predicted[part] = block >= 0.5 if multilabel else block.argmax(axis=1)
            exponent = calibration.exponent
            probability[part] = confidence(p, multilabel=multilabel, exponent=exponent)
            raw[part] = confidence(block, multilabel=multilabel)
            if second is not None and second_probability is not None:
                rest = block.copy()
                rest[np.arange(len(rest)), predicted[part]] = -1
                second[part] = rest.argmax(axis=1)
                second_probability[part] = p[np.arange(len(p)), second[part]]
            if stored is not None:
                stored[part] = p
    model = PastModel(
        batch=collected.record["batches"] + 1,
        num_labeled=collected.record["num_labeled"],
        known=np.ones(count, bool),
        predicted=predicted,
        confidence=raw,
        entropy=None,
    )
    accuracy = accuracy_now(model, audit, collected.bought, collected.stratum, estimator, classes)
    return CalibratedPredictions(
        predicted,
        probability,
        second,
        second_probability,
        calibration,
        accuracy,
        is_right(model, decided),
        model,
    )


def _weights(stratum: np.ndarray, of_rows: np.ndarray) -> np.ndarray:
    """(n,) what each decided row of the audit counts for: its stratum's share of `of_rows`."""
    count = max(of_rows.max(initial=0), stratum.max(initial=0)) + 1
    sizes, drawn = (np.bincount(one, minlength=count) for one in (of_rows, stratum))
    return (sizes / np.maximum(drawn, 1))[stratum]


@contextlib.contextmanager
def _written(path: Path | None, shape: tuple[int, int]) -> Generator[np.ndarray | None]:
    """An array to fill, which is written to `path` when all is there; None without a path."""
    if path is None:
        yield None
        return
    with files.atomic_path(path) as aside:
        stored = np.lib.format.open_memmap(aside, "w+", np.float16, shape)
        yield stored
        stored.flush()
