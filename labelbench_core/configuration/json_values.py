"""Dataclasses as JSON values and back, by the type hints of their fields.

What a field may be is said once, by its annotation: dataclasses, tuples and mappings of them, a
union of one with None, and for everything else what `labelbench_core.registry.options` reads in the
signatures of components. A list or an object may be empty only where that is the field's default.
"""

import dataclasses
import functools
import json
import types
import typing
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from labelbench_core.errors import InputError, did_you_mean, listed, shown_key, shown_value
from labelbench_core.registry import options
from labelbench_core.storage.files import Json

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Kind = TypeVar("Kind", bound="DataclassInstance")
UNWRITTEN: Mapping[str, bool] = {"written": False}
"""Metadata of a field that has no place in JSON: it has its default when it is read."""


class _Refused(Exception):
    """What is wrong with a value; `keys` lead to it, the innermost first."""

    def __init__(self, told: str, *keys: str) -> None:
        super().__init__(told)
        self.keys = [*map(shown_key, keys)]


def read_json(kind: type[Kind], text: str, where: str) -> Kind:
    """An instance of a dataclass from JSON text; errors as those of `read`."""
    try:
        given: Json = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: not valid JSON ({error})") from error
    return read(kind, given, where)


def read(kind: type[Kind], given: Json, where: str) -> Kind:
    """An instance of a dataclass from a JSON object with a key for each of its fields.

    Parameters
    ----------
    kind
        A dataclass; fields with a default can be left out. Lists become tuples.
    given
        What `json.loads` gives.
    where
        What the values come from, for the message.

    Raises
    ------
    InputError
        `WHERE: KEY.KEY: VALUE; allowed: …` for the first value that is not allowed.
    """
    try:
        return _instance(kind, given)
    except _Refused as error:
        path = ".".join(reversed(error.keys))
        raise InputError(": ".join([where, *([path] if path else []), str(error)])) from error


def written(value: Any) -> Any:
    """A dataclass as JSON values, from which `read` makes an equal one."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: written(getattr(value, one.name)) for one in _fields(type(value))}
    if isinstance(value, (list, tuple)):
        members = typing.cast("tuple[Any, ...]", value)
        return [written(member) for member in members]
    if isinstance(value, Mapping):
        entries = typing.cast("Mapping[str, Any]", value)
        return {key: written(member) for key, member in entries.items()}
    return value


def _fields(kind: "type[DataclassInstance]") -> Iterator[dataclasses.Field[Any]]:
    return (one for one in dataclasses.fields(kind) if one.metadata.get("written", True))


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind, include_extras=True)


def _instance(kind: type[Kind], given: Json) -> Kind:
    known = {one.name: one for one in _fields(kind)}
    if not isinstance(given, dict):
        raise _refused(given, f"an object with {listed(known)}")
    for key in given:
        if key not in known:
            told = f"unknown key{did_you_mean(key, known)}"
            raise _Refused(f"{told}; allowed: {listed(known)}", key)
    values: dict[str, Any] = {}
    for name, one in known.items():
        default = _default(one)
        if name in given:
            empty = given[name] in ([], {}) and _frozen(given[name]) == default
            values[name] = default if empty else _at(name, _hints(kind)[name], given[name])
        elif default is dataclasses.MISSING:
            raise _Refused(f"missing key; allowed: {listed(known)}", name)
    return kind(**values)


def _default(one: dataclasses.Field[Any]) -> Any:
    """Default of a field; `MISSING` if it has none."""
    made = one.default_factory
    return one.default if made is dataclasses.MISSING else made()


def _at(key: str | int, hint: Any, value: Json) -> Any:
    """The value of a key, or at a place of a list."""
    try:
        return _value(hint, value)
    except _Refused as error:
        error.keys.append(shown_key(str(key)))
        raise


def _value(hint: Any, value: Json) -> Any:
    if _is_dataclass(hint):
        return _instance(hint, value)
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if not _has_dataclass(hint):
        allowed = options.of(hint)
        if not allowed.holds(value):
            raise _refused(value, allowed.words)
        return _frozen(value)
    if origin in (typing.Union, types.UnionType):
        (chosen,) = [one for one in parts if one is not types.NoneType]
        return None if value is None else _value(chosen, value)
    if origin is tuple and parts[1:] == (Ellipsis,):
        if not isinstance(value, list) or not value:
            raise _refused(value, "a non-empty list")
        return tuple(_at(place, parts[0], member) for place, member in enumerate(value))
    if origin is Mapping:
        if not isinstance(value, dict) or not value:
            raise _refused(value, "a non-empty object")
        return {key: _at(key, parts[1], member) for key, member in value.items()}
    raise TypeError(f"fields cannot be {hint}")


def _is_dataclass(hint: Any) -> bool:
    return isinstance(hint, type) and dataclasses.is_dataclass(hint)


def _has_dataclass(hint: Any) -> bool:
    return _is_dataclass(hint) or any(map(_has_dataclass, typing.get_args(hint)))


def _refused(value: Json, allowed: str) -> _Refused:
    return _Refused(f"{shown_value(value)}; allowed: {allowed}")


def _frozen(value: Any) -> Any:
    """JSON values with tuples in place of lists."""
    if isinstance(value, dict):
        entries = typing.cast("dict[str, Any]", value)
        return {key: _frozen(member) for key, member in entries.items()}
    if isinstance(value, list):
        members = typing.cast("list[Any]", value)
        return tuple(_frozen(member) for member in members)
    return value
