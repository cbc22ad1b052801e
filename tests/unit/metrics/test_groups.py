"""Worst-group accuracy against a naive loop, and rows and splits without groups."""

import json

import numpy as np
import pytest

from helpers.project import PROJECT
from labelbench_core.errors import InputError
from labelbench_core.metrics import evaluate
from labelbench_core.metrics.known import METRICS


def naive_worst_group(predicted, labels, groups):
    shares = []
    for group in sorted(set(groups) - {-1}):
        hits = [p == t for p, t, g in zip(predicted, labels, groups, strict=True) if g == group]
        shares.append(sum(hits) / len(hits))
    return min(shares)


@pytest.mark.parametrize("seed", range(5))
def test_the_worst_group_agrees_with_a_naive_loop(seed):
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(4), 300).astype(np.float32)
    labels = rng.integers(0, 4, 300)
    groups = rng.choice([-1, 0, 2, 3, 7], 300)  # group 1 and others have no row
    found = evaluate(probabilities, labels, groups)
    expected = naive_worst_group(probabilities.argmax(axis=1), labels, groups)
    assert found.pop("worst-group-accuracy") == pytest.approx(expected)
    assert found == evaluate(probabilities, labels)


def test_rows_of_no_group_do_not_count_and_a_split_without_groups_has_no_value():
    probabilities = np.eye(2, dtype=np.float32)[[0, 0, 1]]
    labels = np.array([0, 0, 0])  # the last is wrong
    assert evaluate(probabilities, labels, np.array([0, 1, -1]))["worst-group-accuracy"] == 1.0
    assert evaluate(probabilities, labels, np.array([0, 1, 1]))["worst-group-accuracy"] == 0.5
    assert "worst-group-accuracy" not in evaluate(probabilities, labels, np.full(3, -1))
    assert "worst-group-accuracy" not in evaluate(probabilities, labels)


def test_groups_of_another_length_are_an_error():
    with pytest.raises(InputError, match=r"groups: shape \(2,\); allowed: \(3,\)"):
        evaluate(np.eye(3, dtype=np.float32), np.arange(3), np.zeros(2, np.int64))


def test_every_metric_is_measured_and_can_be_chosen():
    found = evaluate(np.eye(3, dtype=np.float32), np.arange(3), np.zeros(3, np.int64))
    many = evaluate(np.eye(3, dtype=np.float32), np.eye(3, dtype=np.int64))
    assert {*found, *many} == set(METRICS)
    schemas = PROJECT / "config" / "schema"
    experiment = json.loads((schemas / "experiment.schema.json").read_text())
    catalogue = json.loads((schemas / "catalogue.schema.json").read_text())
    assert experiment["properties"]["metric"]["enum"] == list(METRICS)
    entry = catalogue["$defs"]["component"]["properties"]
    assert entry["metric"]["enum"] == list(METRICS)
