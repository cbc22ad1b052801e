"""The labelling page in a real browser: keys, clicks, what is kept, what is given back."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from helpers import labelling_batches as batches
from helpers.browsing import READY, Opened, browser
from labelbench_core.campaign.answers.formats import csv_table
from labelbench_core.campaign.answers.formats._said import Said

REFUSED = """
Object.defineProperty(window, "indexedDB", { get() { throw new Error("refused"); } });
Object.defineProperty(window, "localStorage", { get() { throw new Error("refused"); } });
"""
FULL = """
IDBObjectStore.prototype.add = function () {
  if (window.hasRoom) { return this.put(...arguments); }
  throw new DOMException("full", "QuotaExceededError");
};
window.hasRoom = true;
"""


@pytest.fixture(scope="module")
def started() -> Iterator[Any]:
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("labelling")
    batches.write(made / "images.html", batches.images())
    batches.write(made / "texts.html", batches.texts())
    batches.write(made / "many.html", batches.texts(1000, multilabel=False))
    return made


@pytest.fixture
def visit(started: Any, folder: Path) -> Iterator[Any]:
    """Opens a page in a new profile; afterwards none must have complained."""
    opened = []

    def go(name: str, script: str = "", **options: Any) -> Any:
        one = Opened(started, folder / f"{name}.html", **options)
        opened.append(one)
        if script:
            one.context.add_init_script(script)
            one.page.reload()
            one.page.wait_for_selector(READY)
        return one.page

    yield go
    for one in opened:
        assert one.complaints == []
        one.context.close()


def begin(page: Any, name: str = "Ada") -> Any:
    page.fill("#annotator", name)
    page.keyboard.press("Enter")
    page.wait_for_function("() => !asking.open || refused.textContent")
    return page


def press(page: Any, *keys: str, answered: int | None = None) -> None:
    for key in keys:
        page.keyboard.press(key)
    if answered is not None:
        page.wait_for_selector(f"body[data-answered='{answered}']")


def at(page: Any, place: int) -> None:
    page.wait_for_selector(f"body[data-place='{place}']")


def downloaded(page: Any, multilabel: bool = False) -> list[Said]:
    with page.expect_download() as event:
        page.get_by_role("button", name="Download answers").first.click()
    text = Path(event.value.path()).read_bytes().decode("utf-8")
    return csv_table.read(text, "download", multilabel)


def test_keys_answer_and_the_download_is_what_the_campaign_reads(visit: Any) -> None:
    page = begin(visit("images"))
    press(page, "3", "4", "a", "?", "-", answered=5)
    page.get_by_text("All items are answered").wait_for()
    found = downloaded(page)
    assert [(one.labels, one.outcome) for one in found] == [
        (["=1+1"], "labelled"),
        (['żółw, "big"'], "labelled"),
        (["class 6"], "labelled"),
        (None, "unsure"),
        (None, "no-class"),
    ]
    assert {(one.annotator, one.batch) for one in found} == {("Ada", batches.NAME)}
    assert all(0 <= float(one.seconds) < 30 for one in found)
    assert [one.item for one in found] == [one.item for one in batches.images().items]


def test_undo_goes_back_many_steps_also_after_a_reload(visit: Any) -> None:
    page = begin(visit("images"))
    press(page, "1", "2", ".", answered=3)
    page.reload()
    page.wait_for_selector(READY)
    assert not page.locator("#asking").is_visible(), "the name is asked once"
    at(page, 3)
    press(page, "Backspace", "Control+z", answered=1)
    at(page, 1)
    press(page, "Backspace", answered=0)
    press(page, "Backspace")
    page.get_by_text("Nothing to undo").wait_for()


def test_an_earlier_item_is_corrected_by_clicking_it_and_undo_restores_it(visit: Any) -> None:
    page = begin(visit("images"))
    press(page, "1", ".", "?", answered=3)
    page.locator("#filter").select_option("skipped")
    assert page.locator("#items button:visible").count() == 1
    page.locator("#items button:visible").click()
    at(page, 1)
    press(page, "2")
    page.wait_for_selector("#said:has-text('Item 2: dog')")
    assert page.locator("#items button:visible").count() == 0
    for name, count in (("not sure", 1), ("unanswered", 2), ("answered", 3), ("all", 5)):
        page.locator("#filter").select_option(name)
        assert page.locator("#items button:visible").count() == count, name
    press(page, "Backspace")
    page.wait_for_selector("#said:has-text('item 2 is skipped')")


def test_suggestions_are_off_until_switched_on_and_both_is_remembered(visit: Any) -> None:
    page = begin(visit("images"))
    assert not page.locator("#suggestion").is_visible()
    press(page, "Enter", "1", answered=1)
    press(page, "+")
    assert "dog (88 %)" in page.locator("#suggestion").inner_text()
    page.reload()
    page.wait_for_selector(READY)
    assert page.locator("#suggestion").is_visible()
    press(page, "Enter", answered=2)
    press(page, "+", "1", answered=3)
    with page.expect_download() as event:
        page.locator("#download").click()
    rows = Path(event.value.path()).read_text(encoding="utf-8").splitlines()
    assert [row.rpartition(",")[2] for row in rows] == ["suggestion_shown", "no", "yes", "yes"]
    assert ",dog,labelled," in rows[2]
    page.reload()
    page.wait_for_selector(READY)
    assert not page.locator("#suggestion").is_visible()


def test_several_labels_and_none_of_them(visit: Any) -> None:
    page = begin(visit("texts"))
    press(page, "Enter")
    page.get_by_text("= for none of them").wait_for()
    press(page, "3", "1", "2", "2", "Enter", answered=1)
    press(page, "=", answered=2)
    found = downloaded(page, multilabel=True)
    assert [one.labels for one in found] == [["topic 0", "topic 2"], []]
    page.locator("#items button").first.click()
    assert page.locator("#classes [aria-pressed=true]").count() == 2
    page.locator("#classes button").nth(1).click()
    press(page, "Enter")
    page.wait_for_selector("#said:has-text('topic 0, topic 1, topic 2')")


def test_texts_are_shown_as_they_are(visit: Any) -> None:
    page = begin(visit("texts"))
    text = page.locator("#frame .text")
    assert text.evaluate("one => getComputedStyle(one).direction") == "rtl"
    press(page, "ArrowRight")
    at(page, 1)
    assert text.inner_text() == batches.HOSTILE
    assert page.title().startswith("Label topics")


@pytest.mark.parametrize("focused", ["#annotator", "#asking button"])
def test_keys_are_the_page_s_while_the_dialog_that_closed_has_the_focus(
    visit: Any, focused: str
) -> None:
    """As on a slow machine, where the focus moves on only when the next frame is drawn."""
    page = begin(visit("images"))
    send = "(one, key) => one.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}))"
    page.locator(focused).first.evaluate(send, "1")
    page.wait_for_selector("body[data-answered='1']")
    page.locator(focused).first.evaluate(send, " ")
    page.locator("#enlarged img").wait_for()


def test_one_of_a_thousand_classes_is_found_by_typing(visit: Any) -> None:
    page = begin(visit("many"))
    press(page, "/")
    page.keyboard.type("topic 987")
    assert page.locator("#classes button:visible").count() == 1
    press(page, "Enter", answered=1)
    assert downloaded(page)[0].labels == ["topic 987"]


def test_time_stops_when_nobody_is_there(visit: Any) -> None:
    page = visit("images")
    page.clock.install()
    page.reload()
    page.wait_for_selector(READY)
    begin(page)
    page.clock.fast_forward(7_000)
    press(page, "1", answered=1)
    page.clock.fast_forward(3_600_000)
    press(page, "1", answered=2)
    first, second = (float(one.seconds) for one in downloaded(page))
    assert 7 <= first < 15
    assert 60 <= second < 68


def test_a_page_that_is_hidden_does_not_count(visit: Any) -> None:
    page = visit("images")
    page.clock.install()
    page.reload()
    page.wait_for_selector(READY)
    begin(page)
    hide = "hidden => { Object.defineProperty(document, 'hidden', { value: hidden, configurable:"
    hide += " true }); document.dispatchEvent(new Event('visibilitychange')); }"
    page.clock.fast_forward(2_000)
    page.evaluate(hide, True)
    page.clock.fast_forward(30_000)
    page.evaluate(hide, False)
    press(page, "1", answered=1)
    assert 2 <= float(downloaded(page)[0].seconds) < 12


def test_refused_storage_is_said_before_the_first_label_and_downloads_insisted_on(
    visit: Any,
) -> None:
    page = visit("many", REFUSED)
    assert "does not keep your answers" in page.locator("#storage").inner_text()
    begin(page)
    assert page.locator("#warning").is_visible()
    for count in range(9):  # four items: most of them are answered again
        press(page, "12"[count % 2])
    assert not page.locator("#insisting").is_visible()
    press(page, "3")
    page.locator("#insisting").wait_for(state="visible")
    with page.expect_download() as event:
        page.locator("#insisted").click()
    text = Path(event.value.path()).read_text(encoding="utf-8")
    assert len(csv_table.read(text, "download", False)) == 4


def test_answers_outlive_a_full_disk_and_are_kept_once_there_is_room(visit: Any) -> None:
    page = begin(visit("images", FULL))
    press(page, "1", answered=1)
    page.evaluate("window.hasRoom = false")
    press(page, "2", "2", answered=3)
    assert page.locator("#warning").is_visible()
    assert len(downloaded(page)) == 3
    page.evaluate("window.hasRoom = true")
    press(page, "1", answered=4)
    assert not page.locator("#warning").is_visible()
    page.reload()
    page.wait_for_selector(READY)
    assert [one.labels for one in downloaded(page)] == [["cat"], ["dog"], ["dog"], ["cat"]]


def test_two_tabs_add_to_the_same_answers(visit: Any, folder: Path) -> None:
    page = begin(visit("images"))
    other = page.context.new_page()
    other.goto((folder / "images.html").as_uri())
    other.wait_for_selector(READY)
    press(page, "1", answered=1)
    other.wait_for_selector("body[data-answered='1']")
    press(other, "ArrowRight")
    at(other, 1)
    press(other, "2", answered=2)
    page.wait_for_selector("body[data-answered='2']")
    assert [one.labels for one in downloaded(page)] == [["cat"], ["dog"]]


def test_earlier_answers_are_imported_and_never_written_over(visit: Any, tmp_path: Path) -> None:
    page = begin(visit("images"))
    press(page, "1", answered=1)
    rows = ["item,label,outcome,annotator,seconds"]
    rows += ["photos/000.png,dog,,Eve,1", 'photos/001.png,"żółw, ""big""",labelled,Eve,2.5']
    rows += ["photos/002.png,,unsure,Eve,", "photos/003.png,tiger,,Eve,", "photos/004.png,,,,"]
    path = tmp_path / "earlier.csv"
    path.write_text("\ufeff" + "\r\n".join(rows), encoding="utf-8")
    page.locator("#import").set_input_files(path)
    page.wait_for_selector("body[data-answered='3']")
    told = page.locator("#said").inner_text()
    assert "2 answers imported. 1 differ" in told
    assert "1 rows left out: line 5: label “tiger” is not a class" in told
    at(page, 3)
    found = downloaded(page)
    assert [one.labels for one in found] == [["cat"], ['żółw, "big"'], None]
    assert [one.annotator for one in found] == ["Ada", "Eve", "Eve"]


def test_the_large_view_and_a_name_that_would_be_a_formula(visit: Any) -> None:
    page = begin(visit("images"), "=cmd()")
    assert page.locator("#asking").is_visible()
    assert "may not begin with" in page.locator("#refused").inner_text()
    page.fill("#annotator", "Ada")
    page.get_by_role("button", name="Begin").click()
    page.wait_for_function("() => !asking.open")  # the dialog closes after the click
    press(page, "Space")
    page.locator("#enlarged img").wait_for()
    press(page, "Space")
    page.locator("#enlarged img").wait_for(state="hidden")


def test_a_phone_answers_by_touch_without_scrolling_sideways(visit: Any) -> None:
    size = {"width": 390, "height": 844}
    page = visit("images", viewport=size, has_touch=True, is_mobile=True, color_scheme="dark")
    page.fill("#annotator", "Ada")
    page.get_by_role("button", name="Begin").tap()
    page.get_by_role("button", name="dog").tap()
    page.wait_for_selector("body[data-answered='1']")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    heights = page.locator("button:visible").evaluate_all("all => all.map(one => one.offsetHeight)")
    assert min(heights) >= 38
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 27)"


def test_screen_readers_are_told_names_keys_and_states(visit: Any) -> None:
    page = begin(visit("images"))
    assert page.get_by_role("img", name="Item 1 of 5").count() == 1
    assert page.get_by_role("button", name="cat").get_attribute("aria-keyshortcuts") == "1"
    press(page, "1", answered=1)
    assert page.locator("[role=status]").inner_text().startswith("Item 1: cat.")
    assert page.get_by_role("button", name="item 1, cat").count() == 1
    unnamed = "all => all.filter(one => !one.innerText.trim() && !one.ariaLabel).length"
    assert page.locator("button").evaluate_all(unnamed) == 0
