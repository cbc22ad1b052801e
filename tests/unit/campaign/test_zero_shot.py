"""The first batch by class names: a strategy that needs probabilities, before there is a label."""

from dataclasses import replace

import numpy as np
import pytest

from helpers.campaigns import answer, call, campaign_in, entry, labels_of, pool_of
from labelbench_core.campaign.calls import advance, waiting_files
from labelbench_core.campaign.zero_shot import ClassNamesClassifier, made_for
from labelbench_core.errors import InputError
from labelbench_core.storage.zero_shot_file import write_head

WEIGHTS = np.eye(8, dtype=np.float32)[:, :3]
CLASSIFIER = ClassNamesClassifier(WEIGHTS, 10.0)


@pytest.fixture
def campaign(tmp_path):
    return campaign_in(tmp_path, first=entry("margin"), zero_shot=True)


def margins(probabilities):
    two = np.sort(probabilities, axis=1)[:, -2:]
    return two[:, 1] - two[:, 0]


def test_probabilities_are_those_of_scaled_cosines():
    rows = np.random.default_rng(0).normal(size=(5, 8)).astype(np.float16)
    exact = rows.astype(np.float64)
    cosines = exact / np.linalg.norm(exact, axis=1, keepdims=True) @ WEIGHTS
    odds = np.exp(10 * cosines)
    made = CLASSIFIER.probabilities(rows)
    np.testing.assert_allclose(made, odds / odds.sum(axis=1, keepdims=True), atol=1e-6)
    np.testing.assert_allclose(CLASSIFIER.probabilities(4 * rows), made, atol=1e-6)
    assert CLASSIFIER.probabilities(rows[:0]).shape == (0, 3)
    # A row without a direction: nothing is known.
    np.testing.assert_allclose(CLASSIFIER.probabilities(np.zeros((1, 8))), 1 / 3, atol=1e-6)


def test_the_first_batch_holds_the_rows_on_which_class_names_decide_least(campaign):
    pool, _ = pool_of(300)
    done = advance(campaign, pool, classifier=CLASSIFIER)
    record = done.batch.record
    assert record["zero_shot"]
    assert done.batch.trained is None
    rows = [done.state.row_of[one["item"]] for one in record["items"]]
    chosen = [row for row in rows if pool.items[row] not in done.state.audit]
    free = [row for row in range(300) if pool.items[row] not in done.state.audit]
    said = CLASSIFIER.probabilities(pool.embeddings.take(np.array(free)))
    least = np.array(free)[np.argsort(margins(said), kind="stable")[: len(chosen)]]
    assert sorted(chosen) == sorted(least.tolist())
    for one, row in zip(record["items"], rows, strict=True):
        of_row = CLASSIFIER.probabilities(pool.embeddings.take(np.array([row])))[0]
        assert one["suggestion"]["label"] == campaign.classes[int(of_row.argmax())]
        assert one["suggestion"]["probability"] == pytest.approx(of_row.max(), abs=1e-4)
    assert "suggest" in (done.batch.folder / "label.html").read_text().lower()


def test_with_labels_the_model_takes_over(campaign):
    pool, truth = pool_of(300)
    done = advance(campaign, pool, classifier=CLASSIFIER)
    answer(campaign, done.batch, labels_of(pool, truth))
    done = advance(campaign, pool, waiting_files(campaign.folder), classifier=CLASSIFIER)
    assert done.batch.number == 2
    assert not done.batch.record["zero_shot"]
    assert done.batch.trained is not None


def test_classes_that_are_added_or_renamed_later_break_nothing(campaign):
    pool, _ = pool_of(300)
    done = advance(campaign, pool, classifier=CLASSIFIER)
    # Nobody could decide: the second batch has no label either, and classes that have changed.
    answer(campaign, done.batch, dict.fromkeys(pool.items, "(unsure)"))
    changed = replace(
        campaign,
        classes=("robin", "house wren", "tit", "owl"),
        class_changes=({"rename": {"from": "wren", "to": "house wren"}},),
    )
    four = ClassNamesClassifier(np.eye(8, dtype=np.float32)[:, :4], 10.0)
    done = advance(changed, pool, waiting_files(campaign.folder), classifier=four)
    assert done.batch.number == 2
    assert done.batch.record["zero_shot"]
    assert {one["suggestion"]["label"] for one in done.batch.record["items"]} <= {*changed.classes}
    labels = {item: "owl" for item in pool.items}
    answer(changed, done.batch, labels, "two")
    done = advance(changed, pool, waiting_files(campaign.folder), classifier=four)
    assert done.batch.number == 3
    assert done.batch.trained is not None


def test_columns_follow_todays_classes():
    swapped = CLASSIFIER.of_classes([2, 0])
    rows = np.random.default_rng(0).normal(size=(4, 8))
    of_all = CLASSIFIER.probabilities(rows)[:, [2, 0]]
    of_two = swapped.probabilities(rows)
    np.testing.assert_allclose(of_two, of_all / of_all.sum(axis=1, keepdims=True), atol=1e-5)


def test_without_its_classifier_no_batch_is_handed_out(campaign):
    pool, _ = pool_of(300)
    with pytest.raises(InputError, match="first: zero-shot; no classifier of the class names was"):
        advance(campaign, pool)
    assert not (campaign.folder / "batches").exists()


def test_a_campaign_that_does_not_ask_for_it_has_none(tmp_path):
    plain = campaign_in(tmp_path)
    pool, _ = pool_of(300)
    record = call(plain, pool).batch.record
    assert not record["zero_shot"]
    assert all(one["suggestion"] is None for one in record["items"])


def test_a_head_of_other_classes_is_refused(tmp_path):
    head = {"weights": WEIGHTS, "scale": np.float32(10)}
    file = tmp_path / "zero-shot.npz"
    write_head(file, head, made_for("clip", ["robin", "wren", "tit"]))
    read = ClassNamesClassifier.read(
        file, made_for("clip", ["robin", "wren", "tit"]), ["robin", "wren", "tit"]
    )
    np.testing.assert_array_equal(read.weights, WEIGHTS)
    assert read.scale == 10
    with pytest.raises(InputError, match="classes"):
        ClassNamesClassifier.read(file, made_for("clip", ["a", "b", "c"]), ["a", "b", "c"])
