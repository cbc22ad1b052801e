"""Labels by Dawid and Skene: against their equations, and where few rows have several answers."""

import random
from collections import Counter

import numpy as np
import pytest

from helpers.dawid_skene import plain_dawid_skene, plain_fit
from labelbench_core.campaign.answers import dawid_skene, labels
from labelbench_core.campaign.answers.answer import Answer
from labelbench_core.campaign.answers.classes import ClassHistory
from labelbench_core.campaign.answers.dawid_skene import ROWS_PER_CLASS
from labelbench_core.campaign.answers.labels import DAWID_SKENE, State, labels_of

CLASSES = ("cat", "dog", "bird")
HISTORY = ClassHistory(CLASSES)


@pytest.fixture(
    params=[pytest.param("crowd-kit", marks=pytest.mark.extra("crowdkit")), "the plain equations"],
    autouse=True,
)
def estimates(request, monkeypatch):
    """Estimates by the package, where it is installed, and by the equations below."""
    if request.param != "crowd-kit":
        monkeypatch.setattr(dawid_skene, "fitted", plain_fit)
        monkeypatch.setattr(labels, "require_package", lambda: None)


def said(what, annotator="anna", item="a"):
    """An answer from a class, classes, or the name of an outcome."""
    if what == "no-class":
        return Answer(item, what, None, annotator)
    return Answer(item, "labelled", what, annotator)


def differing(answers):
    """Items on which people differ."""
    votes = {}
    for one in answers:
        votes.setdefault(one.item, set()).add((one.outcome, one.label))
    return {item for item, given in votes.items() if len(given) > 1}


def decisions(found):
    return {item: (one.state, one.label) for item, one in found.items.items()}


CAREFUL = {"a": 0.95, "b": 0.9, "c": 0.4, "d": 0.4, "e": 0.4}


def simulated(seed, items=120, people=CAREFUL):
    """Answers of five people, two of whom are mostly right; the true classes."""
    draw, answers, truth = random.Random(seed), [], {}
    for number in range(items):
        true = draw.choice(CLASSES)
        truth[f"{number:03d}"] = true
        for who, right in people.items():
            label = true if draw.random() < right else draw.choice(CLASSES)
            answers.append(said(label, who, f"{number:03d}"))
    return answers, truth


def test_it_gives_what_the_plain_equations_give():
    answers, _ = simulated(0)
    likely = plain_dawid_skene([(a.item, a.annotator, a.label) for a in answers])
    found = labels_of(answers, HISTORY, method=DAWID_SKENE)
    differ = differing(answers)
    assert set(found.weighed) == differ
    assert len(differ) > 20
    for item, one in found.items.items():
        best = max(likely[item].values()) if item in differ else 1.0
        assert one.confidence == pytest.approx(best, abs=1e-3)
        if best > 0.51:
            assert one.label == max(likely[item], key=likely[item].get)
    plain = labels_of(answers, HISTORY)
    changed = {item for item, one in decisions(found).items() if one != decisions(plain)[item]}
    assert set(found.overruled) == changed
    assert changed
    assert (plain.overruled, plain.weighed, plain.measured) == ([], [], None)


@pytest.mark.parametrize("seed", range(3))
def test_with_full_overlap_it_is_right_more_often_than_the_majority(seed):
    answers, truth = simulated(seed, 300)
    right = [
        sum(
            one.label == truth[item]
            for item, one in labels_of(answers, HISTORY, **how).items.items()
        )
        for how in ({}, {"method": DAWID_SKENE})
    ]
    assert right[1] > right[0] + 10


def test_confusions_of_a_person_are_found():
    """One person of three swaps two classes always: the majority is right, and so is this."""
    draw, answers, truth = random.Random(3), [], {}
    swapped = {"cat": "dog", "dog": "cat", "bird": "bird"}
    for number in range(200):
        item, true = f"{number:03d}", draw.choice(CLASSES)
        truth[item] = true
        answers += [said(true, "a", item), said(swapped[true], "swaps", item)]
        answers.append(said(true if draw.random() < 0.8 else draw.choice(CLASSES), "c", item))
    found = labels_of(answers, HISTORY, method=DAWID_SKENE)
    assert {item: one.label for item, one in found.items.items()} == truth
    assert min(one.confidence for one in found.items.values()) > 0.9


@pytest.mark.parametrize("seed", range(3))
def test_without_overlap_every_answer_stays(seed):
    """Four batches of forty rows, each answered by one person."""
    draw = random.Random(seed)
    classes = [f"class {number}" for number in range(8)]
    answers = [
        said(draw.choice(classes), f"person {number // 40}", f"{number:03d}")
        for number in range(160)
    ]
    found = labels_of(answers, ClassHistory(classes), method=DAWID_SKENE)
    assert {item: one.label for item, one in found.items.items()} == {
        one.item: one.label for one in answers
    }
    assert {one.confidence for one in found.items.values()} == {1.0}
    assert (found.weighed, found.overruled) == ([], [])
    assert (found.measured.annotators, found.measured.most) == (frozenset(), 0)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("overlap", [16, 160])
def test_a_second_answer_to_some_rows_overturns_nothing_that_people_agree_on(seed, overlap):
    """As without overlap, and a fifth person who answers some rows again, and errs in some."""
    draw = random.Random(seed)
    classes = [f"class {number}" for number in range(8)]
    truth = {f"{number:03d}": draw.choice(classes) for number in range(160)}
    answers = [said(true, f"person {int(item) // 40}", item) for item, true in truth.items()]
    for item in draw.sample(list(truth), overlap):
        label = truth[item] if draw.random() < 0.8 else draw.choice(classes)
        answers.append(said(label, "person X", item))
    found = labels_of(answers, ClassHistory(classes), method=DAWID_SKENE)
    differ = differing(answers)
    assert differ
    for item, one in found.items.items():
        expected = (State.CONTRADICTED, None) if item in differ else (State.LABELED, truth[item])
        assert (one.state, one.label) == expected
    assert found.overruled == []


def test_votes_that_are_equal_stay_whatever_the_others_tell_of_their_annotators():
    """Two who are always wrong in the same way agree, alone and together, on further rows."""
    answers, _ = simulated(0, people={"a": 0.95, "b": 0.95, "c": 0.95, "bad": 0.05, "worse": 0.05})
    answers += [said("dog", "bad", f"alone {number}") for number in range(5)]
    answers += [said("cat", who, "both") for who in ("bad", "worse")]
    found = labels_of(answers, HISTORY, method=DAWID_SKENE)
    assert {"a", "b", "c", "bad", "worse"} == found.measured.annotators
    for item in (*(f"alone {number}" for number in range(5)), "both"):
        one = found.items[item]
        assert (one.state, one.confidence) == (State.LABELED, 1.0)
        assert one.label == ("cat" if item == "both" else "dog")
    differ = differing(answers)
    for item, one in found.items.items():
        if item not in differ:
            assert set(one.votes.values()) == {one.label}


def test_who_has_answered_few_rows_errs_as_all_do():
    """Whether two strangers answer as one person or as two, they are taken for the same."""
    answers, _ = simulated(1)
    strangers = [said("dog", "new", "x"), said("cat", "b", "x")]
    needed = 3 * ROWS_PER_CLASS
    found = labels_of([*answers, *strangers], HISTORY, method=DAWID_SKENE)
    assert found.measured.annotators == frozenset(CAREFUL)
    assert (found.measured.needed, found.measured.most) == (needed, 120)
    likely = plain_dawid_skene([(a.item, a.annotator, a.label) for a in answers])
    place = {name: number for number, name in enumerate(sorted(CLASSES))}
    counts = np.full((3, 3), 1e-10)  # true class, vote
    for one in answers:
        counts[:, place[one.label]] += [likely[one.item][name] for name in sorted(CLASSES)]
    pooled = counts / counts.sum(1, keepdims=True)
    fit = plain_fit([(a.item, sorted(CAREFUL).index(a.annotator), a.label) for a in answers])
    shares = fit.priors * pooled[:, place["dog"]] * fit.errors[1][place["cat"]]
    assert found.items["x"].confidence == pytest.approx(max(shares) / sum(shares), abs=0.02)
    assert found.items["x"].label == "cat"  # said by one who is right nine times in ten


def test_rows_with_two_answers_tell_of_nobody():
    """Two people who answer all rows differ in some: which of them errs cannot be told."""
    answers, _ = simulated(2, people={"a": 0.9, "b": 0.6})
    found = labels_of(answers, HISTORY, method=DAWID_SKENE)
    assert (found.measured.most, found.weighed) == (0, [])
    assert decisions(found) == decisions(labels_of(answers, HISTORY))
    third = [said("cat", "c", f"{number:03d}") for number in range(3 * ROWS_PER_CLASS)]
    assert labels_of([*answers, *third[:-1]], HISTORY, method=DAWID_SKENE).weighed == []
    enough = labels_of([*answers, *third], HISTORY, method=DAWID_SKENE)
    assert enough.measured.annotators == {"a", "b", "c"}
    assert enough.weighed


def test_several_labels_and_none():
    answers, _ = simulated(1)
    sets = [
        said("no-class" if one.label == "bird" else (one.label,), one.annotator, one.item)
        for one in answers
    ]
    found = labels_of(sets, HISTORY, method=DAWID_SKENE).items
    likely = {
        name: plain_dawid_skene([(a.item, a.annotator, a.label == name) for a in answers])
        for name in CLASSES
    }
    compared = Counter()
    for item, one in found.items():
        chances = {name: likely[name][item][True] for name in CLASSES}
        if min(abs(chance - 0.5) for chance in chances.values()) < 0.01:
            continue
        if chances["bird"] > 0.5:
            wanted = (State.NO_CLASS, None)
        else:
            wanted = (State.LABELED, tuple(n for n in ("cat", "dog") if chances[n] > 0.5))
        assert (one.state, one.label) == wanted
        compared[wanted] += 1
    assert len(compared) >= 3
    none = labels_of([said((), "a"), said((), "b")], HISTORY, method=DAWID_SKENE)
    assert none.items["a"].label == ()


def test_sets_of_labels_that_people_share_stay():
    answers, _ = simulated(1)
    sets = [said((one.label,), one.annotator, one.item) for one in answers]
    sets += [said(("bird", "cat"), "c", f"alone {number}") for number in range(9)]
    sets += [said(("bird", "cat"), who, "three") for who in "cde"]
    found = labels_of(sets, HISTORY, method=DAWID_SKENE)
    assert found.weighed
    for item in (*(f"alone {number}" for number in range(9)), "three"):
        assert found.items[item].label == ("bird", "cat")
        assert found.items[item].confidence == 1.0
