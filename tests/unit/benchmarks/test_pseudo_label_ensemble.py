"""The benchmark of pseudo-labels: how votes become labels, and what a student learns of them."""

import numpy as np
import pytest

from benchmarks import pseudo_label_ensemble as ensemble
from labelbench_core.compute.logistic import solve

CLASSES = 3


@pytest.fixture
def rows() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, CLASSES, 300)
    return (rng.normal(size=(300, 8)) + labels[:, None]).astype(np.float32), labels


def test_votes_are_averaged() -> None:
    found = ensemble.shares([np.array([0, 1]), np.array([0, 2])], CLASSES)
    assert found.tolist() == [[1, 0, 0], [0, 0.5, 0.5]]


def test_a_student_of_votes_that_agree_is_trained_on_labels(rows) -> None:
    features, labels = rows
    found = ensemble.student(features, ensemble.shares([labels, labels], CLASSES), 0.01)
    alone = solve(features, labels, CLASSES, 0.01 * len(labels), 1e-3, 500)
    np.testing.assert_allclose(found[:-1], alone.weights, atol=1e-5)
    np.testing.assert_allclose(found[-1], alone.bias, atol=1e-5)


def test_votes_that_differ_count_by_their_share(rows) -> None:
    """Its objective, written down: no other classifier near it has a lower cross-entropy."""
    features, labels = rows
    rng = np.random.default_rng(1)
    votes = ensemble.shares([labels, rng.integers(0, CLASSES, len(labels))], CLASSES)
    found = ensemble.student(features, votes, 0.01).astype(np.float64)

    def objective(head: np.ndarray) -> float:
        logits = features @ head[:-1] + head[-1]
        normaliser = np.log(np.exp(logits).sum(axis=1))
        loss = (votes * (normaliser[:, None] - logits)).sum()
        return float(loss + 0.01 * len(labels) / 2 * (head**2).sum())

    least = objective(found)
    for _ in range(20):
        assert objective(found + 0.02 * rng.normal(size=found.shape)) > least


def test_the_table_has_a_line_for_each_set_of_teachers() -> None:
    values = np.array([[0.7, 0.72, 0.65, 0.75], [0.72, 0.74, 0.66, 0.77]])
    (line,) = ensemble.table({(10, "linear"): values}).splitlines()[2:]
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[:2] == ["10", "linear"]
    assert cells[4].startswith("+7.50 ±")
    assert [float(cell.split(" ± ")[0]) for cell in cells[2:]] == [71, 73, 7.5, 76]
