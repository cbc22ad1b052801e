"""Coverage of the intervals of orders, stops, classes and balance, on few experiments."""

import pytest

from benchmarks import interval_coverage as coverage
from helpers.project import PROJECT
from labelbench_core.analysis.ranks.rank_correlations import SPEARMAN


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coverage, "EXPERIMENTS", 2_000)
    monkeypatch.setattr(coverage, "ORDERS", 60)
    monkeypatch.setattr(coverage, "DRAWS", 200)


def test_students_interval_covers_where_values_are_nearly_normal() -> None:
    assert coverage.stops(5, 3.0) == pytest.approx(0.95, abs=0.02)
    assert coverage.by_class(5, 100, 0.7) == pytest.approx(0.95, abs=0.02)
    assert coverage.stops(3, 0.3) < 0.7, "seeds that mostly agree"


def test_wilsons_interval_is_that_of_all_numbers_of_seeds() -> None:
    """By hand: with three seeds, 0 to 3 of them stopped all have intervals with a half in them."""
    assert coverage.stopped(3, 0.5) == 1.0


def test_noise_takes_the_true_order_out_of_its_interval() -> None:
    same = coverage.orders(3, 20, 0.5, False, SPEARMAN)
    assert same < 0.2 < coverage.orders(10, 6, 2.0, True, SPEARMAN)
    assert coverage.unrelated(10, 6, 2.0) < 0.1


def test_the_page_has_a_row_for_each_cell() -> None:
    page = (PROJECT / "docs/benchmarks/interval_coverage.md").read_text("utf-8")
    assert coverage.ABOUT.partition(":")[0] in page
    names = ("spearman, 6 strategies, gap 2, same order", "balance: evenness of 200 labels")
    assert all(f"| {name} | 0." in page for name in names)
