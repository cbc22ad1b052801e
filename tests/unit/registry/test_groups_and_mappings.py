"""What a data set says of its groups, and options that are mappings."""

import ast

import pytest

from labelbench_core.registry import info, options

SUMMARY = {"summary": "-"}


@pytest.mark.parametrize("kind", ["datasets", "annotators", "backbones"])
def test_what_is_shown_of_a_component_is_required(kind):
    assert list(info.errors(kind, SUMMARY, {})) == []
    assert list(info.errors(kind, {}, {})) == ["missing key: summary"]


@pytest.mark.parametrize("groups", [True, False, "by"])
def test_groups_are_always_there_never_or_with_an_option(groups):
    assert list(info.errors("datasets", {**SUMMARY, "groups": groups}, {"by": None})) == []


@pytest.mark.parametrize(
    ("kind", "groups", "message"),
    [
        ("datasets", "bye", "groups: 'bye' is not an option; allowed: by"),
        ("datasets", 3, "groups: 3; allowed: true, false or a string"),
        ("strategies", True, "groups: allowed for datasets only"),
    ],
)
def test_what_is_wrong_with_groups_is_told(kind, groups, message):
    required = {"kind": "strategy", "needs": [], "multilabel": True, "deterministic": True}
    given = {**(required if kind == "strategies" else SUMMARY), "groups": groups}
    (line,) = info.errors(kind, given, {"by": None})
    assert line.startswith(message)


@pytest.mark.parametrize("annotation", ["Mapping[str, int]", "Mapping[str, int] | None"])
def test_a_mapping_is_checked_by_its_keys_and_values(annotation):
    allowed = options.read(ast.parse(annotation, mode="eval").body, {})
    assert allowed.holds({"a": 1, "b": 2})
    for wrong in ({}, {"a": "1"}, {1: 1}, {"a": True}, ["a"], "a"):
        assert not allowed.holds(wrong)
    assert allowed.holds(None) == ("None" in annotation)
    assert "a non-empty mapping (each key a string" in allowed.words
