"""The walk of docs/campaign.md, re-run from a checkout: every step works, and pictures show it."""

import io

import numpy as np
import pytest
from PIL import Image

from docs.campaign_walk import IMAGES, PICTURES, walk
from helpers.browsing import chromium


@pytest.mark.thorough
def test_the_walk_ends_with_a_model_and_its_pictures(fresh, tmp_path):
    chromium()  # or skip
    said = []
    taken = walk(tmp_path / "away", fresh.folder, "tiny", count=120, batches=3, tell=said.append)
    assert "Campaign digits, batch 1: 40 of 40 to label." in said[0]
    assert "40 new answers in 1 file." in said[1]
    assert "Campaign digits, batch 3: 40 of 40 to label." in said[2]
    assert "Campaign digits is finished: 120 rows, 80 labelled by people" in said[3]
    assert set(taken) == set(PICTURES)
    for name, picture in taken.items():
        own = Image.open(io.BytesIO(picture))
        committed = Image.open(IMAGES / PICTURES[name])
        assert own.size == committed.size
        # Text and images on a page of one colour: nothing is blank.
        for one in (own, committed):
            grey = np.asarray(one.convert("L"))
            assert 0.02 < (grey != np.bincount(grey.ravel()).argmax()).mean() < 0.9
