"""Rounds on rows with weights: metrics are weighted, picks are not."""

import numpy as np
import pytest

from helpers.blob_rounds import SETTINGS
from labelbench_core import metrics
from labelbench_core.errors import InputError
from labelbench_core.selection import rounds
from labelbench_core.selection.in_memory import round_data
from labelbench_core.storage import files


def blobs(weights=None):
    rng = np.random.default_rng(0)
    centers = rng.standard_normal((3, 8))
    splits = {}
    for split, rows in (("pool", 120), ("test", 90)):
        labels = np.arange(rows) % 3
        splits[split] = (
            (centers[labels] + rng.standard_normal((rows, 8))).astype(np.float16),
            labels,
        )
    return splits, round_data(splits, weights=weights)


def chain(data):
    first = rounds.initial_round(data, SETTINGS, np.arange(12))
    return [first, rounds.next_round(data, SETTINGS, first)]


def test_metrics_of_splits_with_weights_are_weighted_and_records_name_them():
    weights = np.random.default_rng(1).lognormal(size=90).astype(np.float32)
    splits, data = blobs({"test": weights})
    _, plain = blobs()
    done, without = chain(data)[-1], chain(plain)[-1]
    assert done.record["weighted"] == ["test"]
    assert "weighted" not in without.record
    assert done.record["metrics"]["pool"] == without.record["metrics"]["pool"]
    assert done.record["bought"].tolist() == without.record["bought"].tolist()
    features, labels = splits["test"]
    logits = features.astype(np.float64) @ done.arrays["weights"] + done.arrays["bias"]
    right = logits.argmax(axis=1) == labels
    assert done.record["metrics"]["test"]["accuracy"] == pytest.approx(
        np.average(right, weights=weights)
    )
    assert without.record["metrics"]["test"]["accuracy"] == pytest.approx(right.mean())
    assert done.record["classes"]["test"]["rows"] == [30, 30, 30]
    assert sum(done.record["classes"]["test"]["weights"]) == pytest.approx(weights.sum())


def test_they_are_part_of_what_identifies_data_in_memory_and_are_checked():
    weights = np.ones(90)
    _, data = blobs({"test": weights})
    assert data.dataset_fingerprint != blobs()[1].dataset_fingerprint
    assert data.weights["test"].dtype == np.float32
    with pytest.raises(InputError, match=r"weights: split test: row 3: weight 0.0; allowed: a fin"):
        blobs({"test": np.where(np.arange(90) == 3, 0, weights)})
    with pytest.raises(InputError, match="weights: 'tset': no such split; allowed: pool, test"):
        blobs({"tset": weights})
    assert files.sha256_arrays({"w": data.weights["test"]}) == files.sha256_arrays(
        {"w": np.ones(90, np.float32)}
    )
    assert metrics.evaluate(np.eye(3, dtype=np.float32), np.arange(3))["accuracy"] == 1
