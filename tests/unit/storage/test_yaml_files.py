"""Files of a configuration are read strictly: one line for everything that is no plain content."""

import pytest

from labelbench_core.errors import InputError
from labelbench_core.storage.yaml_files import MOST_BYTES, parse_yaml, read_yaml

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 1\na: 2", "line 2, column 1: key 'a' occurs twice"),
        ("b:\n  a: 1\n  c: 1\n  a: 2", "line 4, column 3: key 'a' occurs twice"),
        ("1: 2", "line 1, column 1: key '1' is not a string; put it in quotes"),
        ("a: 1\nnull: 2", "line 2, column 1: key 'null' is not a string"),
        ("yes: 2", "key 'yes' is not a string"),
        ("? [a, b]\n: 1", "is not a string"),
        ("<<: {1: 2}", "key '1' is not a string"),
        ("? !!str [a]\n: 1", "key 'a list or mapping' is not a string"),
        ("a: {<<: {b: 1, b: 2}, c: 3}", "line 1, column 16: key 'b' occurs twice"),
        ("a: {<<: [{c: 1}, {b: 1, b: 2}]}", "key 'b' occurs twice"),
        ("x: &x {b: 1}\na:\n  <<: *x\n  <<: {c: 1}", "line 4, column 3: key '<<' occurs twice"),
        (
            "a: !!timestamp abc",
            "line 1, column 4: tag '!!timestamp'; allowed: !!null, !!bool, !!int",
        ),
        ("a: !!set {b}", "tag '!!set'"),
        ("a: !!python/object:os.system b", "tag '!!python/object:os.system'"),
        ("a: !mine b", "tag '!mine'"),
        ("a: !!int abc", "'abc' is not a whole number that can be read"),
        ("a: !!float b", "'b' is not a number that can be read"),
        ("a: !!bool b", "'b' is not true or false"),
        ("a: " + "9" * 5000, "is not a whole number that can be read"),
        ("a: 0x" + "f" * 5000, "is not a whole number that can be read"),
        ("!!map [a]", "a sequence is not a mapping"),
        ("a: 010", "010 would be read in base 8 or 60"),
        ("a: 2024-01-01", "line 1, column 4: 2024-01-01 would be read as a date; put it in quotes"),
        ("a: [2024-01-01 10:00:00]", "would be read as a date; put it in quotes"),
        ("2024-01-01: 1", "key '2024-01-01' is not a string; put it in quotes"),
        ("a: =", "line 1, column 4: = would be read as a special value; put it in quotes"),
        ("a: 1:30", "1:30 would be read in base 8 or 60"),
        (BOMB, "more than 100000 values, with aliases expanded"),
        ("a: &a [*a]", "an alias refers to a value that contains it"),
        ("a: &a {b: {c: *a}}", "an alias refers to a value that contains it"),
        ("a: " + "[" * 5000 + "]" * 5000, "nested more than 40 deep"),
        ("a: [", "not valid YAML: line 2, column 1: while parsing a flow node"),
        ("a:\n\t- b", "not valid YAML: line 2, column 1"),
        ("a: *b", "not valid YAML: line 1, column 4: found undefined alias"),
        ("a: *b" + 9000 * "9", "not valid YAML: line 1, column 4: found undefined alias"),
        ("a: 1\n---\nb: 1", "expected a single document"),
        ("a: b\x07", "not valid YAML: position 4: character '\\x07' is not allowed"),
        ('a: "\\ud800"', "not valid YAML"),
        ("a: b: c", "not valid YAML"),
    ],
)
def test_what_is_refused_is_one_short_line(text, told):
    with pytest.raises(InputError) as caught:
        parse_yaml(text, "my.yaml")
    assert told in str(caught.value)
    assert str(caught.value).startswith("my.yaml: ")
    assert len(str(caught.value)) < 300
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("", None),
        ("a: [0, 0.5, 1.0e+3, -7, 100]", {"a": [0, 0.5, 1000.0, -7, 100]}),
        ("a: '2020-01-01'\nb: '='\nc: 2020-1", {"a": "2020-01-01", "b": "=", "c": "2020-1"}),
        ('a: "010"\nb: !!str 5', {"a": "010", "b": "5"}),
        ("b: &b [1, 2]\nc: *b\nd: *b", {"b": [1, 2], "c": [1, 2], "d": [1, 2]}),
        ("b: &b {x: 1, y: 2}\nc: {<<: *b, y: 3}", {"b": {"x": 1, "y": 2}, "c": {"x": 1, "y": 3}}),
        ("a: {<<: &a {<<: {x: 1}, x: 2}, y: 3}\nb: *a", {"a": {"x": 2, "y": 3}, "b": {"x": 2}}),
        ('{"a": "ä", "b": null, "c": true}', {"a": "ä", "b": None, "c": True}),
    ],
)
def test_what_is_plain_is_read(text, content):
    assert parse_yaml(text, "my.yaml") == content


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (
            "a: ä".encode("latin-1"),
            "line 1, column 4: not UTF-8 text (byte 3); save the file as UTF-8",
        ),
        ("a: 1".encode("utf-16"), "line 1, column 1: not UTF-8 text (byte 0)"),
        (b"a: 1\nb: \xff", "line 2, column 4: not UTF-8 text"),
        (b"#" * (MOST_BYTES + 1), f"{MOST_BYTES + 1} bytes; allowed: at most {MOST_BYTES}"),
    ],
)
def test_other_encodings_are_named(tmp_path, content, told):
    file = tmp_path / "my.yaml"
    file.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_yaml(file)
    assert str(caught.value).startswith(f"{file}: {told}")


def test_files_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.yaml: file not found"):
        read_yaml(tmp_path / "none.yaml")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        read_yaml(tmp_path)
    file = tmp_path / "marked.yaml"
    file.write_bytes("a: ä".encode("utf-8-sig"))
    assert read_yaml(file) == {"a": "ä"}
