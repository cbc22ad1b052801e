"""What earlier answers mean today, against a plain account of what each class was made of."""

import random

import pytest

from labelbench_core.campaign.answers.answer import Answer
from labelbench_core.campaign.answers.classes import ClassHistory
from labelbench_core.errors import InputError

START = ("cat", "dog", "bird")
CHANGES = [
    {"add": "lynx"},
    {"rename": {"from": "cat", "to": "house cat"}},
    {"add": "puppy"},
    {"merge": {"from": ["puppy", "dog"], "to": "dog"}},
    {"split": {"from": "bird", "into": ["duck", "goose"]}},
    {"rename": {"from": "house cat", "to": "cat"}},
]


def answer(label, outcome="labelled"):
    return Answer("a", outcome, label)


def test_an_answer_means_what_its_class_became():
    history = ClassHistory(START, CHANGES)
    assert history.classes == ("cat", "dog", "duck", "goose", "lynx")
    assert set(history.names) == {*history.classes, "bird", "puppy", "house cat"}
    for said, meant in (
        ("cat", "cat"),
        ("house cat", "cat"),
        ("puppy", "dog"),
        ("goose", "goose"),
        (("puppy", "cat", "dog"), ("cat", "dog")),
        ((), ()),
    ):
        assert history.meaning(answer(said)).label == meant
        assert not history.meaning(answer(said)).ask_again


@pytest.mark.parametrize("label", ["bird", ("bird", "cat")])
def test_an_answer_of_a_class_that_was_split_is_asked_again(label):
    found = ClassHistory(START, CHANGES).meaning(answer(label))
    assert (found.label, found.ask_again) == (None, "bird was split into duck, goose")


def test_an_answer_is_silent_on_classes_that_were_not_offered():
    history = ClassHistory(START, CHANGES)
    none = answer(None, "no-class")
    assert history.meaning(none).silent_on == ()
    assert history.meaning(none, START).silent_on == ("lynx",)
    assert history.meaning(none, ["house cat", "dog"]).silent_on == ("duck", "goose", "lynx")
    assert history.meaning(answer(("cat",)), START).silent_on == ("lynx",)
    assert history.meaning(answer("cat"), START).silent_on == ()
    assert history.meaning(answer(None, "unsure"), START).silent_on == ()
    merge, split = {"from": ["a", "b"], "to": "c"}, {"from": "c", "into": ["d", "e"]}
    merged = [{"merge": merge}, {"split": split}]
    both = ClassHistory(["a", "b", "x"], merged)
    assert both.meaning(none, ["a", "x"]).silent_on == ("d", "e")
    assert both.meaning(none, ["a", "b", "x"]).silent_on == ()


class Plain:
    """Classes as sets of what was there at the start: all that is needed without splits."""

    def __init__(self, start):
        self.names = {name: {name} for name in start}

    def apply(self, change):
        ((kind, given),) = change.items()
        if kind == "add":
            self.names[given] = {given}
        elif kind == "rename":
            self.names[given["to"]] = self.names.pop(given["from"])
        else:
            whole = set.union(*(self.names.pop(name) for name in given["from"]))
            self.names[given["to"]] = whole


def test_random_changes_against_the_plain_account():
    for seed in range(60):
        draw, plain, changes = random.Random(seed), Plain(START), []
        first = {name: name for name in START}  # a name -> something that it holds
        for number in range(8):
            today = sorted(plain.names)
            kind = draw.choice(["add", "rename", "merge"])
            if kind == "add":
                change = {"add": f"new {number}"}
                first[f"new {number}"] = f"new {number}"
            elif kind == "rename" or len(today) < 3:
                change = {"rename": {"from": draw.choice(today), "to": f"name {number}"}}
            else:
                sources = draw.sample(today, 2)
                to = draw.choice([*sources, f"both {number}"])
                change = {"merge": {"from": sources, "to": to}}
            plain.apply(change)
            changes.append(change)
            for name, whole in plain.names.items():
                first.setdefault(name, min(whole))
        history = ClassHistory(START, changes)
        assert set(history.classes) == set(plain.names)
        for said, part in first.items():
            (meant,) = [name for name, whole in plain.names.items() if part in whole]
            assert history.meaning(answer(said)).label == meant, (changes, said)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ([3], "[0]: 3; allowed: an object with one key of add, rename, merge, split"),
        ([{"add": "x", "merge": {}}], "[0]: {'add': 'x', 'merge': {}}; allowed: an object with"),
        ([{"add": "dog"}], "[0].add: 'dog' is a class already; allowed: a name of its own"),
        ([{"add": ["x"]}], "[0].add: ['x']; allowed: the name of a class"),
        ([{"add": "x "}], "[0].add: class 'x '; allowed: text in one line"),
        ([{"rename": "dog"}], "[0].rename: 'dog'; allowed: an object with the keys from and to"),
        (
            [{"rename": {"from": "dogs", "to": "x"}}],
            "[0].rename: 'dogs' is no class (did you mean 'dog'?); allowed: cat, dog, bird",
        ),
        ([{"rename": {"from": "dog", "to": 3}}], "[0].rename: to: 3; allowed: the name of a class"),
        ([{"rename": {"from": "dog", "to": "cat"}}], "[0].rename: 'cat' is a class already"),
        (
            [{"rename": {"from": "dog", "to": "x"}}, {"rename": {"from": "dog", "to": "y"}}],
            "[1].rename: 'dog' is called 'x' since an earlier change; allowed: cat, x, bird",
        ),
        (
            [{"rename": {"from": "dog", "to": "x"}}, {"add": "dog"}],
            "[1].add: 'dog' was the name of another class; allowed: a name of its own",
        ),
        ([{"merge": {"from": ["dog"], "to": "x"}}], "[0].merge: from: ['dog']; allowed: a list of"),
        ([{"merge": {"from": ["dog", "dog"], "to": "x"}}], "allowed: each name once"),
        ([{"merge": {"from": ["dog", "cat"], "to": "bird"}}], "'bird' is a class already"),
        ([{"split": {"from": "dog", "into": ["dog", "x"]}}], "'dog' was the name of another"),
        (
            [
                {"split": {"from": "dog", "into": ["x", "y"]}},
                {"merge": {"from": ["dog", "cat"], "to": "z"}},
            ],
            "[1].merge: 'dog' was split into x, y; allowed: cat, x, y, bird",
        ),
    ],
)
def test_changes_that_contradict_are_refused_in_one_line(changes, told):
    with pytest.raises(InputError) as error:
        ClassHistory(START, changes, "pets.yaml: class_changes")
    assert str(error.value).startswith("pets.yaml: class_changes[")
    assert told in str(error.value)
    assert "\n" not in str(error.value)
