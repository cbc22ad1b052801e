"""Answers to rows that no batch asked for, and tables in which the model's labels stand, too."""

import pytest

from helpers.answered_batches import AWKWARD_ITEMS, batch, expected
from labelbench_core.campaign.answers.answer import Answer
from labelbench_core.campaign.answers.formats import read_answers
from labelbench_core.errors import InputError


def read(text, *pool):
    known = expected(batch(), pool=(*pool, *AWKWARD_ITEMS) if pool else ())
    return read_answers("given.dat", known, text.encode())


def test_rows_of_the_pool_may_be_answered_that_no_batch_asked_for():
    text = "item,label\na/2.png,cat\nrow-17,dog\n"
    answers = read(text, "a/2.png")
    assert answers == [Answer("a/2.png", "labelled", "cat"), Answer("row-17", "labelled", "dog")]


def test_of_a_table_with_corrections_nothing_else_is_a_label():
    text = (
        "item,label,by,wrong,likelier,why,correction\n"
        "row-17,cat,model,0.4,dog,the model is unsure,dog\n"
        "b/1.png,cat,model,0.3,dog,the model is unsure,\n"
        "a/1.png,dog,people,,cat,,(no-class)\n"
    )
    assert read(text) == [
        Answer("row-17", "labelled", "dog"),
        Answer("a/1.png", "no-class", None),
    ]


def test_labels_of_a_model_are_no_answers():
    with pytest.raises(InputError, match=r"the model's \(column by\); allowed: labels\.csv"):
        read("item,label,by,confidence\nrow-17,cat,model,0.99\n")
