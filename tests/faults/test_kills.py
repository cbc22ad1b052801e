"""A few random kills; `python -m tests.helpers.kills` does many."""

from pathlib import Path

import pytest

from helpers.kills import kill_and_compare


@pytest.mark.thorough
def test_killed_at_random_moments_it_ends_with_equal_bytes(tmp_path: Path) -> None:
    assert len(kill_and_compare(tmp_path, count=4, seed=1, proxies=["pulled"])) == 4
