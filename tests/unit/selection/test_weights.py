"""Rounds on rows with weights: metrics and trainings are weighted, strategies see none."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers.blob_rounds import SETTINGS
from labelbench_core import metrics
from labelbench_core.errors import InputError
from labelbench_core.proxies import TrainingSet, linear
from labelbench_core.proxies.shared import trained
from labelbench_core.selection import rounds, seen
from labelbench_core.selection.annotator import LabelSeller
from labelbench_core.selection.in_memory import round_data
from labelbench_core.selection.job import RoundJob
from labelbench_core.storage import files


def blobs(weights=None, **more):
    rng = np.random.default_rng(0)
    centers = rng.standard_normal((3, 8))
    splits = {}
    for split, rows in (("pool", 120), ("test", 90)):
        labels = np.arange(rows) % 3
        splits[split] = (
            (centers[labels] + rng.standard_normal((rows, 8))).astype(np.float16),
            labels,
        )
    return splits, round_data(splits, weights=weights, **more)


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
    for given in (np.ones(90), weights.tolist()):
        with pytest.raises(
            InputError, match=r"^weights: .*90.*; allowed: a mapping, such as {'pool"
        ):
            blobs(given)
    assert files.sha256_arrays({"w": data.weights["test"]}) == files.sha256_arrays(
        {"w": np.ones(90, np.float32)}
    )
    one_wrong = np.eye(3, dtype=np.float32)[[0, 1, 1]]
    found = metrics.evaluate(one_wrong, np.arange(3), weights=np.array([1, 2, 3.0]))
    assert found["accuracy"] == 0.5
    with pytest.raises(InputError, match="weights_for: 'metrics'; allowed: both, evaluation, trai"):
        blobs({"test": weights}, weights_for="metrics")


@pytest.fixture
def pool_weights():
    return np.random.default_rng(2).lognormal(sigma=2, size=120).astype(np.float32)


def test_what_they_are_for_decides_what_is_weighted(pool_weights):
    found = {}
    for chosen in ("both", "evaluation", "training"):
        _, data = blobs({"pool": pool_weights}, weights_for=chosen)
        found[chosen] = rounds.initial_round(data, SETTINGS, np.arange(12))
    plain = rounds.initial_round(blobs()[1], SETTINGS, np.arange(12))
    assert len({one.record["dataset_fingerprint"] for one in (*found.values(), plain)}) == 4
    heads = {name: one.arrays["weights"].tobytes() for name, one in found.items()}
    assert heads["both"] == heads["training"] != plain.arrays["weights"].tobytes()
    assert heads["evaluation"] == plain.arrays["weights"].tobytes()
    assert "weighted" not in found["training"].record
    assert found["both"].record["weighted"] == found["evaluation"].record["weighted"] == ["pool"]


def test_a_round_trains_on_the_weights_of_what_was_bought(pool_weights):
    splits, data = blobs({"pool": pool_weights})
    done = chain(data)[-1]
    bought = done.arrays["labeled"]
    _, labels = splits["pool"]
    weights = pool_weights[bought] / pool_weights[bought].mean()
    pool, statistics = data.embeddings["pool"], data.statistics
    training = TrainingSet(pool, bought, labels[bought], 3, statistics, weights=weights)
    fitted = linear.build(penalty=done.record["fit"]["penalty"])
    fitted.fit(training, np.random.default_rng(0))
    np.testing.assert_allclose(fitted.weights, done.arrays["weights"], atol=1e-4)
    plain = linear.build(penalty=done.record["fit"]["penalty"])
    plain.fit(replace(training, weights=None), np.random.default_rng(0))
    assert np.abs(plain.weights - fitted.weights).max() > 1e-2


def test_strategies_see_no_weights(pool_weights):
    """With the same proxy, the same rows are bought: nothing else tells of weights."""
    _, data = blobs({"pool": pool_weights}, weights_for="training")
    first = rounds.initial_round(data, SETTINGS, np.arange(12))
    job = RoundJob(data.without_labels(), SETTINGS, LabelSeller(data.said, np.arange(12)), first)
    needs = {"embeddings", "probabilities", "head", "labels"}
    pool = seen.pool_of(job, job.build_proxy().restore(first.arrays, data.statistics), needs)
    assert not any("weight" in name for name in vars(pool))
    # What is held out for a strategy is predicted by a proxy that was trained with weights.
    held = pool.held_out(0.25)[0]
    plain = replace(job, data=replace(job.data, training_weights={}))
    unweighted = seen._held_out(plain, np.arange(12), data.truth["pool"][:12], 0.25)[0]
    assert held.shape == unweighted.shape
    assert np.abs(held - unweighted).max() > 1e-3


def test_validation_labels_beside_the_budget_count_by_their_weights():
    _, data = blobs()
    val = data.embeddings["test"], data.truth["test"]
    data = replace(
        data,
        embeddings={**data.embeddings, "val": val[0]},
        truth={**data.truth, "val": val[1]},
        training_weights={"val": np.arange(1, 91, dtype=np.float32)},
    )
    training = {"steps": 2, "batch_size": 4, "warmup_steps": 0, "head": "fresh"}
    training |= {"validation": "extra", "validation_size": 90, "count_validation": False}
    trainer = {"id": "t", "implementation": "supervised", "training": training}
    proxy = {"id": "p", "implementation": "trained-linear", "options": {"trainer": trainer}}
    settings = {**SETTINGS, "proxy": proxy}
    job = RoundJob(data.without_labels(), settings, LabelSeller(data.said, np.arange(12)))
    found = job.training_set(np.arange(12), data.truth["pool"][:12])
    assert found.weights is None
    assert found.validation_weights.tolist() == list(range(1, 91))
    held = trained._validation(found, 30, ("names",), torch.device("cpu"))
    assert len(held.weights) == 30
    rows = (held.weights - 1).astype(int)
    assert held.labels.tolist() == data.truth["test"][rows].tolist()
