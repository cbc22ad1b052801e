"""What an annotation allows, in words and as a test."""

import ast
import math

import numpy as np
import pytest

from labelbench_core.registry import options


def rule(annotation, **names):
    parsed = {name: ast.parse(text, mode="eval").body for name, text in names.items()}
    return options.read(ast.parse(annotation, mode="eval").body, parsed)


@pytest.mark.parametrize(
    ("annotation", "words", "good", "wrong"),
    [
        ("bool", "true, false", [True, False], [0, 1, "true", None]),
        ("int", "a whole number", [0, -3, np.int64(3)], [True, 3.0, "3", None, 2**63, math.nan]),
        (
            "float",
            "a number",
            [0, 0.5, np.float32(2)],
            [True, math.nan, math.inf, "1", 10**400, 5e-324],
        ),
        ("str", "a string of one line", ["", "a b"], [1, "a\n", "\x00", "x" * 1001, None, ["a"]]),
        ("Count", "a whole number of at least 1", [1, 7], [0, -1, 1.0, [1]]),
        ("Share", "a number from 0 to 1", [0, 1, 0.5], [-0.1, 1.1]),
        ("ShareBelow1", "a number of at least 0 and below 1", [0, 0.999], [1, -1e-9]),
        ("Positive | None", "a number above 0 or null", [None, 1e-9], [0, -1, "", False]),
        ("options.Positive", "a number above 0", [1], [0]),
        ('Literal["a", "b"]', "a, b", ["a", "b"], ["c", None, ["a"], 1]),
        ('Literal["a", 1]', "a, 1", ["a", 1], [True, 1.0]),
        ("Mine", "x, y", ["x"], ["z"]),
        ('"Count"', "a whole number of at least 1", [1], [0]),
        (
            "Annotated[int, Interval(ge=-1, lt=5)]",
            "a whole number of at least -1 and below 5",
            [-1, 4],
            [-2, 5],
        ),
        (
            "Sequence[str]",
            "a non-empty list of distinct items, each a string of one line",
            [["a"], ("a", "b")],
            [[], "a", ["a", "a"], [1], None, {"a": 1}],
        ),
        (
            'Annotated[str, Reference("trainers")]',
            "an id of the catalogue's trainers",
            ["a-b"],
            ["", "A", "a\n", ["a"], {"id": "a"}, None],
        ),
    ],
)
def test_what_an_annotation_allows(annotation, words, good, wrong):
    found = rule(annotation, Mine='Literal["x", "y"]')
    assert found.words == words
    assert [value for value in good if not found.holds(value)] == []
    assert [value for value in wrong if found.holds(value)] == []


@pytest.mark.parametrize(
    "annotation",
    [
        "np.ndarray",
        "Callable[[int], int]",
        "open('x')",
        "Annotated[int, print(1)]",
        "Mine",
        "Any",
        "Literal",
        "'Count['",
        "Annotated[int, Interval(min=0)]",
        "Annotated[int, Interval(ge='0')]",
        "Annotated[str, Interval(ge=0)]",
        "tuple[()]",
    ],
)
def test_other_annotations_are_refused_and_run_nothing(annotation):
    with pytest.raises(options.Unreadable) as caught:
        rule(annotation, Mine="Mine")
    told = str(caught.value)
    assert told.startswith("annotation ")
    assert "does not say what a value may be; allowed: bool, int" in told
    assert "Positive" in told
    assert len(told.splitlines()) == 1


def test_without_an_annotation_there_is_no_rule():
    assert options.read(None, {}) is None


def test_a_modules_own_names_come_first():
    assert rule("Count", Count='Literal["few", "many"]').words == "few, many"
    assert rule("Pos | None", Pos="Positive").words == "a number above 0 or null"


def test_options_without_a_rule_are_compared_with_their_default():
    def told(default, value):
        return list(options.errors({"a": value}, {"a": default}, {"a": None}))

    assert told(1.0, 2) == told(("a",), ["b", "c"]) == told(None, object()) == []
    assert told(1.0, "2") == ["options.a: '2'; allowed: a value like its default, 1.0"]
    assert told(1, 2.0)
    assert told(1.0, math.nan)
    assert told(True, 1)
    assert told(("a",), "b")


def test_an_entry_stands_in_the_place_of_an_id_in_jobs_only():
    rules = {"a": rule('Annotated[str, Reference("trainers")]')}
    given = {"a": {"implementation": "supervised"}}
    assert list(options.errors(given, {"a": "b"}, rules, resolved=True)) == []
    assert list(options.errors(given, {"a": "b"}, rules))
