"""What Label Studio exported of two small projects, and what that has to say."""

from helpers.answered_batches import batch, expected
from labelbench_core.campaign.answers.formats import read_answers

IMAGES = batch()
TEXTS = batch(("text-1", "text-2", "text-3", "text-4"), multilabel=True, rows="texts")
ANNA, BEN = "1", "2"  # numbers of users


def read(exports, name, made):
    return read_answers(exports / f"{name}.json", expected(made))


def said(answers):
    """What answers say, without their times."""
    return sorted(
        (one.item, one.annotator, one.outcome.value, one.label, one.seconds) for one in answers
    )


def check_images(exports):
    labeled = [
        ("a/1.png", ANNA, "labelled", "cat", 3.5),
        ("a/ü 2;3.png", ANNA, "labelled", "dog", 2.25),
        ("a/ü 2;3.png", BEN, "labelled", "cat", 4.0),
        ("b/1.png", BEN, "unsure", None, 20.0),
        ("row-17", BEN, "no-class", None, 6.0),
        ("é", ANNA, "labelled", "dog", 5.0),
    ]
    skipped = ("b/1.png", ANNA, "skipped", None, 1.5)
    full, short = (read(exports, f"images-{kind}", IMAGES) for kind in ("json", "json_min"))
    assert said(full) == sorted([*labeled, skipped])
    assert said(short) == labeled  # without what was skipped
    check_the_same_times(full, short)


def check_texts(exports):
    labeled = [
        ("text-1", ANNA, "labelled", ("cat", "grey wolf"), 3.5),
        ("text-1", BEN, "labelled", ("cat",), 2.0),
        ("text-2", ANNA, "labelled", (), 2.25),
    ]
    skipped = ("text-3", BEN, "skipped", None, 1.0)
    full, short = (read(exports, f"texts-{kind}", TEXTS) for kind in ("json", "json_min"))
    assert said(full) == [*labeled, skipped]
    assert said(short) == labeled
    check_the_same_times(full, short)


def check_the_same_times(full, short):
    assert set(short) <= set(full)  # with time and batch
    assert all(one.at and one.batch for one in full)
