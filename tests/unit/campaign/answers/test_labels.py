"""One label for each item, against a plain account of what everybody said last."""

import importlib.util
import itertools
import random
from collections import Counter, defaultdict

import pytest

from labelbench_core.campaign.answers.answer import Answer, Outcome, moment
from labelbench_core.campaign.answers.classes import ClassHistory
from labelbench_core.campaign.answers.labels import DAWID_SKENE, Change, State, labels_of
from labelbench_core.errors import InputError

CLASSES = ("cat", "dog", "bird")
HISTORY = ClassHistory(CLASSES)


def said(what, annotator="anna", item="a", **more):
    """An answer from a class, classes, or the name of an outcome."""
    if what in ("skipped", "unsure", "no-class"):
        return Answer(item, what, None, annotator, **more)
    return Answer(item, "labelled", what, annotator, **more)


def only(answers, history=HISTORY, **options):
    (found,) = labels_of(answers, history, **options).items.values()
    return found.state.value, found.label, found.confidence


@pytest.mark.parametrize(
    ("votes", "wanted"),
    [
        (["cat"], ("labelled", "cat", 1.0)),
        (["cat", "cat", "dog"], ("labelled", "cat", 2 / 3)),
        (["cat", "dog"], ("contradicted", None, 0.5)),
        (["cat", "cat", "dog", "bird"], ("contradicted", None, 0.5)),
        (["cat", "unsure", "skipped"], ("labelled", "cat", 1.0)),
        (["no-class"], ("no-class", None, 1.0)),
        (["no-class", "cat"], ("contradicted", None, 0.5)),
        (["no-class", "cat", "no-class"], ("no-class", None, 2 / 3)),
        (["unsure", "skipped"], ("unsure", None, None)),
        (["skipped", "skipped"], ("skipped", None, None)),
        ([("cat",), ("cat", "dog"), ("cat", "dog")], ("labelled", ("cat", "dog"), 2 / 3)),
        ([("cat",), ("cat", "dog")], ("contradicted", None, 0.5)),
        ([(), ()], ("labelled", (), 1.0)),
        ([(), "no-class", "no-class"], ("no-class", None, 2 / 3)),
        ([("cat",), ("cat",), "no-class"], ("labelled", ("cat",), 2 / 3)),
    ],
)
def test_what_most_say(votes, wanted):
    answers = [said(what, f"person {number}") for number, what in enumerate(votes)]
    assert only(answers) == wanted
    assert only(answers[::-1]) == wanted


def test_a_later_answer_of_the_same_person_holds_and_is_listed():
    answers = [said("cat"), said("cat", "ben"), said("dog"), said("dog")]
    found = labels_of(answers, HISTORY)
    assert found.items["a"].votes == {"anna": "dog", "ben": "cat"}
    assert found.changes == [Change(answers[0], answers[2])]
    assert found.of_state(State.CONTRADICTED) == ["a"]
    assert only(answers[::2]) == ("labelled", "dog", 1.0)
    assert only(answers[::2], later_holds=False) == ("contradicted", None, 1.0)
    assert only(answers[2:], later_holds=False) == ("labelled", "dog", 1.0)


def test_what_is_later_is_told_by_times_if_all_have_one():
    early, late = "2026-03-01T10:00:00+02:00", "2026-03-01T09:00:00Z"
    assert only([said("dog", at=late), said("cat", at=early)])[1] == "dog"
    assert only([said("dog", at=late), said("cat")])[1] == "cat"
    assert only([said("dog", at=late), said("unsure", at=early)])[1] == "dog"


def test_answers_of_a_class_that_was_split_do_not_hold():
    split = ClassHistory(CLASSES, [{"split": {"from": "bird", "into": ["duck", "goose"]}}])
    found = labels_of([said("bird"), said("cat", item="b")], split)
    assert found.items["a"].state is State.ASK_AGAIN
    assert found.ask_again == {"a": "bird was split into duck, goose"}
    asked = labels_of([said("bird"), said("duck")], split)
    assert (asked.items["a"].label, asked.changes, asked.ask_again) == ("duck", [], {})
    assert only([said("bird"), said("goose", "ben")], split) == ("labelled", "goose", 1.0)


SPLIT = ClassHistory(CLASSES, [{"split": {"from": "bird", "into": ["duck", "goose"]}}])
OFFERED = {"1-aa": CLASSES, "2-bb": ("cat", "dog", "duck", "goose")}


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        (["bird"], [], ("ask-again", None)),
        (["bird", "skipped"], [], ("ask-again", None)),
        (["skipped", "bird", "unsure"], [], ("ask-again", None)),
        (["bird", "bird", "dog"], [], ("ask-again", None)),
        (["bird", "bird", "no-class"], [], ("ask-again", None)),
        (["bird", "dog"], [], ("contradicted", None)),
        (["bird", "no-class"], [], ("contradicted", None)),
        (["bird", "dog", "dog"], [], ("labelled", "dog")),
        (["skipped"], [], ("skipped", None)),
        # What is said once the new classes could be chosen: nothing is asked for ever.
        (["bird", "skipped"], ["skipped"], ("skipped", None)),
        (["bird", "bird"], ["unsure"], ("unsure", None)),
        (["bird", "bird", "skipped"], ["duck"], ("labelled", "duck")),
        (["bird", "dog"], ["duck"], ("contradicted", None)),
        (["bird", "bird"], ["dog"], ("contradicted", None)),
        (["bird"], ["dog", "dog"], ("labelled", "dog")),
    ],
)
def test_a_split_takes_no_vote_away(old, new, wanted):
    answers = [
        *(said(what, f"old {number}", batch="1-aa") for number, what in enumerate(old)),
        *(said(what, f"new {number}", batch="2-bb") for number, what in enumerate(new)),
    ]
    found = labels_of(answers, SPLIT, offered=OFFERED)
    one = found.items["a"]
    assert (one.state.value, one.label) == wanted
    assert list(found.ask_again) == ["a"] * (wanted[0] == "ask-again")
    # Who disagrees is told with all votes.
    if wanted[0] in ("labelled", "contradicted") and "duck" not in new:
        assert set(one.votes.values()) == {
            None if what == "no-class" else what
            for what in (*old, *new)
            if what not in ("skipped", "unsure")
        }


def test_what_a_person_said_before_a_class_that_was_split_does_not_come_back():
    answers = [said("dog", batch="1-aa"), said("bird", batch="1-aa")]
    found = labels_of(answers, SPLIT, offered=OFFERED)
    assert found.items["a"].state is State.ASK_AGAIN
    assert found.changes == [Change(*answers)]
    last = labels_of([*answers, said("goose", batch="2-bb")], SPLIT, offered=OFFERED)
    assert (last.items["a"].label, last.changes) == ("goose", [Change(*answers)])


def test_a_class_that_was_split_twice_is_what_became_of_it():
    again = [
        {"split": {"from": "bird", "into": ["duck", "other"]}},
        {"split": {"from": "other", "into": ["goose", "swan"]}},
    ]
    history = ClassHistory(CLASSES, again)
    assert only([said("bird"), said("swan", "ben")], history) == ("labelled", "swan", 1.0)
    assert only([said("bird"), said("other", "ben")], history)[0] == "ask-again"
    assert only([said("other"), said("duck", "ben")], history) == ("contradicted", None, 0.5)


def test_several_labels_of_which_one_was_split():
    answers = [said(("bird", "cat"), batch="1-aa"), said(("cat",), "ben", batch="1-aa")]
    found = labels_of(answers, SPLIT, offered=OFFERED).items["a"]
    assert found.state is State.CONTRADICTED  # half of them saw a bird
    assert found.votes == {"anna": ("bird", "cat"), "ben": ("cat",)}
    third = said(("bird", "cat"), "eve", batch="1-aa")
    assert labels_of([*answers, third], SPLIT, offered=OFFERED).ask_again == {
        "a": "bird was split into duck, goose"
    }
    later = said(("cat", "duck"), "joe", batch="2-bb")
    found = labels_of([answers[0], later], SPLIT, offered=OFFERED).items["a"]
    assert (found.state, found.label) == (State.LABELED, ("cat", "duck"))


def test_other_names_of_the_same_class_agree():
    changes = [{"add": "puppy"}, {"merge": {"from": ["dog", "puppy"], "to": "dog"}}]
    found = labels_of(
        [said("puppy"), said("dog", "ben"), said("dog")], ClassHistory(CLASSES, changes)
    )
    assert (found.items["a"].label, found.items["a"].confidence, found.changes) == ("dog", 1.0, [])


def test_classes_that_nobody_could_choose_are_named():
    history = ClassHistory(CLASSES, [{"add": "lynx"}, {"add": "fox"}])
    offered = {"1-aa": CLASSES, "2-bb": [*CLASSES, "lynx"]}
    first, second = said("no-class", batch="1-aa"), said("no-class", "ben", batch="2-bb")
    found = labels_of([first], history, offered=offered).items["a"]
    assert (found.state, found.silent_on) == (State.NO_CLASS, ("lynx", "fox"))
    assert labels_of([first, second], history, offered=offered).items["a"].silent_on == ("fox",)
    assert (
        labels_of([first, said("cat", "ben")], history, offered=offered).items["a"].silent_on == ()
    )
    several = labels_of([said(("cat",), batch="2-bb")], history, offered=offered).items["a"]
    assert (several.label, several.silent_on) == (("cat",), ("fox",))


def random_answers(draw, multilabel):
    answers = []
    for number in range(draw.randrange(1, 40)):
        outcome = draw.choice([*Outcome, Outcome.LABELED, Outcome.LABELED])
        label = None
        if outcome is Outcome.LABELED:
            label = draw.choice(CLASSES)
            if multilabel:
                label = tuple(draw.sample(CLASSES, draw.randrange(3)))
        at = (
            None if draw.random() < 0.2 else f"2026-03-01T09:{draw.randrange(60):02d}:{number:02d}Z"
        )
        answers.append(Answer(draw.choice("abcd"), outcome, label, draw.choice("xyz"), at=at))
    return answers


def plain_labels(answers):
    """Item -> state, label, as the module's words say it, one item after another."""
    found, changed = {}, defaultdict(int)
    for item in {one.item for one in answers}:
        last = {}
        for who in {one.annotator for one in answers if one.item == item}:
            theirs = [one for one in answers if (one.item, one.annotator) == (item, who)]
            if all(one.at for one in theirs):
                theirs.sort(key=lambda one: moment(one.at))
            last[who] = theirs[-1]
            for one, other in itertools.pairwise(theirs):
                changed[item] += (one.outcome, one.label) != (other.outcome, other.label)
        votes = [one for one in last.values() if one.outcome in ("labelled", "no-class")]
        if not votes:
            unsure = any(one.outcome == "unsure" for one in last.values())
            found[item] = ("unsure" if unsure else "skipped", None)
            continue
        half = len(votes) / 2
        none = sum(one.outcome == "no-class" for one in votes)
        if none > half:
            found[item] = ("no-class", None)
        elif any(isinstance(one.label, tuple) for one in votes):
            counts = {name: sum(name in (one.label or ()) for one in votes) for name in CLASSES}
            tie = any(count == half for count in counts.values())
            chosen = tuple(sorted(name for name in CLASSES if counts[name] > half))
            found[item] = ("contradicted", None) if tie else ("labelled", chosen)
        else:
            most = [name for name in CLASSES if sum(one.label == name for one in votes) > half]
            found[item] = ("labelled", most[0]) if most else ("contradicted", None)
    return found, {item: count for item, count in changed.items() if count}


@pytest.mark.parametrize("multilabel", [False, True])
def test_random_answers_against_the_plain_account(multilabel):
    states = Counter()
    for seed in range(300):
        answers = random_answers(random.Random(seed), multilabel)
        found = labels_of(answers, HISTORY)
        wanted, changed = plain_labels(answers)
        assert {name: (one.state, one.label) for name, one in found.items.items()} == wanted, seed
        assert Counter(change.later.item for change in found.changes) == changed
        states.update(one.state for one in found.items.values())
        assert list(found.items) == list(dict.fromkeys(one.item for one in answers))
    assert min(states[state] for state in State if state is not State.ASK_AGAIN) > 20


def test_another_method_is_refused():
    with pytest.raises(ValueError, match="method 'mean'; allowed: majority, dawid-skene"):
        labels_of([], HISTORY, method="mean")


def test_dawid_skene_is_refused_by_name_where_its_package_is_missing(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    told = "method 'dawid-skene': the package crowd-kit is not installed; allowed: 'majority', or"
    with pytest.raises(InputError, match=told):
        labels_of([said("cat")], HISTORY, method=DAWID_SKENE)
