"""What a component's options may be: defined once, in the signature of its main function.

An annotation is a type, `Literal[...]`, a union, a sequence, or one of these `Annotated` with an
`Interval` or a `Reference`; the names below stand for frequent ones. `labelbench_core.registry`
reads annotations from the source, without importing it, and uses them to check the values in a
catalogue before any job starts, and the arguments of `build`, `load` and `select`. Names of markers
follow the package `annotated-types`.
"""

import ast
import functools
import math
import numbers
import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeGuard

from labelbench_core.errors import (
    did_you_mean,
    is_denormal,
    listed,
    number_hint,
    shown_key,
    shown_value,
)

ID = re.compile("(?=.{1,100}$)[a-z0-9]+(-[a-z0-9]+)*")
LONGEST_TEXT = 1000
LARGEST = 2**63 - 1  # of a whole number, as arrays hold it
Value = dict[str, Any] | list[Any] | tuple[Any, ...] | str | int | float | bool | None
"""Values of options and of `INFO`: those of YAML, and Python literals."""


@dataclass(frozen=True)
class Interval:
    """Bounds of a number: above `gt`, at least `ge`, below `lt`, at most `le`."""

    gt: float | None = None
    ge: float | None = None
    lt: float | None = None
    le: float | None = None

    def is_of_numbers(self) -> bool:
        """Whether all bounds that are given are numbers."""
        return all(one is None or is_number(one) for one in (self.gt, self.ge, self.lt, self.le))

    def holds(self, value: float) -> bool:
        """Whether a number lies within."""
        return (
            (self.gt is None or value > self.gt)
            and (self.ge is None or value >= self.ge)
            and (self.lt is None or value < self.lt)
            and (self.le is None or value <= self.le)
        )

    def words(self) -> str:
        """The bounds, to stand behind "a number"."""
        if self.ge is not None and self.le is not None:
            return f" from {self.ge} to {self.le}"
        named = (("above", self.gt), ("of at least", self.ge))
        named += (("below", self.lt), ("at most", self.le))
        return " and".join(f" {word} {bound}" for word, bound in named if bound is not None)


@dataclass(frozen=True)
class Reference:
    """An id of the catalogue's file `kind`; jobs get the entry of a trainer in its place."""

    kind: str


Count = Annotated[int, Interval(ge=1)]
Positive = Annotated[float, Interval(gt=0)]
NonNegative = Annotated[float, Interval(ge=0)]
Share = Annotated[float, Interval(ge=0, le=1)]
ShareBelow1 = Annotated[float, Interval(ge=0, lt=1)]
InnerShare = Annotated[float, Interval(gt=0, lt=1)]
PositiveShare = Annotated[float, Interval(gt=0, le=1)]
# Penalty of squared weights, per label: it is finite times any number of labels.
Penalty = Annotated[float, Interval(gt=0, le=1e12)]
# A number of steps, or below 1 a share of all steps.
Steps = Annotated[float, Interval(ge=0)]
Seed = Annotated[int, Interval(ge=0, le=9223372036854775807)]
# Height and width of images, in pixels.
Pixels = Annotated[int, Interval(ge=1, le=8192)]

NAMED: dict[str, Any] = {
    **{"Count": Count, "Positive": Positive, "NonNegative": NonNegative, "Share": Share},
    **{"ShareBelow1": ShareBelow1, "InnerShare": InnerShare, "PositiveShare": PositiveShare},
    **{"Steps": Steps},
    **{"Penalty": Penalty, "Seed": Seed, "Pixels": Pixels},
}
_NAMES: dict[str, Any] = {
    **{one.__name__: one for one in (bool, int, float, str, list, tuple, Interval, Reference)},
    **{"Literal": Literal, "Annotated": Annotated, "Optional": typing.Optional},
    **{"Sequence": Sequence, "Mapping": Mapping, "Union": typing.Union, **NAMED},
}
_NODES = (
    ast.Name, ast.Constant, ast.Subscript, ast.Tuple, ast.List, ast.BinOp, ast.BitOr, ast.Call,
    ast.keyword, ast.UnaryOp, ast.USub, ast.Load, ast.Expression,
)  # fmt: skip


@dataclass(frozen=True)
class Allowed:
    """What a value may be: in words, and as a test. `reference`: the kind that it is an id of."""

    words: str
    holds: Callable[[Any], bool]
    reference: str | None = None


class Unreadable(Exception):
    """An annotation that does not say what a value may be."""

    def __init__(self, annotation: ast.expr) -> None:
        super().__init__(
            f"annotation {shown_key(ast.unparse(annotation))} does not say what a value may be; "
            "allowed: bool, int, float, str, Literal, a union, Sequence, Mapping, tuple, Annotated "
            f"with Interval(gt, ge, lt, le), {', '.join(NAMED)} (from "
            "labelbench_core.registry.options); or none: then values like the default"
        )


def read(annotation: ast.expr | None, names: Mapping[str, ast.expr]) -> Allowed | None:
    """What an annotation allows; None if there is none.

    Parameters
    ----------
    names
        What the module's own names stand for.

    Raises
    ------
    Unreadable
        If it contains anything but types and markers: it could not be checked.
    """
    if annotation is None:
        return None
    try:
        if isinstance(annotation, ast.Name) and annotation.id not in names:
            return _named(annotation.id)
        return of(_evaluated(annotation, names))
    except (_Unknown, TypeError, ValueError, AttributeError, SyntaxError, RecursionError) as error:
        raise Unreadable(annotation) from error


@functools.cache
def _named(name: str) -> Allowed:
    if name not in _NAMES:
        raise _Unknown
    return of(_NAMES[name])


class _Unknown(Exception):
    """A name that is neither a type nor a marker."""


class _Resolved(ast.NodeTransformer):
    """Names of the module replaced by what they stand for, `module.Name` by `Name`."""

    def __init__(self, names: Mapping[str, ast.expr]) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id not in self._names:
            return node
        return self.visit(self._names[node.id])

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        return ast.copy_location(ast.Name(node.attr, ast.Load()), node)


def _evaluated(annotation: ast.expr, names: Mapping[str, ast.expr]) -> Any:
    """The value of an annotation that is made of known names only: nothing else is run."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        annotation = ast.parse(annotation.value, mode="eval").body
    # Through text, so that the module's own tree stays as it is.
    tree = _Resolved(names).visit(ast.parse(ast.unparse(annotation), mode="eval"))
    for node in ast.walk(tree):
        known = not isinstance(node, ast.Name) or node.id in _NAMES
        if not isinstance(node, _NODES) or not known:
            raise _Unknown
        if isinstance(node, ast.Call) and not (
            isinstance(node.func, ast.Name) and node.func.id in ("Interval", "Reference")
        ):
            raise _Unknown
    code = compile(ast.fix_missing_locations(tree), "<annotation>", "eval")
    return eval(code, {"__builtins__": {}}, _NAMES)


def of(kind: Any) -> Allowed:
    """What a type, as annotations have it, allows; `TypeError` for others."""
    if kind is None or kind is type(None):
        return Allowed("null", lambda value: value is None)
    if kind in _PLAIN:
        return _PLAIN[kind]
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        return Allowed(listed(parts), lambda value: any(_same(value, one) for one in parts))
    if origin in (typing.Union, types.UnionType):
        return _any_of([of(one) for one in parts])
    if origin is tuple and parts[1:] not in ((), (Ellipsis,)):
        return _row_of([of(one) for one in parts])
    if origin in (Sequence, list, tuple) and parts:
        return _list_of(of(parts[0]))
    if origin is Mapping:
        return _mapping_of(of(parts[0]), of(parts[1]))
    if origin is Annotated:
        result = of(parts[0])
        for marker in parts[1:]:
            result = _marked(result, parts[0], marker)
        return result
    raise TypeError(f"options cannot be {kind}")


def is_number(value: Any, kind: type = numbers.Real) -> TypeGuard[float]:
    """Whether a value is a finite number that is the same to every process; booleans are not."""
    return is_finite(value, kind) and not is_denormal(value)


def is_finite(value: Any, kind: type = numbers.Real) -> TypeGuard[float]:
    """Whether a value is a finite number; booleans are not."""
    if not _is_of(value, kind):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def is_whole(value: Any) -> bool:
    """Whether a value is a whole number that arrays can hold; 3.0 is not."""
    return _is_of(value, numbers.Integral) and -LARGEST <= value <= LARGEST


def _is_of(value: Any, kind: type) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def is_text(value: Any) -> bool:
    """Whether a value is a string of one line."""
    return isinstance(value, str) and value.isprintable() and len(value) <= LONGEST_TEXT


_PLAIN: dict[Any, Allowed] = {
    bool: Allowed("true, false", lambda value: isinstance(value, bool)),
    int: Allowed("a whole number", is_whole),
    float: Allowed("a number", is_number),
    str: Allowed("a string of one line", is_text),
}


def _same(value: Any, other: Any) -> bool:
    return type(value) is type(other) and value == other


def _any_of(forms: Sequence[Allowed]) -> Allowed:
    return Allowed(
        " or ".join(form.words for form in forms),
        lambda value: any(form.holds(value) for form in forms),
        next((form.reference for form in forms if form.reference), None),
    )


def _list_of(member: Allowed) -> Allowed:
    def holds(value: Value) -> bool:
        if not isinstance(value, (list, tuple)) or not value:
            return False
        return all(map(member.holds, value)) and len(set(map(_hashable, value))) == len(value)

    return Allowed(
        f"a non-empty list of distinct items, each {member.words}", holds, member.reference
    )


def _hashable(member: Value) -> Value:
    """A member of a list, as a member of a set: rows come as lists."""
    return tuple(member) if isinstance(member, list) else member


def _row_of(members: Sequence[Allowed]) -> Allowed:
    """A list with a place for each of `members`; values may repeat."""

    def holds(value: Value) -> bool:
        if not isinstance(value, (list, tuple)) or len(value) != len(members):
            return False
        return all(one.holds(part) for one, part in zip(members, value, strict=True))

    words = [member.words for member in members]
    of = f", each {words[0]}" if len(set(words)) == 1 else f" ({'; '.join(words)})"
    return Allowed(f"a list of {len(members)}{of}", holds)


def _mapping_of(keys: Allowed, values: Allowed) -> Allowed:
    def holds(value: Value) -> bool:
        if not isinstance(value, Mapping) or not value:
            return False
        return all(map(keys.holds, value)) and all(map(values.holds, value.values()))

    return Allowed(f"a non-empty mapping (each key {keys.words}, each value {values.words})", holds)


def _marked(plain: Allowed, kind: Any, marker: Any) -> Allowed:
    if isinstance(marker, Interval) and kind in (int, float) and marker.is_of_numbers():
        return Allowed(
            plain.words + marker.words(),
            lambda value: plain.holds(value) and marker.holds(value),
        )
    if isinstance(marker, Reference) and kind is str:
        words = f"an id of the catalogue's {marker.kind}"
        return Allowed(
            words,
            lambda value: isinstance(value, str) and bool(ID.fullmatch(value)),
            marker.kind,
        )
    raise TypeError(f"{marker} does not go with {kind}")


def errors(
    given: Mapping[str, Any],
    defaults: Mapping[str, Any],
    allowed: Mapping[str, Allowed | None],
    *,
    resolved: bool = False,
    what: str = "options",
) -> Iterator[str]:
    """A line `options.KEY: VALUE; allowed: …` for every option that is unknown or not allowed.

    Parameters
    ----------
    given
        Options and their values.
    defaults, allowed
        Defaults and allowed values of all options.
    resolved
        Whether entries of the catalogue may stand in place of ids.
    what
        Key of the entry that holds them.
    """
    for key, value in given.items():
        rule = allowed.get(key)
        if key not in defaults:
            hint = did_you_mean(key, defaults)
            told = f"{what}.{shown_key(key)}: unknown option{hint}"
            yield f"{told}; allowed: {listed(sorted(defaults))}"
        elif rule is None:
            if not is_like(value, defaults[key]):
                like = f"a value like its default, {shown_value(defaults[key])}"
                yield f"{what}.{key}: {shown_value(value)}; allowed: {like}"
        elif resolved and rule.reference and isinstance(value, Mapping):
            continue
        elif not rule.holds(value):
            hint = number_hint(value, rule.holds)
            yield f"{what}.{key}: {shown_value(value)}; allowed: {rule.words}{hint}"


def is_like(value: Value, default: Value) -> bool:
    """Whether a value has the type of its default; None as default allows anything."""
    if default is None:
        return True
    if isinstance(default, (list, tuple)):
        first = default[0] if default else None
        return isinstance(value, (list, tuple)) and all(is_like(one, first) for one in value)
    plain = _PLAIN.get(type(default))
    return plain.holds(value) if plain else type(value) is type(default)
