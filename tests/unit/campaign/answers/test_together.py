"""Campaigns as they go: from the files that people hand in to one label for each item."""

import dataclasses

from helpers.answered_batches import NAME, batch
from labelbench_core.campaign.answers.agreement import agreement_of
from labelbench_core.campaign.answers.answer import Answer
from labelbench_core.campaign.answers.classes import ClassHistory
from labelbench_core.campaign.answers.formats import cvat, hugging_face, label_studio
from labelbench_core.campaign.answers.formats.csv_table import write
from labelbench_core.campaign.answers.formats.handed import Expected
from labelbench_core.campaign.answers.labels import State, labels_of
from labelbench_core.campaign.answers.ledger import answers_of, receive

CLASSES = ["cat", "dog", "bird"]
OLD = batch(("1.png", "2.png", "3.png", "4.png"), CLASSES)


def handed_in(folder, name, made, said, writer=write):
    """Hand in answers of a batch and check that the file is received."""
    path = folder / name
    answers = [
        Answer(item, what, None, annotator, batch=made.name)
        if what in ("skipped", "unsure", "no-class")
        else Answer(item, "labelled", what, annotator, batch=made.name)
        for annotator, of in said.items()
        for item, what in of.items()
    ]
    path.write_text(writer(made, answers), encoding="utf-8")
    return path


def received(folder, path, history, *batches):
    handed = {each.name: [one.item for one in each.items] for each in batches or (OLD,)}
    result = receive(folder, [path], Expected(handed, history.names))
    assert result.errors == ()
    return labels_of(answers_of(folder), history, offered={OLD.name: CLASSES})


def test_two_people_label_different_halves(tmp_path):
    history = ClassHistory(CLASSES)
    first = {"anna": {"1.png": "cat", "2.png": "dog"}}
    second = {"ben": {"3.png": "unsure", "4.png": "bird"}}
    received(tmp_path, handed_in(tmp_path, "a", OLD, first, cvat.write), history)
    found = received(tmp_path, handed_in(tmp_path, "b", OLD, second, label_studio.write), history)
    labels = {item: (one.state, one.label) for item, one in found.items.items()}
    assert labels == {
        "1.png": ("labelled", "cat"),
        "2.png": ("labelled", "dog"),
        "3.png": ("unsure", None),
        "4.png": ("labelled", "bird"),
    }
    assert not found.changes


def test_the_same_batch_is_labelled_twice(tmp_path):
    history = ClassHistory(CLASSES)
    anna = {"1.png": "cat", "2.png": "dog", "3.png": "cat"}
    ben = {"1.png": "cat", "2.png": "bird", "3.png": "unsure", "4.png": "dog"}
    received(tmp_path, handed_in(tmp_path, "a", OLD, {"anna": anna}), history)
    found = received(tmp_path, handed_in(tmp_path, "b", OLD, {"ben": ben}), history)
    assert found.of_state(State.CONTRADICTED) == ["2.png"]
    assert found.of_state(State.LABELED) == ["1.png", "3.png", "4.png"]
    (pair,) = agreement_of(found.items.values(), history.classes).pairs
    assert (pair.items, pair.agreed) == (2, 1)
    assert pair.disagreements == {("dog", "bird"): ("2.png",)}
    # A third decides.
    carl = handed_in(tmp_path, "c", OLD, {"carl": {"2.png": "bird"}}, hugging_face.write)
    assert received(tmp_path, carl, history).items["2.png"].label == "bird"


def test_a_batch_is_half_labelled_for_weeks_while_classes_change(tmp_path):
    start = ClassHistory(CLASSES)
    half = {"anna": {"1.png": "cat", "2.png": "bird"}}
    received(tmp_path, handed_in(tmp_path, "half.csv", OLD, half), start)
    changes = [
        {"add": "lynx"},
        {"rename": {"from": "cat", "to": "house cat"}},
        {"split": {"from": "bird", "into": ["duck", "goose"]}},
        {"merge": {"from": ["dog", "lynx"], "to": "other"}},
    ]
    history = ClassHistory(CLASSES, changes)
    new = dataclasses.replace(OLD, name="3-ffffffff", classes=history.classes)
    # The rest of the old batch comes in, in the names that its page has.
    whole = {"anna": {**half["anna"], "3.png": "dog", "4.png": "no-class"}}
    found = received(tmp_path, handed_in(tmp_path, "whole.csv", OLD, whole), history, OLD, new)
    labels = {item: (one.state, one.label) for item, one in found.items.items()}
    assert labels == {
        "1.png": ("labelled", "house cat"),
        "2.png": ("ask-again", None),
        "3.png": ("labelled", "other"),
        "4.png": ("no-class", None),
    }
    assert found.ask_again == {"2.png": "bird was split into duck, goose"}
    assert found.items["4.png"].silent_on == ("other",)  # of which lynx is a part
    assert len(answers_of(tmp_path)) == 4  # each once
    # What is to be asked again is handed out again, and answered.
    again = {"anna": {"2.png": "goose"}}
    found = received(tmp_path, handed_in(tmp_path, "again", new, again), history, OLD, new)
    assert (found.items["2.png"].label, found.ask_again, found.changes) == ("goose", {}, [])


def test_an_annotator_changes_an_answer(tmp_path):
    history = ClassHistory(CLASSES)
    first = {"anna": {"1.png": "cat", "2.png": "skipped"}}
    second = {"anna": {"1.png": "dog", "2.png": "bird"}}
    received(tmp_path, handed_in(tmp_path, "first", OLD, first), history)
    found = received(tmp_path, handed_in(tmp_path, "second", OLD, second), history)
    assert [one.label for one in found.items.values()] == ["dog", "bird"]
    told = [(one.earlier.label, one.later.label, one.later.batch) for one in found.changes]
    assert told == [("cat", "dog", NAME), (None, "bird", NAME)]
    strict = labels_of(answers_of(tmp_path), history, later_holds=False)
    assert strict.of_state(State.CONTRADICTED) == ["1.png"]  # a skipped item was not contradicted
