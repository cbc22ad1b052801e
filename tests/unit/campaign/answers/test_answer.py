"""An answer says what is allowed, and comes back from its line."""

import random
import re

import pytest

from helpers.answered_batches import AWKWARD_CLASSES, batch, random_answers
from labelbench_core.campaign.answers.answer import Answer, from_json_lines, to_json_lines
from labelbench_core.errors import InputError


@pytest.mark.parametrize("multilabel", [False, True])
def test_lines_give_back_the_answers(multilabel):
    answers = [
        one
        for seed in range(20)
        for one in random_answers(batch(classes=AWKWARD_CLASSES, multilabel=multilabel), seed)
    ]
    assert len(answers) > 100
    text = to_json_lines(answers)
    assert from_json_lines(text, "x") == answers
    assert text.isascii()
    assert text.count("\n") == len(answers)


def test_a_line_is_canonical():
    one = Answer("a", "labelled", ["dog", "cat"], seconds=2)
    assert one.label == ("cat", "dog")
    assert to_json_lines([one]) == (
        '{"annotator":"","at":null,"batch":null,"item":"a","label":["cat","dog"],'
        '"outcome":"labelled","seconds":2.0}\n'
    )


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"item": ""}, "item: empty"),
        ({"item": 3}, "item: 3; allowed: text"),
        ({"outcome": "maybe"}, "outcome: 'maybe'; allowed: labelled, skipped"),
        ({"label": None}, "label: None; allowed: a class, or a list of classes"),
        ({"label": ""}, "label: ''; allowed"),
        ({"label": ["a", "a"]}, "allowed: each class once"),
        ({"label": ["a", 3]}, "allowed: a class, or a list"),
        ({"outcome": "unsure"}, "label: 'cat' with outcome 'unsure'; allowed: no label"),
        ({"seconds": -1}, "seconds: -1; allowed"),
        ({"seconds": float("nan")}, "seconds: nan; allowed"),
        ({"seconds": True}, "seconds: True; allowed"),
        ({"at": "2026-03-01"}, "at: '2026-03-01'; allowed: a time in ISO 8601 with an offset"),
        ({"at": 5}, "at: 5; allowed"),
        ({"annotator": None}, "annotator: None; allowed: text"),
        ({"batch": ""}, "batch: ''; allowed"),
    ],
)
def test_what_is_not_allowed_is_refused(given, told):
    with pytest.raises(ValueError, match=re.escape(told)):
        Answer(**{"item": "a", "outcome": "labelled", "label": "cat"} | given)


def test_a_damaged_line_is_named():
    answers = random_answers(batch(), seed=1)
    text = to_json_lines(answers)
    with pytest.raises(InputError, match=r"^here: its last line is not whole"):
        from_json_lines(text[:-1], "here")
    draw = random.Random(0)
    for _ in range(20):
        cut = draw.randrange(1, text.index("\n"))
        with pytest.raises(InputError, match=r"^here: line 1: not an answer .*; allowed: what was"):
            from_json_lines(text[cut:], "here")
