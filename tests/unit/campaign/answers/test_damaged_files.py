"""Whatever a file holds, it is read or refused, in lines that name it and say what is allowed."""

import random
import re

import pytest

from helpers.answered_batches import batch, expected, random_answers
from labelbench_core.campaign.answers.formats import (
    csv_table,
    cvat,
    hugging_face,
    label_studio,
    read_answers,
)
from labelbench_core.errors import InputError

WRITERS = [
    csv_table.write,
    label_studio.write,
    cvat.write,
    hugging_face.write,
    hugging_face.write_json_lines,
]
TOKENS = [b"null", b"[]", b"{}", b"1e999", b"-1", b'"x"', b"[[1]]", b"\x00", b"\xff", b",", b";"]
TOKENS += [b'"', b"<", b"\n", b"{", b"true", b'"http://[x"', b"label", b"\xed\xa0\x80"]
VALUE = re.compile(rb'"[^"]*"|[0-9]+|null|true|false')


def damaged(content, draw):
    content = bytearray(content)
    for _ in range(draw.randrange(1, 4)):
        at, other = draw.randrange(len(content)), draw.randrange(len(content))
        kind = draw.randrange(4)
        if kind == 0:
            del content[at : at + draw.randrange(30)]
        elif kind == 1:
            content[at:at] = draw.choice(TOKENS)
        elif kind == 2:
            content[at : at + 20] = content[other : other + 40]
        elif values := list(VALUE.finditer(bytes(content))):
            value = draw.choice(values)
            content[value.start() : value.end()] = draw.choice(TOKENS)
    return bytes(content)


@pytest.mark.parametrize("multilabel", [False, True])
@pytest.mark.parametrize("write", WRITERS)
def test_damaged_files(write, multilabel):
    made = batch(multilabel=multilabel)
    answers = random_answers(made, seed=3)
    whole = write(made, answers).encode()
    assert read_answers("f", expected(made), whole) == answers
    read = refused = 0
    for seed in range(150):
        try:
            read_answers("f", expected(made), damaged(whole, random.Random(seed)))
            read += 1
        except InputError as error:
            refused += 1
            for line in str(error).splitlines():
                assert line.startswith("f: ")
                assert "; allowed: " in line
    assert refused > 50
    assert read > 0
