"""Classes, class balance and money in a real browser: what is chosen, drawn, read and saved."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import mean
from typing import Any

import pytest

from helpers.browsed_report import CLASSES, FIGURES, GROUPS, download, make_page, rows
from helpers.browsing import Opened, browser
from labelbench_core.report.charts import PALE


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_page(tmp_path_factory.mktemp("parts"))


@pytest.fixture(scope="module")
def started() -> Iterator[Any]:
    with browser() as found:
        yield found


@contextmanager
def complaining_of_nothing(started: Any, results: Path) -> Iterator[Any]:
    opened = Opened(started, results / "report.html", viewport={"width": 1200, "height": 900})
    yield opened.page
    assert opened.complaints == []
    opened.context.close()


@pytest.fixture
def page(started: Any, results: Path) -> Iterator[Any]:
    """The page, just opened."""
    with complaining_of_nothing(started, results) as opened:
        yield opened


def saved(page: Any, figure: str) -> list[dict[str, str]]:
    """The rows that *Data (CSV)* saves of a figure."""
    button = page.locator(f'[data-name="{figure}"]').get_by_role("button", name="Data (CSV)")
    head, *lines = download(page, button)
    return [dict(zip(head, line, strict=True)) for line in lines]


def choose(page: Any, figure: str, label: str, value: str) -> None:
    page.locator(f'[data-name="{figure}"] [data-choice="{label}"] select').select_option(value)


def unit(page: Any, figure: str) -> str:
    return page.locator(f'[data-name="{figure}"] .unit').inner_text()


def cell(results: Path, **wanted: str) -> dict[str, str]:
    (row,) = rows(results, "classes", dataset="digits", split="test", **wanted)
    return row


def test_classes_are_those_of_the_table_the_worst_first(page: Any, results: Path) -> None:
    found = saved(page, "classes")
    assert len(found) == 5 * len(CLASSES)
    order = list(dict.fromkeys(row["class"] for row in found))
    last = [cell(results, strategy="margin", num_labeled="400", name=name) for name in CLASSES]
    assert order == [row["name"] for row in sorted(last, key=lambda row: float(row["mean"]))]
    for row in found:
        ids = {"strategy": row["strategy"], "num_labeled": "400", "name": row["class"]}
        expected = cell(results, **ids)
        assert (row["rows"], row["n_seeds"]) == (expected["rows"], expected["n_seeds"])
        for key, name in (("value", "mean"), ("low", "low"), ("high", "high")):
            assert float(row[key]) == pytest.approx(float(expected[name]), abs=2e-6), key


def test_number_of_labels_and_difference_are_chosen(page: Any, results: Path) -> None:
    choose(page, "classes", "labels", "200")
    choose(page, "classes", "show", "difference")
    page.locator('[data-name="classes"] .unit', has_text="less that of random").wait_for()
    found = saved(page, "classes")
    assert {row["strategy"] for row in found} == {"margin", "coreset", "badge", "entropy"}
    for row in found:
        ids = {"strategy": row["strategy"], "num_labeled": "200", "name": row["class"]}
        expected = cell(results, **ids)
        for key, name in (("value", "difference"), ("low", "difference_low")):
            assert float(row[key]) == pytest.approx(float(expected[name]), abs=2e-6), key
    page.locator("#choose-data-set").select_option("letters")
    page.locator('[data-name="classes"] .unit').wait_for()
    assert {row["dataset"] for row in saved(page, "classes")} == {"letters"}
    assert {row["num_labeled"] for row in saved(page, "classes")} == {"200"}


def test_a_split_without_classes_says_so(page: Any) -> None:
    page.locator("#choose-split").select_option("pool")
    for name in ("classes", "class_curves"):
        empty = page.locator(f'[data-name="{name}"] .empty')
        empty.wait_for(state="visible")
    page.locator("#choose-split").select_option("test")
    page.locator('[data-name="classes"] .empty').wait_for(state="hidden")
    assert len(saved(page, "classes")) == 5 * len(CLASSES)


def test_curves_of_a_class_start_with_the_worst_and_follow_the_choice(
    page: Any, results: Path
) -> None:
    worst = saved(page, "classes")[0]["class"]
    assert {row["class"] for row in saved(page, "class_curves")} == {worst}
    other = next(name for name in CLASSES if name != worst)
    choose(page, "class_curves", "class", other)
    page.locator('[data-name="class_curves"] .unit', has_text=f"class {other}").wait_for()
    found = saved(page, "class_curves")
    assert len(found) == 5 * 4
    for row in found:
        ids = {key: row[key] for key in ("strategy", "num_labeled")}
        expected = cell(results, **ids, name=other)
        assert float(row["mean"]) == pytest.approx(float(expected["mean"]), abs=2e-6)


@pytest.mark.parametrize("measure", ["evenness", "distance_to_pool"])
def test_class_balance_has_the_means_over_seeds(page: Any, results: Path, measure: str) -> None:
    choose(page, "class_balance", "measure", measure)
    words = {"evenness": "evenness in %", "distance_to_pool": "distance from the pool in %"}
    page.locator('[data-name="class_balance"] .unit', has_text=words[measure]).wait_for()
    found = saved(page, "class_balance")
    assert len(found) == 5 * 4
    for row in found:
        ids = {key: row[key] for key in ("dataset", "strategy", "num_labeled")}
        seeds = rows(results, "balance.csv", **ids)
        assert row["n_seeds"] == str(len(seeds)) == "3"
        expected = mean(float(seed[measure]) for seed in seeds)
        assert float(row["mean"]) == pytest.approx(expected, abs=2e-6)
    pool = page.locator('[data-name="class_balance"] .mark-rule line[stroke-dasharray="5,2"]')
    assert pool.count() == (1 if measure == "evenness" else 0)


def test_money_is_that_of_the_table_for_every_split(page: Any, results: Path) -> None:
    for split in ("test", "pool"):
        page.locator("#choose-split").select_option(split)
        page.locator('[data-name="money"] .unit', has_text=f"{split}; spent in EUR").wait_for()
        found = saved(page, "money")
        wanted = dict(dataset="digits", split=split, metric="accuracy")
        known = rows(results, "money_curves.csv", **wanted)
        assert len(found) == sum(row["total_cost"] != "" for row in known) > 10
        for row in found:
            ids = {key: row[key] for key in ("dataset", "strategy", "num_labeled", "split")}
            (expected,) = rows(results, "money_curves.csv", **ids, metric="accuracy")
            for key in ("mean", "low", "label_cost", "compute_cost", "total_cost"):
                assert float(row[key]) == pytest.approx(float(expected[key]), abs=2e-4), key


def test_keyboard_reads_classes_and_money(page: Any, results: Path) -> None:
    page.locator('[data-name="classes"] .plot').focus()
    page.keyboard.press("ArrowDown")
    told = page.locator('[data-name="classes"] .readout').inner_text()
    name, strategy = told.split(": ")[0].split(", ")
    value = 100 * float(cell(results, strategy=strategy, num_labeled="400", name=name)["mean"])
    assert f": {value:.2f} ± " in told or f": {value:.2f} (" in told
    assert told.endswith("100 rows")
    page.keyboard.press("Enter")
    assert page.locator(".chip", has_text=strategy).get_attribute("aria-pressed") == "true"
    page.locator('[data-name="money"] .plot').focus()
    page.keyboard.press("ArrowRight")
    assert "EUR spent, 200 labels: " in page.locator('[data-name="money"] .readout').inner_text()


@pytest.mark.parametrize("split", ["test", "shifted"])
def test_groups_are_those_of_the_table_on_every_split(page: Any, results: Path, split: str) -> None:
    page.locator("#choose-split").select_option(split)
    page.locator('[data-name="groups"] .unit', has_text=split).wait_for()
    choose(page, "groups", "labels", "300")
    page.locator('[data-name="groups"] .empty').wait_for(state="hidden")
    found = saved(page, "groups")
    assert [row["group"] for row in found] == ["evening"] * 5 + ["morning"] * 5
    curves = saved(page, "group_curves")
    assert {row["group"] for row in curves} == {"evening"}
    for row in (*found, *curves):
        wanted = {key: row[key] for key in ("dataset", "split", "strategy", "num_labeled")}
        (expected,) = rows(results, "groups", **wanted, name=row["group"])
        assert expected["group"] == str(GROUPS.index(row["group"]))
        value = row["value"] if "value" in row else row["mean"]
        assert float(value) == pytest.approx(float(expected["mean"]), abs=2e-6)
    worst = page.locator("#groups table").first.inner_text()
    assert "shifted" in worst
    (last,) = rows(
        results, "curves", dataset="digits", split=split, metric="worst-group-accuracy",
        strategy="margin", num_labeled="400",
    )  # fmt: skip
    assert f"{100 * float(last['mean']):.2f}" in worst


CURVES = ["label_efficiency", "difference", "class_curves", "class_balance", "money"]


@pytest.fixture(scope="module")
def same_page(started: Any, results: Path) -> Iterator[Any]:
    """One page for tests each of which touches one figure alone."""
    with complaining_of_nothing(started, results) as opened:
        yield opened


@pytest.mark.parametrize("figure", CURVES)
def test_a_line_joins_all_points_of_a_strategy_and_no_point_is_circled(
    same_page: Any, figure: str
) -> None:
    page = same_page
    found = saved(page, figure)
    strategies = {row["strategy"] for row in found}
    paths = page.locator(f'[data-name="{figure}"] .mark-line path')
    drawn = [path.get_attribute("d") or "" for path in paths.all()]
    assert sorted(path.count("L") + 1 for path in drawn) == sorted(
        sum(row["strategy"] == name for row in found) for name in strategies
    )
    assert page.locator(f'[data-name="{figure}"] path[stroke-width="2.5"]').count() == 0
    page.locator(f'[data-name="{figure}"] .plot').focus()
    page.keyboard.press("ArrowRight")
    circle = page.locator(f'[data-name="{figure}"] path[stroke-width="2.5"]')
    circle.first.wait_for(state="attached")
    assert circle.count() == 1


def test_a_highlight_and_a_choice_of_strategies_hold_here_too(page: Any) -> None:
    page.locator(".chip", has_text="badge").click()
    for name in ("classes", "class_curves", "class_balance", "money"):
        pale = page.locator(f'[data-name="{name}"] path[opacity="{PALE}"]').first
        pale.wait_for(state="attached")
    page.get_by_role("button", name="only random and margin").click()
    for name in ("classes", "class_curves", "class_balance", "money"):
        page.wait_for_function(
            "name => !charts.csvOf(name[0], name[1]).some((line) => line.includes('badge'))",
            arg=[name, {"setting": 0, "split": "test", "metric": "accuracy", "balance": "evenness"}
                 | {"class": {"labels": 0, "show": "accuracy", "part": ""}}],
        )  # fmt: skip
        assert {row["strategy"] for row in saved(page, name)} == {"random", "margin"}, name


def test_without_javascript_no_empty_figure_stands_there(started: Any, results: Path) -> None:
    opened = Opened(started, results / "report.html", java_script_enabled=False)
    assert not opened.page.locator("#figure-class_curves").is_visible()
    for name in FIGURES:
        assert opened.page.locator(f"#figure-{name} noscript svg").is_visible(), name
    assert "the worst and the median class" in opened.page.locator("#classes").inner_text()
    opened.context.close()
