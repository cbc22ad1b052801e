"""Agreement against published numbers, plain formulas and, where they are installed, packages."""

import itertools
import random
import statistics

import pytest
from sklearn.metrics import cohen_kappa_score

from labelbench_core.campaign.answers.agreement import (
    agreement_of,
    alpha,
    cohen_kappa,
    seconds_of,
)
from labelbench_core.campaign.answers.answer import Answer
from labelbench_core.campaign.answers.classes import ClassHistory
from labelbench_core.campaign.answers.labels import labels_of

CLASSES = ("cat", "dog", "bird")
# Krippendorff, "Computing Krippendorff's Alpha-Reliability", 2011, section C: four observers,
# twelve units, 0 is missing; nominal alpha 0.743.
PUBLISHED = ("123321412000", "123322412503", "033323422510", "123324412510")


def test_alpha_is_the_published_one():
    units = [[value for value in unit if value != "0"] for unit in zip(*PUBLISHED, strict=True)]
    assert alpha(units) == pytest.approx(0.743, abs=5e-4)


def random_units(seed):
    draw = random.Random(seed)
    return [draw.choices("abcd", k=draw.randrange(5)) for _ in range(draw.randrange(1, 30))]


def plain_alpha(units):
    """One less the disagreement within units over that of all values that can be paired."""
    units = [unit for unit in units if len(unit) > 1]
    values = list(itertools.chain(*units))
    within = sum(
        sum(one != other for one, other in itertools.permutations(unit, 2)) / (len(unit) - 1)
        for unit in units
    )
    every = sum(one != other for one, other in itertools.permutations(values, 2))
    return (
        1 - (within / len(values)) / (every / (len(values) * (len(values) - 1))) if every else None
    )


def test_alpha_against_the_plain_formula():
    for seed in range(100):
        wanted = plain_alpha(random_units(seed))
        assert alpha(random_units(seed)) == (wanted if wanted is None else pytest.approx(wanted))
    assert alpha([]) is None
    assert alpha([["a", "a"], ["a", "a"]]) is None


@pytest.mark.extra("krippendorff")
def test_alpha_against_the_package_krippendorff():
    import krippendorff as package

    for seed in range(40):
        units = random_units(seed)
        counts = [[unit.count(value) for value in "abcd"] for unit in units]
        if (found := alpha(units)) is not None:
            wanted = package.alpha(value_counts=counts, level_of_measurement="nominal")
            assert found == pytest.approx(wanted)


def test_kappa_is_that_of_scikit_learn():
    for seed in range(60):
        draw = random.Random(seed)
        first = draw.choices("abc", k=30)
        second = [one if draw.random() < 0.6 else draw.choice("abc") for one in first]
        assert cohen_kappa(first, second) == pytest.approx(cohen_kappa_score(first, second))
    assert cohen_kappa([], []) is None
    assert cohen_kappa("aa", "aa") is None
    assert cohen_kappa("ab", "ba") == -1


def said(item, annotator, label, seconds=None):
    outcome = label if label in ("unsure", "no-class") else "labelled"
    label = None if outcome != "labelled" else label
    return Answer(item, outcome, label, annotator, seconds)


def items_of(answers):
    return labels_of(answers, ClassHistory(CLASSES)).items.values()


def test_who_disagrees_with_whom_on_what():
    rows = [("cat", "cat", "dog"), ("cat", "dog", "dog"), ("cat", "dog", "unsure")]
    rows += [("no-class", "bird", "bird"), ("dog", "dog", "unsure"), ("cat", "unsure", "unsure")]
    answers = [
        said(f"item {number}", who, label)
        for number, row in enumerate(rows)
        for who, label in zip(("carl", "anna", "ben"), row, strict=True)
    ]
    found = agreement_of(items_of(answers), CLASSES)
    assert found.items == 5
    by_pair = {one.annotators: one for one in found.pairs}
    assert list(by_pair) == [("anna", "ben"), ("anna", "carl"), ("ben", "carl")]
    pair = by_pair["anna", "carl"]
    assert (pair.items, pair.agreed) == (5, 2)
    assert list(pair.disagreements.items()) == [
        (("dog", "cat"), ("item 1", "item 2")),
        (("bird", None), ("item 3",)),
    ]
    values = [("cat", "cat"), ("dog", "cat"), ("dog", "cat"), ("bird", "none"), ("dog", "dog")]
    assert pair.kappa == pytest.approx(cohen_kappa_score(*zip(*values, strict=True)))
    votes = [[None if one == "no-class" else one for one in row if one != "unsure"] for row in rows]
    assert found.alpha == pytest.approx(plain_alpha(votes))
    dogs = [[one == "dog" for one in row] for row in votes]
    assert found.per_class["dog"] == pytest.approx(plain_alpha(dogs))


def test_several_labels_are_compared_class_by_class():
    answers = [
        said("1", "anna", ("cat", "dog")),
        said("1", "ben", ("cat",)),
        said("2", "anna", ()),
        said("2", "ben", ()),
        said("3", "anna", ("dog",)),
        said("3", "ben", ("dog",)),
        said("4", "anna", ("dog",)),
    ]
    found = agreement_of(items_of(answers), CLASSES)
    assert found.per_class == {
        "cat": 1.0,
        "dog": pytest.approx(plain_alpha([[True, False], [False, False], [True, True]])),
        "bird": None,
    }
    (pair,) = found.pairs
    assert (pair.items, pair.agreed) == (3, 2)
    assert pair.disagreements == {(("cat", "dog"), ("cat",)): ("1",)}


def test_without_two_annotators_nothing_is_said():
    found = agreement_of(items_of([said("1", "anna", "cat")]), CLASSES)
    assert (found.alpha, found.items, found.pairs) == (None, 0, ())


def test_seconds_of_all_and_of_each():
    draw = random.Random(0)
    answers = [
        said(
            str(n), draw.choice(["anna", "ben", "carl"]), "cat", draw.choice([None, draw.random()])
        )
        for n in range(50)
    ]
    answers = [one for one in answers if one.annotator != "carl" or one.seconds is None]
    every, each = seconds_of(answers)
    timed = [one for one in answers if one.seconds is not None]
    assert every.median == statistics.median(one.seconds for one in timed)
    assert (every.answers, every.total) == (
        len(timed),
        pytest.approx(sum(o.seconds for o in timed)),
    )
    assert list(each) == ["anna", "ben"]
    ben = [one.seconds for one in timed if one.annotator == "ben"]
    assert each["ben"].median == statistics.median(ben)
    assert seconds_of([])[0].median is None
