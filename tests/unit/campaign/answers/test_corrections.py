"""Answers to rows that no batch asked for, and tables in which the model's labels stand, too."""

import pytest

from helpers.answered_batches import AWKWARD_ITEMS, batch, expected
from labelbench_core.campaign.answers.answer import Answer
from labelbench_core.campaign.answers.formats import read_answers
from labelbench_core.campaign.answers.formats.handed import item_of_text
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
        "item,label,by,wrong,likelier,why,annotators,correction\n"
        "row-17,cat,model,0.4,dog,the model is unsure,,dog\n"
        "b/1.png,cat,model,0.3,dog,the model is unsure,,\n"
        "a/1.png,dog,people,,cat,,anna,(no-class)\n"
    )
    assert read(text) == [
        Answer("row-17", "labelled", "dog"),
        Answer("a/1.png", "no-class", None),
    ]


@pytest.mark.parametrize("column", ["by", "probability"])  # dataset.csv, predictions.csv
def test_labels_of_a_model_are_no_answers(column):
    with pytest.raises(InputError, match=rf"the model's \(column {column}\); allowed: labels\.csv"):
        read(f"item,label,{column}\nrow-17,cat,0.99\n")


def test_a_probability_beside_a_suggestion_is_what_was_handed_out():
    text = "item,suggestion,probability,label\nrow-17,cat,0.99,dog\n"
    assert read(text) == [Answer("row-17", "labelled", "dog")]


AT_THE_END = "item,{},outcome,confidence,annotators,batch,seconds,audit\n"


def test_labels_of_another_campaign_s_end_are_what_people_said_together():
    text = AT_THE_END.format("label") + (
        "row-17,cat,labelled,1.0000,eve; bob,3,2.5,0\n"
        "b/1.png,,contradicted,0.5000,eve; bob,3,,1\n"
        "a/1.png,,ask-again,,eve,,,0\n"
        "é,,no-class,1.0000,eve,2,,0\n"
    )
    assert read(text) == [
        Answer("row-17", "labelled", "cat"),
        Answer("é", "no-class", None),
    ]


def test_with_several_labels_nothing_said_of_some_class_is_not_none_of_them():
    text = AT_THE_END.format("labels") + (
        "row-17,[],labelled,1.0000,eve,3,,0\nb/1.png,,labelled,1.0000,eve,3,,0\n"
    )
    known = expected(batch(multilabel=True))
    assert read_answers("given.dat", known, text.encode()) == [Answer("row-17", "labelled", ())]


def test_texts_name_their_rows():
    item = item_of_text("Where is my card?")
    text = 'text,label\n"Where is my card?",cat\n'
    assert read(text, item) == [Answer(item, "labelled", "cat")]
    with pytest.raises(
        InputError,
        match=r"line 2: text 'Where is my cat\?': item: 'text-\w+' is not in the pool",
    ):
        read('text,label\n"Where is my cat?",cat\n', item)


def test_an_unknown_item_is_told_what_items_are_called():
    with pytest.raises(InputError, match=r"'0' is not in the pool; allowed: .*such as 'row-0'"):
        read("item,label\n0,cat\n", "row-0", "row-1")
