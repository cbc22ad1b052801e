"""The page of contact sheets: self-contained, safe, and wrong predictions told apart."""

import io
import re

from PIL import Image

from helpers.web_page import Page
from labelbench_core.analysis.collected.shown_batches import Sheet, ShownBatch, ShownRow
from labelbench_core.report.contact_sheets import contact_sheets


def picture(kind: str) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(content, kind)
    return content.getvalue()


def sheet() -> Sheet:
    rows = (
        ShownRow(3, "cat", "cat", "a/3.png", picture("PNG")),
        ShownRow(4, "cat", "<dog>", "a/4.jpg", picture("JPEG")),
        ShownRow(5, "", "", "some <b>words</b>", None),
    )
    initial = ShownBatch(0, 100, rows[:1], None)
    batches = [ShownBatch(1, 1000, rows, 650), ShownBatch(3, 1000, rows[:1], None)]
    return Sheet("digits / linear", 7, 4, [initial], {"margin": batches})


def test_page_is_self_contained_and_shows_labels_and_predictions() -> None:
    text = contact_sheets("study", [sheet()])
    page = Page(text)
    assert "<script" not in text
    assert "default-src 'none'" in text
    assert all(one == "report.html" or one.startswith("data:") for one in page.addresses)
    assert re.findall("data:image/(png|jpeg)", text) == ["png", "png", "jpeg", "png"]
    words = " ".join(" ".join(page.words).split())
    assert "digits / linear, seed 7" in words
    assert "first labels, the same for all strategies: 100 labels, 1 of them shown" in words
    assert "round 1: 1,000 labels, 3 of them shown; 650 of 1,000 predicted as labelled" in words
    assert "margin : 2 of its rounds" in words.replace("margin:", "margin :")
    assert words.count("predicted <dog>") == 1
    assert text.count('class="wrong') == 1
    assert "some <b>words</b>" in words
    assert "no label" in words


def test_the_same_sheets_are_the_same_bytes() -> None:
    assert contact_sheets("study", [sheet()]) == contact_sheets("study", [sheet()])
