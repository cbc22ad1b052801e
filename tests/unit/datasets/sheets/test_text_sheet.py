"""Texts as a list of some of each class, and what a look at a data set of texts says."""

import pytest

from labelbench_core.datasets import __main__ as command
from labelbench_core.datasets import text_table
from labelbench_core.datasets.files.one_line import one_line
from labelbench_core.datasets.sheets.text_sheet import text_lengths, text_sheet

ENTRY = "mine: {implementation: text-table, options: {splits: {pool: pool.tsv, test: test.tsv}}}"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Twenty texts of each of two classes; one of the test is in the pool, under another class."""
    rows = [f"question {number} of  kind {kind}\t{kind}" for number in range(20) for kind in "ab"]
    (tmp_path / "pool.tsv").write_text("\n".join(["text\tlabel", *rows]))
    test = ["text\tlabel", "question 3 of  kind a\tb", f"new {'long ' * 60}\ta"]
    (tmp_path / "test.tsv").write_text("\n".join(test))
    (tmp_path / "mine.yaml").write_text(ENTRY)
    monkeypatch.setenv("LABELBENCH_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_sheet_has_some_texts_of_each_class(folder):
    raw = text_table.load(folder, splits={"pool": "pool.tsv", "test": "test.tsv"})
    lines = text_sheet(raw).splitlines()
    assert (lines[0], lines[9], lines[10]) == ("a", "", "b")
    for kind, part in (("a", lines[1:9]), ("b", lines[11:19])):
        assert len(set(part)) == 8
        assert all(one.startswith("  question ") and one.endswith(f"kind {kind}") for one in part)
    assert text_sheet(raw).splitlines() == lines
    assert next(iter(text_lengths(raw))) == "5 to 61 words, median 5"


def test_a_text_on_one_line_is_cut_where_it_is_long():
    assert one_line("a\n b\tc", 5) == "a b c"
    assert one_line("abc def", 5) == "abc…"
    assert one_line("a\x00b", 9) == r"a\x00b"


def test_the_check_names_texts_and_writes_the_sheet(folder, capsys):
    assert command.main(["--check", "mine.yaml"]) == 0
    told = capsys.readouterr().out
    assert "splits    pool 40 (95.2%), test 2 (4.8%)" in told
    assert "5 to 61 words, median 5" in told
    assert "1 text of test is also in pool, identical in content: pool[6] (a) " in told
    assert 'pool[6] (a) "question 3 of kind a" and test[0] (b) "question 3 of kind a".' in told
    assert "1 text, identical in content, is under two classes" in told
    assert "image" not in told
    assert "sheet     mine-check.txt" in told
    assert (folder / "mine-check.txt").read_text().startswith("a\n  question")
