"""Batches that are handed out in tests, and random answers to them."""

import base64
import io
import random

from PIL import Image

from labelbench_core.campaign.answers.answer import Answer, Outcome
from labelbench_core.campaign.answers.formats.handed import Expected, HandedBatch, HandedItem

NAME = "2-0f6b2c1a"
CLASSES = ("cat", "dog", "grey wolf")
# Items and classes as people name them.
AWKWARD_ITEMS = ("a/1.png", "a/ü 2;3.png", 'b/"q",x.png', "b/1.png", "c/ä&<1>.png", "row-17", "é")
AWKWARD_CLASSES = ("cat", "Hund, groß", "a;b", 'say "x"', "<tag> & more", "[1]", "été", "label")


def batch(items=AWKWARD_ITEMS, classes=CLASSES, *, multilabel=False, rows="images", suggest=True):
    handed = [
        HandedItem(
            item,
            f"text of {item};\nsecond, line" if rows == "texts" else "",
            _suggestion(place, classes, multilabel) if suggest and place % 3 else None,
        )
        for place, item in enumerate(items)
    ]
    return HandedBatch("pets", NAME, handed, classes, multilabel, rows)


def _suggestion(place, classes, multilabel):
    if not multilabel:
        return {classes[place % len(classes)]: 0.5 + place / 100}
    return {name: (1 + place + at) % 10 / 10 for at, name in enumerate(classes)}


def expected(*batches, pool=()):
    one = batches[0]
    handed = {each.name: [item.item for item in each.items] for each in batches}
    return Expected(handed, one.classes, one.multilabel, pool)


def random_answers(one, seed, annotators=("", "anna", "Ben B.")):
    """Answers to a part of a batch's items, some with several, in the order of the items."""
    draw, answers = random.Random(seed), []
    for place, item in enumerate(one.items):
        for annotator in draw.sample(annotators, min(len(annotators), draw.choice([0, 1, 1, 2]))):
            outcome = draw.choice([*Outcome, Outcome.LABELED, Outcome.LABELED])
            label = None
            if outcome is Outcome.LABELED:
                label = draw.choice(one.classes)
                if one.multilabel:
                    label = tuple(draw.sample(one.classes, draw.randrange(len(one.classes))))
            seconds = draw.choice([None, 0.0, draw.random() * 10, 1e-5, 12345.0])
            at = draw.choice(
                [None, f"2026-03-01T09:30:{place % 60:02d}.25+01:00", "2026-03-01T08:30:00Z"]
            )
            answers.append(Answer(item.item, outcome, label, annotator, seconds, at, one.name))
    return answers


def data_url(item):
    """An image of one colour that depends on the item, as an address that holds it."""
    handle = io.BytesIO()
    shade = sum(item.encode()) % 256
    Image.new("RGB", (2, 2), (shade, 255 - shade, 128)).save(handle, "PNG")
    return "data:image/png;base64," + base64.b64encode(handle.getvalue()).decode()
