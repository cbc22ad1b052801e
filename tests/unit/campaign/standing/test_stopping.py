"""What rules for stopping say of a campaign: from predictions and batches, never from the audit."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from labelbench_core.analysis.stopping.stopping_rules import RULES
from labelbench_core.campaign.standing.history import PastModel
from labelbench_core.campaign.standing.stopping import verdicts

COUNT, CLASSES = 300, 3


@pytest.fixture
def models():
    """Four models that agree more and more, each after 20 labels more."""
    rng = np.random.default_rng(0)
    truth = rng.integers(CLASSES, size=COUNT)
    made = []
    for place, wrong in enumerate((0.4, 0.2, 0.1, 0.05)):
        predicted = np.where(rng.random(COUNT) < wrong, (truth + 1) % CLASSES, truth)
        confidence = rng.uniform(0.5, 1, COUNT).astype(np.float32)
        known = np.ones(COUNT, bool)
        entropy = rng.random(COUNT).astype(np.float32)
        made.append(PastModel(place + 2, 20 * (place + 1), known, predicted, confidence, entropy))
    return made


@pytest.fixture
def proposed():
    return {batch: np.arange(20 * (batch - 1), 20 * batch) for batch in range(2, 6)}


@pytest.fixture
def labels():
    """Of the rows of batches 2 to 4; batch 5 has not been answered."""
    found = np.full(COUNT, -1, np.int64)
    found[20:80] = np.random.default_rng(1).integers(CLASSES, size=60)
    return found


@pytest.fixture
def batch_of():
    """Rows 20 to 99 were handed out with batches 2 to 5."""
    return np.repeat(np.arange(1, 16), 20) * (np.arange(COUNT) < 100)


def by_name(found):
    return {one.rule: one for one in found}


def test_every_rule_says_something_and_values_are_those_of_references(
    models, proposed, labels, batch_of
):
    found = by_name(verdicts(models, proposed, labels, batch_of, CLASSES, 100))
    assert list(found) == list(RULES)
    last, before = models[-1], models[-2]
    kappa = cohen_kappa_score(last.predicted, before.predicted)
    assert found["stabilising-predictions-99"].value == pytest.approx(kappa)
    free = labels < 0
    changed = (last.predicted != before.predicted)[free].mean()
    assert found["classification-change"].value == pytest.approx(changed)
    assert found["minimum-expected-error"].value == pytest.approx(last.confidence[free].mean())
    assert found["variance"].value == pytest.approx(last.confidence[free].astype(float).var())
    assert found["overall-uncertainty"].value == pytest.approx(last.entropy[free].mean())
    # The last batch has no labels yet: what it was predicted to be can be compared with nothing.
    right = (models[-2].predicted[60:80] == labels[60:80]).mean()
    assert found["min-error"].value == pytest.approx(right)
    # How certain it is of it is known.
    assert found["max-confidence"].value == pytest.approx(last.entropy[80:100].max())


def test_rows_count_as_unlabelled_for_models_from_before_their_label(
    models, proposed, labels, batch_of
):
    early = by_name(verdicts(models[:1], proposed, labels, batch_of, CLASSES, 100))
    # The model that proposed batch 2 was trained on none of the rows that have labels today.
    assert early["minimum-expected-error"].value == pytest.approx(models[0].confidence.mean())


def test_a_rule_that_is_fulfilled_says_stop_and_since_when(models, proposed, labels, batch_of):
    still = [
        PastModel(one.batch, one.num_labeled, one.known, models[0].predicted, one.confidence, None)
        for one in models
    ]
    found = by_name(verdicts(still, proposed, labels, batch_of, CLASSES, 100))
    assert found["stabilising-predictions-99"].says_stop
    assert found["stabilising-predictions-99"].first == 80  # three values: after the fourth model
    assert found["classification-change"].says_stop
    assert found["classification-change"].first == 40
    assert not found["overall-uncertainty"].says_stop
    assert np.isnan(found["overall-uncertainty"].value)  # batches of versions that kept none


def test_without_a_model_nothing_is_said():
    found = verdicts([], {}, np.full(COUNT, -1), np.zeros(COUNT, int), CLASSES, 0)
    assert not any(one.says_stop for one in found)
    assert all(np.isnan(one.value) and one.first is None for one in found)


def test_what_a_batch_s_labels_say_is_known_when_it_has_been_answered(
    models, proposed, labels, batch_of
):
    as_predicted = labels.copy()
    as_predicted[40:60] = models[1].predicted[40:60]  # batch 3, by a model with 40 labels
    found = by_name(verdicts(models, proposed, as_predicted, batch_of, CLASSES, 100))
    assert found["min-error"].first == 60  # the labels of the next model
    one = by_name(verdicts(models[:2], proposed, as_predicted, batch_of, CLASSES, 57))
    assert one["min-error"].first == 57  # those of today
    assert one["min-error"].says_stop
