"""Names that a module has once it is imported, read from its source."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

from labelbench_core.registry.reading import parse

OF_ALL = frozenset(
    {
        *("__name__", "__doc__", "__file__", "__path__", "__spec__", "__loader__", "__package__"),
        *("__dict__", "__builtins__", "__annotations__", "__cached__", "__all__"),
    }
)
"""Names that every module has, or is not asked about."""
# Code that can make names which are written nowhere.
_MAKERS = frozenset({"globals", "vars", "locals", "exec", "eval", "setattr", "__import__"})
_HOLDERS = frozenset({"modules", "__dict__"})
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def names_in(
    path: Path,
    imported: Callable[[ast.ImportFrom], Path | None],
    seen: frozenset[Path] = frozenset(),
) -> set[str] | None:
    """Names that a module can have, whichever of its branches runs; None if they cannot be told.

    Parameters
    ----------
    path
        Its source; a package without `__init__.py` has no names of its own.
    imported
        The source of what `from MODULE import *` in it means; None if that is not to be read.
    seen
        Modules that are being read, which import each other.

    Raises
    ------
    InputError
        If a source is not valid Python.
    """
    if path in seen:
        return set()
    if not path.is_file():
        return set(OF_ALL)
    tree, found = parse(path), set(OF_ALL)
    for node in ast.walk(tree):
        # In functions, too: `global` makes names of the module, and so may these.
        if isinstance(node, ast.Global):
            found.update(node.names)
        elif getattr(node, "id", "") in _MAKERS or getattr(node, "attr", "") in _HOLDERS:
            return None
    for node in _at_import(tree):
        if isinstance(node, ast.ImportFrom) and any(one.name == "*" for one in node.names):
            source = imported(node)
            others = source and names_in(source, imported, seen | {path})
            if others is None:
                return None
            found |= others
        found.update(_made_by(node))
    return None if "__getattr__" in found else found


def _at_import(node: ast.AST) -> Iterator[ast.AST]:
    """What runs when a module is imported: all but the bodies of functions and classes."""
    yield node
    if isinstance(node, _SCOPES):
        return
    for child in ast.iter_child_nodes(node):
        yield from _at_import(child)


def _made_by(node: ast.AST) -> Iterator[str]:
    """The names that a statement, or a target in one, binds."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        for one in node.names:
            yield one.asname or one.name.partition(".")[0]
    elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
        yield node.name
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest
