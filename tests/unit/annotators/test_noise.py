"""Noise that is drawn: how much, between which classes, from which seed."""

import numpy as np
import pytest

from labelbench_core import registry
from labelbench_core.annotators import PoolFacts, Truth
from labelbench_core.annotators.class_noise import flip_matrix
from labelbench_core.errors import InputError

NAMES = ["cat", "dog", "owl", "cow"]


def truth_of(tmp_path, rows=20_000, dataset="pets"):
    labels = np.random.default_rng(0).integers(0, len(NAMES), rows)
    return Truth(dataset, labels, NAMES, tmp_path)


def annotate(truth, implementation, **options):
    return registry.build(
        "annotators", {"implementation": implementation, "options": options}, truth
    )


def test_the_exact_annotator_gives_the_labels(tmp_path):
    truth = truth_of(tmp_path, 100)
    said = annotate(truth, "exact")
    assert np.array_equal(said, truth.labels)
    assert not np.shares_memory(said, truth.labels)


def test_uniform_noise_reaches_every_other_class_alike(tmp_path):
    truth = truth_of(tmp_path)
    said = annotate(truth, "uniform-noise", share=0.3)
    wrong = said != truth.labels
    assert wrong.mean() == pytest.approx(0.3, abs=0.01)
    further = np.bincount((said - truth.labels)[wrong] % len(NAMES), minlength=4) / wrong.sum()
    assert further[0] == 0
    assert further[1:] == pytest.approx(1 / 3, abs=0.02)


@pytest.mark.parametrize(("share", "noise"), [(0.0, 0.0), (1.0, 1.0)])
def test_all_labels_or_none_may_be_wrong(tmp_path, share, noise):
    truth = truth_of(tmp_path, 500)
    said = annotate(truth, "uniform-noise", share=share)
    assert (said != truth.labels).mean() == noise


@pytest.mark.parametrize(
    ("name", "options"),
    [("uniform-noise", {"share": 0.5}), ("class-noise", {"flips": [["cat", "dog", 0.5]]})],
)
def test_noise_depends_on_its_seed_and_the_data_set_only(tmp_path, name, options):
    truth = truth_of(tmp_path, 500)
    said = annotate(truth, name, **options)
    assert np.array_equal(said, annotate(truth, name, **options, seed=0))
    assert not np.array_equal(said, annotate(truth, name, **options, seed=1))
    other = truth_of(tmp_path, 500, "animals")
    assert np.array_equal(other.labels, truth.labels)
    assert not np.array_equal(said, annotate(other, name, **options))


def test_one_class_cannot_be_taken_for_another(tmp_path):
    truth = Truth("one", np.zeros(5, np.int64), ["only"], tmp_path)
    with pytest.raises(InputError, match="data set 'one': 1 class; allowed: at least 2"):
        annotate(truth, "uniform-noise")


def test_classes_are_confused_as_the_matrix_says(tmp_path):
    truth = truth_of(tmp_path)
    flips = [["cat", "dog", 0.2], ["cat", 2, 0.1], [3, "cat", 1.0]]
    said = annotate(truth, "class-noise", flips=flips)
    found = np.zeros((4, 4))
    np.add.at(found, (truth.labels, said), 1)
    found /= found.sum(axis=1, keepdims=True)
    expected = np.array([[0.7, 0.2, 0.1, 0], [0, 1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0]])
    assert np.array_equal(expected, flip_matrix(flips, NAMES))
    assert found == pytest.approx(expected, abs=0.02)
    assert (found[expected == 0] == 0).all()


@pytest.mark.parametrize(
    ("flips", "told"),
    [
        ([["caat", "dog", 0.1]], "'caat': no such class (did you mean 'cat'?); allowed: cat, dog,"),
        ([["cat", 4, 0.1]], "class 4; allowed: 0 to 3"),
        ([[-1, "cat", 0.1]], "class -1; allowed: 0 to 3"),
        ([["cat", 0, 0.1]], "['cat', 0, 0.1]; allowed: two different classes"),
        ([["cat", "dog", 0.1], [0, 1, 0.2]], "[0, 1, 0.2]: the same two classes twice"),
        ([["cat", "dog", 0.6], ["cat", "owl", 0.6]], "the shares of 'cat' sum to 1.2; allowed: at"),
    ],
)
def test_flips_that_cannot_be_are_refused_before_any_job(tmp_path, flips, told):
    check = registry.load("annotators", "class-noise").check
    check(PoolFacts(None, None, tmp_path), flips=flips)  # the classes are not known yet
    for refuse in (
        lambda: check(PoolFacts(None, NAMES, tmp_path), flips=flips),
        lambda: annotate(truth_of(tmp_path, 10), "class-noise", flips=flips),
    ):
        with pytest.raises(InputError) as caught:
            refuse()
        assert f"options.flips: {told}" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("class-noise", {}, "options.flips: missing"),
        ("class-noise", {"flips": [["cat", "dog"]]}, "each a list of 3"),
        ("class-noise", {"flips": [["cat", "dog", 2]]}, "a number from 0 to 1)"),
        ("class-noise", {"flips": None}, "options.flips: null; allowed: a non-empty list"),
        ("class-noise", {"flips": [["cat", None, True]]}, "options.flips: [['cat', null, true]];"),
        ("class-noise", {"flips": [["cat", "dog", 0.1]] * 2}, "distinct items"),
        ("uniform-noise", {"share": 1.5}, "options.share: 1.5; allowed: a number from 0 to 1"),
        ("recorded", {}, "options.table: missing"),
    ],
)
def test_options_are_checked_with_the_catalogue(name, options, told):
    errors = registry.option_errors("annotators", name, options)
    assert told in errors[0]
