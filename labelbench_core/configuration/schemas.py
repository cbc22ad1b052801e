"""Configuration checked against a JSON schema: one line for every violation.

Stricter than JSON Schema where YAML and Python would let a mistake pass: neither 3.0 nor `true` is
a whole number, and a number is finite. A pattern's `$` is the end of the text, as in other
languages.
"""

import functools
import json
import operator
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from labelbench_core.errors import did_you_mean, listed, number_hint, shown_key, shown_value
from labelbench_core.registry.options import Interval, is_number, is_whole
from labelbench_core.storage.yaml_files import read_text

_WORDS = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true, false",
    "string": "a string",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}
_NUMBERS = {"integer": is_whole, "number": is_number}


def schema_errors(
    value: Any,
    schema: Path,
    file: Path | str,
    definition: str | None = None,
    unsaid: Collection[str] = (),
) -> list[str]:
    """All places where `value` breaks a schema, as lines that name file, key, value, allowed.

    Parameters
    ----------
    schema
        File of the schema.
    file
        Where the value was read, for the messages.
    definition
        The part of the schema's `$defs` that is meant; None: all of it.
    unsaid
        Keys that the schema knows and that are not named among those allowed.
    """
    validator = _validator(schema, definition)
    lines = [
        line
        for error in validator.iter_errors(value)
        for line in _lines(error, validator.schema, unsaid)
    ]
    # Sorted as text: whole numbers and names stand side by side in paths.
    return [f"{file}: {line}" for line in sorted(lines)]


@functools.cache
def _validator(schema: Path, definition: str | None) -> Any:
    import jsonschema
    from jsonschema import validators

    def is_integer(_: object, value: object) -> bool:
        return is_whole(value)

    def is_any_number(_: object, value: object) -> bool:
        return is_number(value)

    standard = jsonschema.Draft202012Validator
    types = standard.TYPE_CHECKER.redefine_many({"integer": is_integer, "number": is_any_number})
    untyped = cast("Any", validators)  # `extend` is not annotated
    content = json.loads(read_text(schema))

    def reference(validator: Any, name: str, value: Any, _: object) -> Iterator[Any]:
        """As in the library, which would look a definition up by its address at every use."""
        part = functools.reduce(operator.getitem, name.split("/")[1:], content)
        yield from validator.descend(value, part)

    keywords = {"pattern": _pattern, "$ref": reference}
    strict = untyped.extend(standard, keywords, type_checker=types)
    return strict({**content, "$ref": f"#/$defs/{definition}"} if definition else content)


def _pattern(validator: Any, pattern: str, value: Any, schema: Any) -> Iterator[Any]:
    import jsonschema

    ends = pattern.removesuffix("$") + r"\Z" if pattern.endswith("$") else pattern
    if isinstance(value, str) and not re.search(ends, value):
        yield jsonschema.ValidationError("pattern")


def _lines(error: Any, root: Mapping[str, Any], unsaid: Collection[str]) -> Iterator[str]:
    """What is wrong in one place: key, value, what is allowed."""
    keys = [shown_key(key) if isinstance(key, str) else str(key) for key in error.absolute_path]
    start = f"{'.'.join(keys)}: " if keys else ""
    value, schema = error.instance, error.schema
    if error.validator == "additionalProperties" and isinstance(error.validator_value, bool):
        known = schema.get("properties", {})
        allowed = [name for name in known if name not in unsaid]
        for name in (name for name in value if name not in known):
            told = f"{'.'.join([*keys, shown_key(name)])}: unknown key{did_you_mean(name, allowed)}"
            yield f"{told}; allowed: {listed(sorted(allowed))}"
    elif error.validator == "required":
        for name in (name for name in error.validator_value if name not in value):
            allowed = in_words(schema["properties"][name], root)
            yield f"{start}missing key: {name}; allowed: {allowed}"
    elif "propertyNames" in error.absolute_schema_path:
        yield f"{start}{shown_value(value)}; allowed as a key: {in_words(schema, root)}"
    else:
        told = f"{start or 'the file: '}{shown_value(value)}; allowed: {in_words(schema, root)}"
        yield told + number_hint(value, _NUMBERS.get(str(schema.get("type")), _no_number))


def _no_number(_: Any) -> bool:
    return False


def in_words(schema: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    """What a schema allows, in words: its `title` if it has one."""
    if "title" in schema and schema is not root:
        return schema["title"]
    if "$ref" in schema:
        return in_words(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return listed(schema["enum"])
    for alternatives in ("oneOf", "anyOf"):
        if alternatives in schema:
            return " or ".join(in_words(form, root) for form in schema[alternatives])
    kinds: str | list[str] = schema.get("type", "number")
    named = kinds if isinstance(kinds, list) else [kinds]
    return " or ".join(_plain_words(kind, schema, root) for kind in named)


def _plain_words(kind: str, schema: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    words = _WORDS[kind]
    if kind in ("integer", "number"):
        bounds = {"gt": "exclusiveMinimum", "ge": "minimum", "lt": "exclusiveMaximum"}
        bounds["le"] = "maximum"
        return words + Interval(**{key: schema.get(name) for key, name in bounds.items()}).words()
    if kind == "array":
        items = "distinct items" if schema.get("uniqueItems") else "items"
        of = f", each {in_words(schema['items'], root)}" if "items" in schema else ""
        least, most = schema.get("minItems"), schema.get("maxItems")
        if least is not None and least == most:
            return f"{words} of {least} {items}{of}"
        some = words.replace("a list", "a non-empty list") if least else words
        return f"{some} of {items}{of}"
    if kind == "string" and "maxLength" in schema:
        return f"{words} of {schema.get('minLength', 0)} to {schema['maxLength']} characters"
    if kind == "string" and schema.get("minLength"):
        return words.replace("a string", "a non-empty string")
    if kind == "object" and schema.get("minProperties"):
        return f"{words} with at least one key"
    return words
