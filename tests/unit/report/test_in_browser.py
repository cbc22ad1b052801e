"""The report in a real browser: clicks, keyboard, downloads, phone, print, without JavaScript.

`.ci/run` fails where these were skipped.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from helpers.browsed_report import FIGURES, download, make_page, rows
from helpers.browsing import Opened, browser
from labelbench_core.report.charts import PALE
from labelbench_core.report.page_data import as_script

HOSTILE = '</script><script>document.title="broken"</script><!--<b>&'


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_page(tmp_path_factory.mktemp("browser"))


@pytest.fixture(scope="module")
def started() -> Iterator[Any]:
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def opened(started: Any, results: Path) -> Opened:
    return Opened(started, results / "report.html", viewport={"width": 1200, "height": 900})


@pytest.fixture
def page(opened: Opened) -> Iterator[Any]:
    """The page as it was when opened; afterwards, it must not have complained."""
    opened.page.get_by_role("button", name="show all").click()
    opened.page.get_by_role("button", name="no highlight").click()
    yield opened.page
    assert opened.complaints == []


def pale(page: Any, figure: str) -> int:
    """How many lines and markers of a figure are pale."""
    return page.locator(f'[data-name="{figure}"] path[opacity="{PALE}"]').count()


def test_all_figures_are_drawn_and_nothing_is_loaded(page: Any, results: Path) -> None:
    for name in FIGURES:
        assert page.locator(f'[data-name="{name}"] svg path').count() > 5, name
    assert page.locator("noscript svg").count() == 0
    first = page.locator('[data-name="label_efficiency"] svg').bounding_box()
    assert first["y"] + 0.6 * first["height"] < 900, "the first screen shows the first figure"
    assert page.locator("#hero-number").inner_text().endswith("×")


def test_the_best_strategies_stand_before_the_highlighted_one(page: Any, results: Path) -> None:
    """How sure that is, too: an experiment's choice of a highlight is no result."""
    leading, sentence = page.locator("#hero-leading"), page.locator("#hero-sentence")
    assert leading.bounding_box()["y"] < sentence.bounding_box()["y"]
    for chosen in ("letters", "digits"):
        page.locator("#choose-data-set").select_option(chosen)
        best = rows(results, "best", dataset=chosen, split="test")
        by_metric = [row for row in best if row["metric"] == "accuracy"]
        assert f"accuracy: {by_metric[0]['strategy']}; " in leading.inner_text()


def test_the_data_set_is_chosen_for_all_figures_and_the_headline(page: Any, results: Path) -> None:
    before = page.locator("#hero-number").inner_text()
    page.locator("#choose-data-set").select_option("letters")
    setting = rows(results, "savings", dataset="letters", split="test", strategy="margin")
    saving = next(row for row in setting if row["definition"] == "at-baseline-level")
    assert f"{float(saving['saving']):.2f}×" in page.locator("#hero-number").inner_text()
    assert "letters" in page.locator("#hero-setting").inner_text()
    page.locator("#choose-split").select_option("pool")
    assert "pool" in page.locator('[data-name="difference"] .unit').inner_text()
    on_pool = rows(results, "savings", dataset="letters", split="pool", strategy="margin")
    saving = next(row for row in on_pool if row["definition"] == "at-baseline-level")
    assert f"{float(saving['saving']):.2f}×" in page.locator("#hero-number").inner_text()
    for name in ("#hero-leading", "#hero-sentence"):
        assert "pool accuracy" in page.locator(name).inner_text()
    page.locator("#choose-data-set").select_option("digits")
    page.locator("#choose-split").select_option("test")
    assert page.locator("#hero-number").inner_text() == before


def test_a_click_highlights_everywhere(page: Any) -> None:
    curves = [name for name in FIGURES if name != "costs"]
    assert [pale(page, name) for name in curves] == [0] * len(curves)
    page.locator(".chip", has_text="badge").click()
    for name in ("label_efficiency", "difference", "label_savings"):
        page.locator(f'[data-name="{name}"] path[opacity="{PALE}"]').first.wait_for(
            state="attached"
        )
    marked = page.locator("tr.highlighted")
    assert marked.count() > 3
    assert all("badge" in text for text in marked.all_text_contents())
    page.locator("#savings td", has_text="coreset").first.click()
    assert page.locator(".chip", has_text="coreset").get_attribute("aria-pressed") == "true"


def test_keyboard_alone_reads_values_and_highlights(page: Any, results: Path) -> None:
    plot = page.locator('[data-name="label_efficiency"] .plot')
    plot.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    told = page.locator('[data-name="label_efficiency"] .readout').inner_text()
    strategy, labels = told.split(" labels: ")[0].split(", ")
    wanted = dict(dataset="digits", split="test", metric="accuracy", strategy=strategy)
    row = next(iter(rows(results, "curves", **wanted, num_labeled=labels.replace(",", ""))))
    mean, half = (100 * float(row[key]) for key in ("mean", "half_width"))
    assert told.endswith(f"{mean:.2f} ± {half:.2f}")
    page.keyboard.press("Enter")
    chip = page.locator(".chip", has_text=strategy)
    assert chip.get_attribute("aria-pressed") == "true"
    chip.focus()
    page.keyboard.press("Space")
    assert chip.get_attribute("aria-pressed") == "false"
    head = page.locator("#savings th").nth(1)
    head.focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"


def test_hovering_shows_value_and_interval(page: Any) -> None:
    plot = page.locator('[data-name="label_efficiency"] svg').first
    plot.scroll_into_view_if_needed()
    point = page.locator('[data-name="label_efficiency"] .mark-symbol path').last
    point.hover(force=True)
    tip = page.locator("#vg-tooltip-element")
    tip.wait_for(state="visible")
    assert "labels" in tip.inner_text()
    assert "±" in tip.inner_text() or " to " in tip.inner_text()
    page.mouse.move(0, 0)


def test_strategies_are_chosen_and_the_data_saved(page: Any, results: Path) -> None:
    page.get_by_role("button", name="only random and margin").click()
    figure = page.locator('[data-name="difference"]')
    head, *found = download(page, figure.get_by_role("button", name="Data (CSV)"))
    wanted = dict(dataset="digits", split="test", metric="accuracy", strategy="margin")
    expected = rows(results, "comparisons", **wanted)
    assert len(found) == len(expected) > 1
    for line, row in zip(found, expected, strict=True):
        values = dict(zip(head, line, strict=True))
        for key, value in values.items():
            if key in ("difference", "low", "high", "p_holm"):
                assert float(value) == pytest.approx(float(row[key]), abs=2e-10), key
            elif key in row and value != row[key]:
                assert float(value) == float(row[key]), key


def test_texts_are_rounded_as_in_the_tables(page: Any) -> None:
    """Halves to even, as Python does, and cut at what can be."""
    values = [0.125, 0.375, 93.125, 2.5, -0.125, 1.005, 93.416, 0.0]
    found = page.evaluate("values => values.map(value => charts.fixed(value, 2))", values)
    assert found == [f"{value:.2f}" for value in values]
    metric = {"scale": 100, "digits": 2, "share": True}
    texts = page.evaluate(
        "metric => [charts.text(.982, .0309, metric, false), charts.text(.01, .002, metric, true)]",
        metric,
    )
    assert texts == ["98.20 (95.11 to 100.00)", "+1.00 ± 0.20"]


def test_tables_are_filtered_and_saved(page: Any) -> None:
    tools = page.locator("#savings .tools:has(input)").first
    table = tools.locator("xpath=following-sibling::*[1]").locator("table")
    count = table.locator("tbody tr:visible").count()
    tools.get_by_label("filter rows").fill("badge")
    shown = table.locator("tbody tr:visible")
    assert 0 < shown.count() < count
    assert all("badge" in text for text in shown.all_text_contents())
    saved = download(page, tools.get_by_label("save as CSV"))
    assert len(saved) == 1 + shown.count()
    tools.get_by_label("filter rows").fill("")
    assert table.locator("tbody tr:visible").count() == count


def test_tables_of_closed_parts_become_elements_when_they_are_opened(page: Any) -> None:
    """Cells of closed parts would take most of the time in which a large page opens."""
    part = page.locator("#curves details").first
    summary = part.locator("summary")
    assert part.locator("td").count() == 0
    page.get_by_role("button", name="badge", exact=True).click()
    summary.click()
    row = part.locator("tr.highlighted")
    row.first.wait_for()
    assert row.count() == part.locator("table").count()
    assert all("badge" in text for text in row.all_text_contents())
    assert part.get_by_label("save as CSV").count() == part.locator("table").count()
    page.get_by_role("button", name="no highlight").click()
    assert row.count() == 0
    cells = part.locator("td").count()
    summary.click()
    summary.click()
    assert part.locator("td").count() == cells, "not made twice"
    summary.click()


@pytest.mark.parametrize("width", [360, 1200])
def test_nothing_is_wider_than_the_screen(started: Any, results: Path, width: int) -> None:
    opened = Opened(started, results / "report.html", viewport={"width": width, "height": 700})
    size = opened.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert size[0] <= size[1]
    opened.page.emulate_media(media="print")
    assert not opened.page.locator("#controls").is_visible()
    assert opened.page.locator(".chip").first.is_visible()
    assert opened.complaints == []
    opened.context.close()


def test_without_javascript_the_drawn_figures_stand_there(started: Any, results: Path) -> None:
    page = results / "report.html"
    opened = Opened(started, page, java_script_enabled=False)
    for name in FIGURES:
        drawn = opened.page.locator(f"#figure-{name} noscript svg")
        assert drawn.count() == 1, name
        assert drawn.is_visible()
    assert "labels of random ÷ labels of margin" in opened.page.locator(".hero").inner_text()
    for part in opened.page.locator("details:has(noscript)").all():
        if not part.locator("table").first.is_visible():
            part.locator("summary").click()
        assert part.locator("table").first.is_visible()
    opened.context.close()


def test_no_text_of_a_user_breaks_the_page(started: Any, results: Path, tmp_path: Path) -> None:
    """Ids are checked where a configuration is read; the page does not rely on it."""
    text = (results / "report.html").read_text(encoding="utf-8")
    start = text.index('id="data">') + len('id="data">')
    end = text.index("</script>", start)
    data = json.loads(text[start:end])
    told = json.dumps(data).replace('"badge"', json.dumps(HOSTILE))
    (tmp_path / "hostile.html").write_text(
        text[:start] + as_script(json.loads(told)) + text[end:], encoding="utf-8"
    )
    opened = Opened(started, tmp_path / "hostile.html")
    assert opened.page.title() == "quickstart: label efficiency"
    assert opened.page.locator(".chip", has_text=HOSTILE).count() == 1
    drawn = opened.page.locator('[data-name="label_savings"] svg').text_content()
    assert HOSTILE[:20] in drawn  # long names are cut there
    opened.page.locator(".chip", has_text=HOSTILE).click()
    assert opened.complaints == []
    opened.context.close()
