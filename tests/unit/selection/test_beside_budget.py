"""Labels that choose a proxy's weights and are not in its budget: only where a trainer says so."""

from dataclasses import replace

import numpy as np
import pytest

from labelbench_core.configuration.compatibility.beside_budget import ending, labels_beside
from labelbench_core.errors import InputError
from labelbench_core.proxies import Statistics
from labelbench_core.selection import rounds
from labelbench_core.selection.annotator import LabelSeller
from labelbench_core.selection.data import RoundData
from labelbench_core.selection.job import RoundJob
from labelbench_core.storage.rows import ArrayRows

BESIDE = {"validation": "extra", "validation_size": 40, "count_validation": False}
TRAINING = {
    **{"epochs": 60, "batch_size": 8, "warmup_steps": 0, "head": "fresh", "learning_rate": 0.02},
    **{"gradient_clip": 0.0, "validation_every": "epoch", "patience": 2, **BESIDE},
}


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    centers = rng.standard_normal((3, 6))
    labels = {name: rng.integers(0, 3, rows) for name, rows in (("pool", 90), ("val", 40))}
    labels["test"] = rng.integers(0, 3, 200)
    rows = {
        name: ArrayRows((centers[y] + rng.standard_normal((len(y), 6))).astype(np.float32))
        for name, y in labels.items()
    }
    statistics = Statistics(np.zeros(6), np.ones(6))
    return RoundData(rows, labels, 3, statistics, dataset_fingerprint="none")


def settings(implementation, **training):
    trainer = {"id": "t", "implementation": "supervised", "training": {**TRAINING, **training}}
    options = {"trainer": trainer}
    return {
        **{"dataset": "blobs", "backbone": "none", "seed": 0},
        "proxy": {"id": "p", "implementation": implementation, "options": options},
        "schedule": {"id": "s", "initial": 24, "batch": 8},
    }


@pytest.mark.parametrize(("implementation", "rate"), [("trained-linear", 0.02), ("shallow", 0.001)])
def test_the_best_weights_on_them_are_kept_and_the_record_says_so(data, implementation, rate):
    labeled = np.arange(24)
    chosen = settings(implementation, learning_rate=rate)
    fit = rounds.initial_round(data, chosen, labeled).record["fit"]
    assert fit["extra_labels"] == 40
    assert fit["steps"] < 60 * 3  # patience ended it, after whole epochs
    assert fit["steps"] % 3 == 0
    # Other labels of the validation split choose other weights; nothing else has changed.
    labels = {**data.truth, "val": (data.truth["val"] + 1) % 3}
    other = rounds.initial_round(replace(data, truth=labels), chosen, labeled)
    assert other.record["fit"]["steps"] != fit["steps"]
    none = {"validation": "none", "validation_size": 0, "patience": 0, "count_validation": True}
    plain = rounds.initial_round(data, settings(implementation, **none), labeled)
    assert "extra_labels" not in plain.record["fit"]
    assert plain.record["fit"]["steps"] == 180


def test_no_other_training_sees_them(data):
    def handed(chosen):
        job = RoundJob(data, chosen, LabelSeller(data.truth["pool"], np.arange(3)))
        return job.training_set(np.arange(3), data.truth["pool"][:3]).validation

    rows, labels = handed(settings("shallow"))
    assert rows is data.embeddings["val"]
    assert labels is data.truth["val"]
    assert handed(settings("shallow", validation="held-out", validation_size=0.2)) is None
    linear = {**settings("shallow"), "proxy": {"id": "linear", "implementation": "linear"}}
    assert handed(linear) is None


def test_more_labels_than_there_are_is_an_error(data):
    with pytest.raises(InputError, match=r"validation_size: 41; allowed: at most 40, the size of"):
        rounds.initial_round(data, settings("shallow", validation_size=41), np.arange(24))
    without = replace(data, embeddings={"pool": data.embeddings["pool"]})
    with pytest.raises(InputError, match=r"validation_size: 40; allowed: at most 0, the size of"):
        rounds.initial_round(without, settings("shallow"), np.arange(24))


def test_the_id_of_a_proxy_says_how_many():
    assert labels_beside("linear-flexmatch" + ending(5000)) == 5000
    for name in ("linear", "plus-5-labels-linear", "linear-plus-05-labels", "linear-plus--labels"):
        assert labels_beside(name) == 0
