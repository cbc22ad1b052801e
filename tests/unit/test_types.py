"""Exceptions of the type checker: known errors only decrease; ignore comments give a reason."""

import json
import re
import tokenize
import tomllib

import pytest

from helpers.project import PROJECT

# Errors in the baseline. After fixing some, lower this number; never raise it.
KNOWN_ERRORS = 86
BASELINE = json.loads((PROJECT / ".basedpyright" / "baseline.json").read_text(encoding="utf-8"))
SETTINGS = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
    "basedpyright"
]
FILES = sorted(
    path
    for package in ("labelbench_core", "workflow_scripts", "docs", "tests", "benchmarks")
    for path in (PROJECT / package).rglob("*.py")
)
SAYS_WHY = re.compile(r"# (type|pyright): ignore\[[\w, -]+\]  # \S.*")


def wrong_comments(path):
    """Comments that silence the checker without rule or reason, or change rules for a file."""
    if not re.search(r"#.*(type|pyright):", path.read_text(encoding="utf-8")):
        return []
    with tokenize.open(path) as file:
        comments = [
            token.string
            for token in tokenize.generate_tokens(file.readline)
            if token.type == tokenize.COMMENT
        ]
    return [
        comment
        for comment in comments
        if re.match(r"#+\s*(type:\s*ignore|(based)?pyright:)", comment)
        and not SAYS_WHY.fullmatch(comment)
    ]


def strict_files_among(names, strict):
    """Those of `names`, paths as in the baseline, that a strict file or folder covers."""
    return [
        name
        for name in names
        if any(f"{name.removeprefix('./')}/".startswith(f"{part}/") for part in strict)
    ]


def test_strict_parts_are_there_and_have_no_known_errors():
    strict = SETTINGS["strict"]
    packages = ("configuration", "registry", "selection", "storage")
    assert {*(f"labelbench_core/{name}" for name in packages)} < set(strict)
    assert [part for part in strict if not (PROJECT / part).exists()] == []
    assert strict_files_among(BASELINE["files"], strict) == []


def test_a_strict_file_with_known_errors_is_found():
    names = ["./core/storage/files.py", "./core/storage_of_others.py", "./core/registry.py"]
    assert strict_files_among(names, ["core/storage"]) == names[:1]
    assert strict_files_among(names, ["core/registry.py"]) == names[2:]


def test_known_errors_only_decrease():
    assert sum(map(len, BASELINE["files"].values())) == KNOWN_ERRORS
    assert [name for name in BASELINE["files"] if not (PROJECT / name).is_file()] == []


def test_make_lint_checks_types_and_does_not_rewrite_the_baseline():
    assert "/basedpyright --baselinemode=lock\n" in (PROJECT / "Makefile").read_text()


def test_ignore_comments_name_the_rule_and_give_a_reason():
    assert len(FILES) > 400
    assert {path: found for path in FILES if (found := wrong_comments(path))} == {}


@pytest.mark.parametrize(
    ("comment", "is_wrong"),
    [
        ("# type: ignore", True),
        ("# type:ignore[misc]", True),
        ("# type: ignore[misc]", True),
        ("# pyright: ignore  # it is so", True),
        ("# pyright: ignore[reportIndexIssue]", True),
        ("# pyright: basic", True),
        ("# pyright: reportIndexIssue=false", True),
        ("# pyright: ignore[reportIndexIssue]  # filled in by the line before", False),
        ("# the type: ignored here", False),
    ],
)
def test_comments_without_rule_or_reason_are_found(tmp_path, comment, is_wrong):
    file = tmp_path / "module.py"
    file.write_text(f"x = [][0]  {comment}\n")
    assert wrong_comments(file) == ([comment] if is_wrong else [])
