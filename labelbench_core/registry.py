"""Which components exist, read without importing them.

A kind of component is a package of `labelbench_core`; a component is one file in it, named after
the method (`alfa-mix` → `alfa_mix.py`), with a literal `INFO` and one main function whose
keyword-only parameters, all with defaults, are its options. A package outside adds components
through an entry point: group `labelbench.<kind>`, name of the method, value the module.
"""

import argparse
import ast
import functools
import importlib
import importlib.metadata
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from labelbench_core.errors import InputError

PROJECT = Path(__file__).resolve().parents[1]
OWN_PACKAGES = ("labelbench_core", "workflow_scripts")
MAIN_FUNCTION = {
    "datasets": "load",
    "backbones": "build",
    "proxies": "build",
    "trainers": "build",
    "strategies": "select",
}


@dataclass(frozen=True)
class Component:
    """What is known of a component without importing it.

    `options` have their defaults as values; those in `can_be_none` may also be None.
    """

    kind: str
    name: str
    module: str
    path: Path
    info: dict[str, Any]
    summary: str
    options: dict[str, Any]
    can_be_none: frozenset[str]


def names(kind: str) -> list[str]:
    """Names of all components of a kind, those of outside packages included, sorted."""
    return sorted({*_own(kind), *_plugins(kind)})


def module_name(kind: str, name: str) -> str:
    """The module that implements a component; `InputError` if there is none."""
    if name in _own(kind):
        return f"labelbench_core.{kind}.{name.replace('-', '_')}"
    if name in _plugins(kind):
        return _plugins(kind)[name]
    raise InputError(f"{kind}: no method {name!r}; there are: {', '.join(names(kind))}")


def load(kind: str, name: str) -> ModuleType:
    """Import a component."""
    return importlib.import_module(module_name(kind, name))


@functools.cache
def describe(kind: str, name: str) -> Component:
    """Read a component's `INFO`, docstring and options from its source, without importing it."""
    module = module_name(kind, name)
    path = source_of(module)
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    info: dict[str, Any] = {}
    options: dict[str, Any] = {}
    can_be_none: set[str] = set()
    for node in tree.body:
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and _target(node) == "INFO" and node.value:
            info = ast.literal_eval(node.value)
        if isinstance(node, ast.FunctionDef) and node.name == MAIN_FUNCTION[kind]:
            for argument, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
                options[argument.arg] = None if default is None else ast.literal_eval(default)
                if argument.annotation and "None" in ast.unparse(argument.annotation):
                    can_be_none.add(argument.arg)
    summary = (ast.get_docstring(tree) or "").partition("\n")[0]
    return Component(kind, name, module, path, info, summary, options, frozenset(can_be_none))


def components_run(
    kind: str, name: str, options: Mapping[str, Any] | None = None
) -> set[tuple[str, str]]:
    """(kind, name) of a component and of all that it runs by name.

    `INFO["runs"]` lists the options that name other components of its kind, one or several each.
    """
    component = describe(kind, name)
    found = {(kind, name)}
    for option in component.info.get("runs", ()):
        value = (options or {}).get(option, component.options[option])
        for other in [value] if isinstance(value, str) else value:
            found |= components_run(kind, other)
    return found


def source_of(module: str) -> Path:
    """The source file of a module, found without importing more than its parent packages."""
    if module.partition(".")[0] in OWN_PACKAGES:
        base = PROJECT.joinpath(*module.split("."))
        return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise InputError(f"module {module!r} of a plug-in package cannot be found")
    return Path(spec.origin)


def print_list(kind: str, columns: tuple[str, ...]) -> None:
    """Print a table of all components of a kind; `columns` are keys of their `INFO`."""
    rows = [("id", *columns, "options")]
    for name in names(kind):
        component = describe(kind, name)
        values = (_plain(component.info.get(column, "")) for column in columns)
        rows.append((name, *values, _plain([f"{k}={v}" for k, v in component.options.items()])))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print(
            "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        )


def list_command(kind: str, columns: tuple[str, ...], argv: list[str] | None) -> int:
    """`python -m labelbench_core.<kind> --list`; the exit status."""
    parser = argparse.ArgumentParser(prog=f"python -m labelbench_core.{kind}")
    parser.add_argument("--list", action="store_true", help=f"print all {kind}, one a line")
    if not parser.parse_args(argv).list:
        parser.print_help()
        return 2
    print_list(kind, columns)
    return 0


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "-"
    return str(value) or "-"


def _target(node: ast.Assign | ast.AnnAssign) -> str | None:
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    return target.id if isinstance(target, ast.Name) else None


@functools.cache
def _own(kind: str) -> frozenset[str]:
    """Methods of this package: files of the kind's folder that define its main function."""
    if kind not in MAIN_FUNCTION:
        raise InputError(f"no kind of component {kind!r}; there are: {', '.join(MAIN_FUNCTION)}")
    start = f"def {MAIN_FUNCTION[kind]}("
    return frozenset(
        path.stem.replace("_", "-")
        for path in Path(__file__).resolve().parent.joinpath(kind).glob("[a-z]*.py")
        if any(line.startswith(start) for line in path.read_text(encoding="utf-8").splitlines())
        and "\nINFO" in path.read_text(encoding="utf-8")
    )


@functools.cache
def _plugins(kind: str) -> dict[str, str]:
    points = importlib.metadata.entry_points(group=f"labelbench.{kind}")
    return {point.name: point.value.partition(":")[0] for point in points}
