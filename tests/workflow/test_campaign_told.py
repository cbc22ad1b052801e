"""What a call of a campaign prints last, when it goes well and when it fails."""

import pytest

from helpers import campaign_files
from helpers.checkouts import failing


@pytest.fixture
def own(fresh, tmp_path):
    return campaign_files.Own(fresh, tmp_path / "my own study")


def lines_of(text):
    return [line for line in text.splitlines() if line.strip()]


def test_a_wrong_answer_is_the_last_line_and_the_other_answers_are_told(own):
    own.call()
    own.answer(1, "ada", slice(0, 4))
    own.answer(1, "bob", slice(4, 6), label="cta")
    for options in ((), ("--quiet", "all", "--keep-going")):
        *before, last = lines_of(failing(own.project, *options, config=str(own.file)))
        assert last.startswith("error: ")
        assert "bob.csv: " in last
        assert "'cta'" in last
        assert last.endswith(
            "(rule advance_campaign; log: results/logs/advance_campaign/pets/002.log)"
        )
        assert not any("to label" in line for line in before)
