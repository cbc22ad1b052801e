"""`python -m labelbench_core.<kind> --list` and `--describe`."""

import importlib
import os
import subprocess
import sys

import pytest

from helpers.project import PROJECT
from labelbench_core import registry
from labelbench_core.registry import listing

KINDS = list(registry.MAIN_FUNCTION)


def command(kind, *argv):
    return importlib.import_module(f"labelbench_core.{kind}.__main__").main(list(argv))


@pytest.mark.parametrize("kind", KINDS)
def test_the_list_has_a_line_for_every_component(kind, capsys):
    assert command(kind, "--list") == 0
    _, *lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == registry.names(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_description_has_every_option_and_fits_the_terminal(kind, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "72")
    names = registry.names(kind)
    assert command(kind, "--describe", *names) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 72
    for name in names:
        component = registry.describe(kind, name)
        told = listing.description(component, 72)
        assert told in out
        starts = [line.split(maxsplit=1)[0] for line in told.splitlines() if line]
        assert set(component.options) <= set(starts)
        assert starts.count("allowed") == starts.count("default") == len(component.options)
        assert "(not described)" not in told


def test_an_option_is_told_with_all_there_is_to_know():
    rows = {row.name: row for row in listing.option_rows(registry.describe("strategies", "bait"))}
    assert rows["dims"] == listing.OptionRow(
        "dims",
        "a whole number of at least 1",
        "30",
        "LabelBench's",
        "Number of directions that embeddings are projected onto, those of largest extent.",
    )
    assert (rows["method"].allowed, rows["method"].default) == ("greedy, swap", "greedy")


def test_needs_and_paper_are_told(capsys):
    assert command("strategies", "--describe", "margin") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("margin: ")
    assert ["needs", "probabilities"] in [line.split() for line in lines]
    assert any(line.split(maxsplit=1) == ["paper", "Scheffer et al. 2001"] for line in lines)


def test_an_unknown_name_is_one_line_with_those_there_are(capsys):
    assert command("trainers", "--describe", "fixmatch", "nope") == 2
    told = capsys.readouterr()
    assert told.out == ""
    names = ", ".join(registry.names("trainers"))
    assert told.err == f"error: trainers: 'nope': unknown name; allowed: {names}\n"


def test_who_reads_no_further_gets_no_traceback():
    unread, writing = os.pipe()
    os.close(unread)
    command = [sys.executable, "-m", "labelbench_core.datasets", "--describe", "table"]
    told = subprocess.run(command, cwd=PROJECT, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert told.returncode == 0
    assert told.stderr == b""


def test_without_a_request_the_help_is_printed(capsys):
    assert command("proxies") == 2
    assert "--describe" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (1, "1"),
        (0.0, "0.0"),
        ("", '""'),
        (("random", "margin"), "[random, margin]"),
    ],
)
def test_defaults_are_written_as_in_a_catalogue(value, text):
    assert listing.written(value) == text
