"""Every number of a measurement in README and docs/results.md says where it comes from."""

import pytest

from docs import make_results as results
from docs import stated_numbers


@pytest.fixture
def page(tmp_path, monkeypatch):
    """A page beside the others from which numbers are quoted."""
    monkeypatch.setattr(stated_numbers, "DOCS", tmp_path)
    (tmp_path / "speed.md").write_text("| margin | 66.97 ± 1.54 | .759 | 1,234.5 |\n")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Margin has 81.5.", ["line 1: 81.5"]),
        ("A share of .815 is more.", ["line 1: .815"]),
        ("One line,\nand −0.9 ± 5", ["line 2: 0.9", "line 2: ±"]),
        ("It was 36 % there.", ["line 1: 36"]),
        ("some 45\n% of it", ["line 1: 45"]),
        ("took 1,234.5 s", ["line 1: 1,234.5"]),
        ("saves (1.5 to 2.0)", ["line 1: 1.5", "line 1: 2.0"]),
        ("<!-- value: some/test/margin/20 -->81.5 ± 0.3<!-- end --> and 7.1", ["line 1: 7.1"]),
    ],
)
def test_a_number_without_a_source_is_found_with_its_line(text, found):
    assert list(stated_numbers.unmarked(text)) == found


@pytest.mark.parametrize(
    "text",
    [
        "<!-- value: some/test/margin/20 -->81.5 ± 0.3<!-- end -->",
        "<!-- measured: make bench -->4.7 %\nand 2.0 %<!-- end -->",
        "<!-- results: some/test -->\n| margin | 81.5 ± 0.3 |\n<!-- end -->",
        "mean ± half the width of the 95 % interval, at the 5\n% level with 80 % power",
        "Python 3.11 and torch 2.15, arXiv 2306.09910, `--noise 0.1`, [page](docs/v1.2.md)",
        "    make demo RATE=0.5\n",
        "1,000 labels, 10 classes, 96 px, seed 1234, EfficientNet-Lite0, CIFAR-10N",
    ],
)
def test_what_is_marked_and_what_is_no_measurement_is_left_alone(text):
    assert list(stated_numbers.unmarked(text)) == []


@pytest.mark.parametrize("text", ["67.0 and 1.5", "66.97", ".76", "1235", "1,234.5"])
def test_a_quoted_number_is_a_rounding_of_one_of_the_page(page, text):
    quote = f"<!-- quoted: speed.md -->{text}<!-- end -->"

    assert list(stated_numbers.misquoted(quote)) == []
    assert list(stated_numbers.unmarked(quote)) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<!-- quoted: speed.md -->66.9<!-- end -->", "66.9 is not in speed.md"),
        ("<!-- quoted: gone.md -->66.97<!-- end -->", "66.97 is not in gone.md"),
    ],
)
def test_other_numbers_are_misquoted(page, text, said):
    assert list(stated_numbers.misquoted(f"\n{text}")) == [f"line 2: quoted: {said}"]


def test_numbers_of_no_table_are_counted_by_what_measured_them():
    text = "<!-- measured: make bench -->4.7 % (2.0 %)<!-- end -->"
    text += "<!-- measured: make demo -->3.1<!-- end --><!-- measured: make bench -->.5<!-- end -->"

    assert stated_numbers.measured(text) == {"make bench": 3, "make demo": 1}


def test_a_number_without_a_source_is_an_error(tmp_path, monkeypatch, capsys):
    page = tmp_path / "results.md"
    monkeypatch.setattr(results, "DOCS", tmp_path / "docs")
    monkeypatch.setattr(results, "PAGES", (page,))
    monkeypatch.setattr(results, "changed_code", dict)
    sourced = "<!-- measured: make bench -->4.7 s<!-- end -->"
    page.write_text(f"Margin has {sourced}.\n")
    assert results.main(["--check"]) == 0
    assert "results.md: 1 numbers of no kept table: make bench\n" in capsys.readouterr().out
    page.write_text(f"Margin has {sourced},\nand 81.5.\n")
    assert results.main(["--check"]) == 1
    assert "results.md: line 2: 81.5: of no table; allowed: marked as" in capsys.readouterr().out
