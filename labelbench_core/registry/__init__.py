"""Which components exist, read without importing them.

A kind of component is a package of `labelbench_core`; a component is one file in it, named after
the method (`alfa-mix` → `alfa_mix.py`), with a literal `INFO` and one main function whose
keyword-only parameters, all with defaults, are its options. A package outside adds components
through an entry point: group `labelbench.<kind>`, name of the method, value the module. Instead of
a name, entries can give the path of a user's own file (`labelbench_core.registry.own`).
"""

import ast
import functools
import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from labelbench_core.errors import (
    InputError,
    did_you_mean,
    listed,
    raise_all,
    seen_from_here,
    shown,
    shown_value,
)
from labelbench_core.registry import info as component_info
from labelbench_core.registry import options as option_rules
from labelbench_core.registry import own
from labelbench_core.registry.reading import OWN_PACKAGES as OWN_PACKAGES
from labelbench_core.registry.reading import (
    PACKAGE,
    function_at,
    literal,
    meanings,
    parse,
    source_of,
)
from labelbench_core.registry.reading import PROJECT as PROJECT
from labelbench_core.registry.run_by_others import parted, texts_of

MAIN_FUNCTION = {
    "datasets": "load",
    "annotators": "annotate",
    "backbones": "build",
    "proxies": "build",
    "trainers": "build",
    "strategies": "select",
}


@dataclass(frozen=True)
class Component:
    """What is known of a component without importing it.

    Attributes
    ----------
    info
        Its `INFO`; keys that it leaves out, but that have a default, are added.
    options
        The options and their defaults.
    allowed
        What each option may be; None where its annotation does not say.
    remembers
        Whether a strategy has a memory of earlier rounds.
    """

    kind: str
    name: str
    module: str
    path: Path
    info: dict[str, Any]
    summary: str
    options: dict[str, Any]
    allowed: dict[str, option_rules.Allowed | None]
    remembers: bool


def names(kind: str) -> list[str]:
    """Names of all components of a kind, those of outside packages included, sorted."""
    return sorted({*_own(kind), *_plugins(kind)})


def module_name(kind: str, name: str) -> str:
    """The module that implements a component; `InputError` if there is none.

    A file that is no longer a valid component, because its main function or its `INFO` is damaged,
    still counts as the one of its name: reading it gives an error that says what is wrong.
    """
    if own.is_own(name):
        return own.module_of(name)
    if name in _own(kind) or (name in _files(kind) and name not in _plugins(kind)):
        return f"labelbench_core.{kind}.{name.replace('-', '_')}"
    if name in _plugins(kind):
        return _plugins(kind)[name]
    known = names(kind)
    told = f"{kind}: {shown(name)}: unknown name{did_you_mean(name, known)}"
    raise InputError(f"{told}; allowed: {listed(known)}")


def load(kind: str, name: str) -> ModuleType:
    """Import a component."""
    module = module_name(kind, name)
    return own.load(module, kind) if own.is_own(name) else importlib.import_module(module)


def build(kind: str, entry: Mapping[str, Any], *arguments: Any) -> Any:
    """Call the main function of a catalogue entry's component with the entry's options.

    Raises
    ------
    InputError
        If an option is not allowed: the same lines as before any job.
    """
    name, given = entry["implementation"], options_of(entry)
    module = load(kind, name)
    raise_all(f"{kind}: {name}: {line}" for line in option_errors(kind, name, given, resolved=True))
    return getattr(module, MAIN_FUNCTION[kind])(*arguments, **given)


def check(kind: str, entry: Mapping[str, Any], *arguments: Any) -> Any:
    """What the cheap `check` of a catalogue entry's component says; None where it has none.

    Raises
    ------
    InputError
        If the component cannot work with the entry's options, or with what it finds.
    """
    function = getattr(load(kind, entry["implementation"]), "check", None)
    return function(*arguments, **options_of(entry)) if function else None


def options_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The options that an entry of the catalogue gives."""
    return entry.get("options") or {}


def option_errors(
    kind: str, name: str, given: Mapping[str, Any], *, resolved: bool = False
) -> list[str]:
    """A line `options.KEY: VALUE; allowed: …` for everything that is wrong in `given`.

    Beside the signature's annotations, keys of `INFO` say what is allowed: `required`, options that
    must be given, since their default is not valid; `runs`, options that name other strategies; and
    `at_least`, options that may not be smaller than others (a list counts by its length, null for
    nothing).

    Parameters
    ----------
    resolved
        Whether catalogue entries replace ids, as jobs get them.
    """
    component = describe(kind, name)
    allowed = component.allowed
    found = list(option_rules.errors(given, component.options, allowed, resolved=resolved))
    if found:
        return found
    values = {**component.options, **given}
    for option in component.info.get("required", ()):
        if not values[option]:
            rule = allowed[option]
            found.append(f"options.{option}: missing; allowed: {rule.words if rule else 'a value'}")
    for option in component.info.get("runs", ()):
        if option in given:
            found += _unfit(kind, option, values[option])
    for option, other in component.info.get("at_least", {}).items():
        given_size, least = (component_info.size(values[one]) for one in (option, other))
        if given_size is None or least is None or given_size >= least:
            continue
        is_list = isinstance(values[other], (list, tuple))
        which = f"the number of {other}" if is_list else f"that of {other}"
        told = f"options.{option}: {shown_value(values[option])}; allowed: at least {least}"
        found.append(f"{told} ({which})")
    return found


def _unfit(kind: str, option: str, value: option_rules.Value) -> Iterator[str]:
    """A line for each component that cannot be run by another one.

    Broken files are reported only to their users (`component_code.unreadable`).
    """
    for text in texts_of(value):
        try:
            name, given = parted(text)
        except InputError as error:
            yield f"options.{option}: {error}"
            continue
        if is_broken(kind, name):
            continue
        if _can_be_run(kind, name):
            # Its defaults are valid unless options are required.
            wrong = option_errors(kind, name, given)
            yield from (f"options.{option}: {name}: {line}" for line in wrong)
            continue
        fit = [other for other in names(kind) if _can_be_run(kind, other, alone=True)]
        yield (
            f"options.{option}: {shown(text)}; allowed: strategies that select a whole batch at "
            f"once and remember nothing: {listed(fit)}; or an entry before this one, or ./FILE.py"
        )


def use_own(given: str, folder: Path = Path()) -> str:
    """Make the file at `given`, a path from `folder`, known; what entries call it (`own.add`)."""
    before = own.files()
    name = own.add(given, folder)
    if own.files() != before:
        describe.cache_clear()
    return name


def forget_own() -> None:
    """Know no own file any more (`own.forget`)."""
    if own.files():
        describe.cache_clear()
    own.forget()


def exists(kind: str, name: str) -> bool:
    """Whether there is a component of that name, or an own file."""
    return name in own.files() if own.is_own(name) else name in names(kind)


def _can_be_run(kind: str, name: str, *, alone: bool = False) -> bool:
    """Whether another component can run it; `alone`: with its defaults."""
    if not exists(kind, name) or problem_of(kind, name):
        return False
    component = describe(kind, name)
    # A recorded list is read for the strategy that a job runs, for no other.
    if "recorded" in component.info["needs"] or (alone and component.info.get("required")):
        return False
    return component.info["kind"] == "strategy" and not component.remembers


def is_broken(kind: str, name: str) -> bool:
    """Whether a component's file is there and cannot be used."""
    is_there = exists(kind, name) or name in _files(kind)
    return is_there and problem_of(kind, name) is not None


def problem_of(kind: str, name: str) -> str | None:
    """Why a component's file cannot be used, in one line; None if it can."""
    try:
        describe(kind, name)
    except InputError as error:
        return str(error)
    return None


def _required(info: option_rules.Value) -> list[Any]:
    """Options whose defaults need not be valid, as an INFO that is not checked yet names them."""
    names: option_rules.Value = info.get("required") if isinstance(info, dict) else None
    return names if isinstance(names, list) else []


def _shared(info: option_rules.Value, where: str) -> list[tuple[Path, ast.Module, ast.FunctionDef]]:
    """The function whose options a component has beside its own, as its `INFO` says; or none."""
    place: option_rules.Value = info.get("options_of") if isinstance(info, dict) else None
    if not isinstance(place, str):
        return []
    try:
        return [function_at(place)]
    except InputError as error:
        raise InputError(f"{where}: INFO: options_of: {error}") from error


def _options(
    path: Path, tree: ast.Module, function: ast.FunctionDef, required: list[Any]
) -> Iterator[tuple[str, Any, option_rules.Allowed | None]]:
    """The keyword-only parameters of a function: name, default, and what is allowed."""
    stands_for, shown_path = meanings(tree), seen_from_here(path)
    arguments = function.args
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        where = f"{shown_path}: line {argument.lineno}: option {argument.arg}"
        if default is None:
            raise InputError(f"{where}: has no default; allowed: {argument.arg} = VALUE")
        value = literal(default, f"{shown_path}: default of {argument.arg}")
        try:
            rule = option_rules.read(argument.annotation, stands_for)
        except option_rules.Unreadable as error:
            raise InputError(f"{where}: {error}") from error
        if rule and argument.arg not in required and not rule.holds(value):
            raise InputError(f"{where}: default {shown(value)}; allowed: {rule.words}")
        yield argument.arg, value, rule


@functools.cache
def describe(kind: str, name: str) -> Component:
    """Read a component's `INFO`, docstring and options from its source, without importing it.

    Raises
    ------
    InputError
        One line, if its source is not valid Python, or lacks a required description.
    """
    module = module_name(kind, name)
    path = source_of(module)
    tree = parse(path)
    shown_path = seen_from_here(path)
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    stands_for = meanings(tree)
    main = functions.get(MAIN_FUNCTION[kind])
    if main is None:
        signature = component_info.signature(kind, MAIN_FUNCTION[kind])
        raise InputError(
            f"{shown_path}: has no function {MAIN_FUNCTION[kind]}; allowed: def {signature}"
        )
    info: Any = {}
    if own.is_own(name) and "INFO" not in stands_for:
        raise InputError(f"{shown_path}: has no INFO; allowed: INFO = {{…}}, a mapping")
    if "INFO" in stands_for:
        info = literal(stands_for["INFO"], f"{shown_path}: INFO")
    required = _required(info)
    options: dict[str, Any] = {}
    allowed: dict[str, option_rules.Allowed | None] = {}
    shared = _shared(info, shown_path)
    for _, _, function in shared:
        for error in component_info.shared_errors(main, info["options_of"], function):
            raise InputError(f"{shown_path}: {error}")
    for file, source, function in ((path, tree, main), *shared):
        for option, default, rule in _options(file, source, function, required):
            options[option], allowed[option] = default, rule
    for error in component_info.errors(kind, info, options):
        raise InputError(f"{shown_path}: INFO: {error}")
    with_memory = functions.get("select_with_state") if kind == "strategies" else None
    for function in filter(None, (main, with_memory)):
        for error in component_info.parameter_errors(kind, info, function):
            raise InputError(f"{shown_path}: line {function.lineno}: {error}")
    summary = (ast.get_docstring(tree) or "").partition("\n")[0]
    remembers = "select_with_state" in functions
    usual = component_info.DEFAULTS.get(kind, {})
    info |= {key: value for key, value in usual.items() if key not in info}
    return Component(kind, name, module, path, info, summary, options, allowed, remembers)


def components_run(
    kind: str, name: str, options: Mapping[str, Any] | None = None
) -> set[tuple[str, str]]:
    """(kind, name) of a component and of all that it runs by name.

    `INFO["runs"]` lists the options that name other components of its kind, one or several each.
    """
    found: set[tuple[str, str]] = set()
    waiting, seen = [(name, options or {})], set[str]()
    while waiting:
        one, given = waiting.pop()
        component = describe(kind, one)
        found.add((kind, one))
        for option in component.info.get("runs", ()):
            others = {*texts_of(given.get(option, component.options[option]))} - seen
            seen |= others
            waiting += map(parted, sorted(others))
    return found


def needs(strategy: str, options: Mapping[str, Any] | None = None) -> set[str]:
    """Fields of the pool that a strategy, or one that it runs, needs."""
    run = components_run("strategies", strategy, options)
    return {field for component in run for field in describe(*component).info["needs"]}


@functools.cache
def _own(kind: str) -> frozenset[str]:
    """Methods of this package: files of the kind's folder that define its main function."""
    if kind not in MAIN_FUNCTION:
        raise InputError(f"kind of component: {shown(kind)}; allowed: {listed(MAIN_FUNCTION)}")
    start = f"\ndef {MAIN_FUNCTION[kind]}(".encode()
    return frozenset(
        path.stem.replace("_", "-")
        for path in PACKAGE.joinpath(kind).glob("[a-z]*.py")
        if path.is_file()
        and start in (source := b"\n" + path.read_bytes().replace(b"\r\n", b"\n"))
        and b"\nINFO" in source
    )


@functools.cache
def _files(kind: str) -> frozenset[str]:
    """Names of methods from the files of the kind's folder, whatever is in them."""
    folder = PACKAGE / kind
    return frozenset(path.stem.replace("_", "-") for path in folder.glob("[a-z]*.py"))


@functools.cache
def _plugins(kind: str) -> dict[str, str]:
    # Imported here, since few jobs ask, and all would wait for it.
    import importlib.metadata

    points = importlib.metadata.entry_points(group=f"labelbench.{kind}")
    return {point.name: point.value.partition(":")[0] for point in points}
