"""Source files, found and read without importing anything."""

import ast
import functools
import importlib.util
from pathlib import Path
from typing import Any

from labelbench_core.errors import InputError, listed, seen_from_here, shown
from labelbench_core.registry import own
from labelbench_core.registry.own import OWN_PACKAGES as OWN_PACKAGES

PACKAGE = Path(__file__).resolve().parents[1]
PROJECT = PACKAGE.parent


@functools.cache
def parse(path: Path) -> ast.Module:
    """A source file's syntax tree; `InputError`, one line, if it is not valid Python.

    Parsed once per process: the tree must not be changed.
    """
    try:
        return ast.parse(path.read_bytes(), filename=str(path))
    except OSError as error:
        raise InputError(f"{seen_from_here(path)}: cannot be read: {error.strerror}") from error
    except SyntaxError as error:
        line = f": line {error.lineno}" if error.lineno else ""
        raise InputError(f"{seen_from_here(path)}{line}: not valid Python: {error.msg}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise InputError(f"{seen_from_here(path)}: not valid Python: {error}") from error


def source_of(module: str) -> Path:
    """The source file of a module, found without importing anything."""
    first, *rest = module.split(".")
    if first in OWN_PACKAGES:
        folders = [PROJECT / first]
    elif first == own.PACKAGE:
        folder, rest = own.folder_of(module), rest[1:]
        folders = [folder] if folder and rest else []
    else:
        try:
            spec = importlib.util.find_spec(first)
        except (ImportError, ValueError):
            spec = None
        folders = [Path(folder) for folder in (spec and spec.submodule_search_locations) or ()]
        if spec and spec.origin and not rest:
            return Path(spec.origin)
    for folder in folders:
        base = folder.joinpath(*rest)
        if base.is_dir():
            return base / "__init__.py"
        if base.with_suffix(".py").is_file():
            return base.with_suffix(".py")
    if first in OWN_PACKAGES:
        return PROJECT.joinpath(first, *rest).with_suffix(".py")
    raise InputError(f"module {module!r} of a plug-in package cannot be found")


def literal(node: ast.expr, where: str) -> Any:
    """The value of a literal; `InputError`, naming `where`, if it is none."""
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError) as error:
        line = f"{where}: line {node.lineno}"
        raise InputError(
            f"{line}: not a literal, as needed to read it without importing the file"
        ) from error


def meanings(tree: ast.Module) -> dict[str, ast.expr]:
    """What names of a module stand for: what is assigned to them, or imported as another name."""
    found: dict[str, ast.expr] = {}
    for node in tree.body:
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name):
                found[target.id] = node.value
        elif isinstance(node, ast.ImportFrom):
            for one in node.names:
                if one.asname not in (None, one.name):
                    found[one.asname] = ast.Name(one.name, ast.Load())
    return found


def function_at(place: str) -> tuple[Path, ast.Module, ast.FunctionDef]:
    """The function MODULE:FUNCTION with its file; `InputError` if there is none."""
    module, _, name = place.partition(":")
    path = source_of(module)
    if not path.is_file():
        raise InputError(f"{shown(place)}: no module {module}; allowed: MODULE:FUNCTION")
    tree = parse(path)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return path, tree, node
    known = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    raise InputError(f"{seen_from_here(path)}: has no function {name}; allowed: {listed(known)}")
