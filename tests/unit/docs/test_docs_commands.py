"""Every command in the pages is one: its module, options, targets and files exist."""

import contextlib
import importlib
import importlib.util
import io
import re
import shlex
import unittest.mock

import pytest

from helpers.project import PROJECT

PAGES = sorted(
    page for folder in (".", "docs", "config") for page in (PROJECT / folder).glob("*.md")
)
PROGRAMS = ("make", "snakemake", "python", "conda", "pip", "git", "ruff", "pre-commit")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"(?<=\n\n)((?: {4,}\S.*\n)+)")
SPAN = re.compile(r"`([^`]+)`")
ASSIGNMENT = re.compile(r"^[A-Z_]+=\S*$")
# What readers put something of their own in the place of.
PLACEHOLDER = re.compile(r"^[A-Z]+$|^my-|^data/|^\[|\]$|^…|^results\.tar\.gz$")
BIN = ".venv/bin/"
CLONE = "~/labelbench/"  # where the pages say that the repository is, seen from another folder
MAKEFILE = (PROJECT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))


def rules():
    files = [PROJECT / "Snakefile", *sorted((PROJECT / "rules").glob("*.smk"))]
    found = (re.findall(r"^rule (\w+):", file.read_text("utf-8"), re.MULTILINE) for file in files)
    return {name for names in found for name in names}


def commands():
    """(page, command as words) of all blocks that are no code of a language, and of inline code."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        found = [content for language, content in FENCE.findall(text) if language in ("", "bash")]
        prose = FENCE.sub("", text)
        found += INDENTED.findall(prose)
        found += [" ".join(span.split()) for span in SPAN.findall(INDENTED.sub("", prose))]
        for line in (line for block in found for line in block.splitlines()):
            for part in re.split(r"&&|\|", line.partition("  #")[0]):
                words = as_words(part)
                if len(words) > 1 and words[0] in PROGRAMS:
                    yield page.name, words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_blocks_of_commands_run_where_only_make_has_installed_something(page):
    """Without a conda environment, `python` and `snakemake` are those of `.venv`."""
    prose = FENCE.sub("", page.read_text(encoding="utf-8"))
    for block in INDENTED.findall(prose):
        if "conda activate" not in block:
            first = [line.split()[0] for line in block.splitlines()]
            assert not {"snakemake", "python", "pip"} & set(first), block


def as_words(text):
    try:
        words = shlex.split(text, comments=True)
    except ValueError:  # a quotation mark in a sentence
        return []
    while words and ASSIGNMENT.match(words[0]):
        words = words[1:]
    return [words[0].removeprefix(CLONE).removeprefix(BIN), *words[1:]] if words else []


COMMANDS = sorted({(page, tuple(words)) for page, words in commands()})


def options_of(module):
    """All that `python -m module --help` names, read from the parser that its `main` makes."""
    output = io.StringIO()
    main = importlib.import_module(module).main
    with (
        contextlib.redirect_stdout(output),
        unittest.mock.patch("sys.argv", [module, "--help"]),
        pytest.raises(SystemExit) as end,
    ):
        main()
    assert end.value.code == 0
    return set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", output.getvalue()))


@pytest.fixture(scope="module")
def snakemake():
    from snakemake.cli import get_argument_parser

    return get_argument_parser()


def option_names(words):
    return {word.partition("=")[0] for word in words if word.startswith("-")}


def check_files(words):
    """Paths of the project that are given to options, or stand alone."""
    for word in (word.removeprefix(CLONE) for word in words):
        if "/" in word and not word.startswith("-") and not PLACEHOLDER.search(word):
            assert (PROJECT / word).exists(), word


def check_snakemake(words, parser):
    known = set(parser._option_string_actions)
    # The Slurm executor's own, which its plug-in brings.
    given = {name for name in option_names(words) if not name.startswith("--slurm-")}
    assert given <= known, given - known
    # Targets stand first, or after an option that takes one value.
    left = list(words)
    while left:
        word = left.pop(0)
        if not word.startswith("-"):
            assert word in rules() or PLACEHOLDER.search(word) or word.startswith("results/"), word
            continue
        action = parser._option_string_actions.get(word)
        if action is None or action.nargs == 0:
            if action is None and left and not left[0].startswith("-"):
                left.pop(0)
            continue
        values = [left.pop(0)] if action.nargs in (None, "?") and left else []
        while action.nargs in ("+", "*") and left and not left[0].startswith("-"):
            values.append(left.pop(0))
        if word in ("--set-resources", "--set-threads"):
            assert {value.split("=")[0].split(":")[0] for value in values} <= rules()
        if word in ("--configfile", "--workflow-profile", "--snakefile"):
            check_files(values)


def check_python(words):
    assert words[0] == "-m", words
    module = words[1]
    if module.split(".")[0] not in ("labelbench_core", "workflow_scripts", "benchmarks"):
        return importlib.util.find_spec(module.split(".")[0])
    main = f"{module}.__main__" if is_package(module) else module
    known = options_of(main)
    # What follows is handed on to Snakemake by the commands that say so.
    assert option_names(words[2:]) <= known, option_names(words[2:]) - known
    check_files(words[2:])
    return main


def is_package(module):
    return PROJECT.joinpath(*module.split("."), "__main__.py").is_file()


def test_blocks_are_python_yaml_or_commands():
    """Those of other languages have tests of their own; the one of JSON is read as a list, too."""
    for page in PAGES:
        for language, content in FENCE.findall(page.read_text(encoding="utf-8")):
            assert language in ("python", "yaml", "json", "bash", "bibtex", "")
            assert language != "json" or page.name == "strategies.md"
            if language in ("bash", ""):
                words = [as_words(line) for line in content.splitlines()]
                assert any(line and line[0] in PROGRAMS for line in words), content


def test_there_are_commands_of_all_kinds():
    assert len(COMMANDS) > 25
    assert {words[0] for _, words in COMMANDS} >= {"make", "snakemake", "python", "conda"}


@pytest.mark.parametrize(
    ("page", "words"), [pytest.param(p, w, id=f"{p}: {' '.join(w)[:60]}") for p, w in COMMANDS]
)
def test_command(page, words, snakemake):
    program, *rest = words
    if program == "make":
        targets = [word for word in rest if not re.match(r"^(-|[A-Z]+=)", word)]
        assert set(targets) <= TARGETS
    elif program == "snakemake":
        check_snakemake(rest, snakemake)
    elif program == "python":
        assert check_python(rest)
    elif program == "conda" and "-f" in rest:
        assert (PROJECT / rest[rest.index("-f") + 1]).is_file()


@pytest.mark.parametrize(
    "command",
    [
        "snakemake --no-such-option",
        "snakemake embedings --cores 2",
        "snakemake --configfile config/no_such.yaml",
        "snakemake --set-threads no_such_rule=2",
    ],
)
def test_a_wrong_call_of_snakemake_would_be_seen(command, snakemake):
    with pytest.raises(AssertionError):
        check_snakemake(shlex.split(command)[1:], snakemake)


def test_a_wrong_option_of_a_command_would_be_seen():
    with pytest.raises(AssertionError):
        check_python(["-m", "workflow_scripts.check_configuration", "--no-such-option"])
