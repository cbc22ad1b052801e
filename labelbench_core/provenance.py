"""The code that a result depends on, as a content hash.

Snakemake notices a changed script but not a changed module that the script imports. Every rule
therefore carries `code_hash(script, components)` among its params: it covers the script, everything
of this project that the script imports, lazily or not, and the components that the job's ids name.
Comments, docstrings, formatting and file times do not enter, nor does the version of Python.
"""

import ast
import atexit
import contextlib
import functools
import hashlib
import importlib.metadata
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from labelbench_core import registry
from labelbench_core.errors import InputError, seen_from_here
from labelbench_core.registry import own
from labelbench_core.storage import files

REMEMBERED = files.MACHINE_STATE / "code.json"

# These modules affect what a job prints, never what it computes: editing them reruns nothing.
NEUTRAL = frozenset(
    {
        "labelbench_core.errors",
        "labelbench_core.registry.options",
        "labelbench_core.progress",
        "labelbench_core.compute.values",
        "workflow_scripts._gpus",
        "workflow_scripts._job",
    }
)
# Fields of syntax trees that carry no meaning, or that not all versions of Python have.
_IGNORED_FIELDS = frozenset({"ctx", "kind", "type_comment", "type_ignores"})
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


class Facts(NamedTuple):
    """Facts about a module's source: a hash of its meaning, and the names that it may import."""

    digest: str
    mentioned: tuple[str, ...]


_known: dict[str, Facts] = {}
"""Module and SHA-256 of its bytes → its facts."""


def code_hash(
    script: str, components: Iterable[tuple[Any, ...]] = (), templates: Iterable[str] = ()
) -> str:
    """Hash of all code that a job runs.

    Parameters
    ----------
    script
        The job's module, "workflow_scripts.select_round".
    components
        (kind, name) of the components that the job loads by name, ("strategies", "margin"); or
        (kind, name, options), where options decide which others a component runs.
    templates
        Files other than Python that decide what the job writes, relative to the project.
    """
    components = list(components)
    run = set[tuple[str, str]]().union(*(registry.components_run(*one) for one in components))
    roots = {script, *(registry.module_name(kind, name) for kind, name in run)}
    roots |= {module for one in components if (module := _named_module(*one))}
    digest = hashlib.sha256()
    for module in sorted(import_closure(roots) - NEUTRAL):
        digest.update(f"{module} {module_hash(module)}\n".encode())
    for template in sorted(templates):
        content = hashlib.sha256(registry.PROJECT.joinpath(template).read_bytes()).hexdigest()
        digest.update(f"{template} {content}\n".encode())
    return digest.hexdigest()[:16]


def _named_module(kind: str, name: str, options: Mapping[str, Any] | None = None) -> str | None:
    """The module of a package that an option names, as PACKAGE.MODULE:FUNCTION.

    None if no option does (`INFO["code"]`), or if the package is not installed here.
    """
    option = registry.describe(kind, name).info.get("code")
    module = str((options or {}).get(option) or "").partition(":")[0] if option else ""
    return module if module and _exists(module, None) else None


def import_closure(roots: Iterable[str]) -> set[str]:
    """All modules of this project, or of the roots' own packages, that `roots` can load."""
    waiting, closure = list(roots), set[str]()
    while waiting:
        module = waiting.pop()
        if module not in closure:
            closure.add(module)
            waiting.extend(_imports(module, own.folder_of(module)))
    return closure


def module_hash(module: str) -> str:
    """Hash of what a module's source means."""
    return _facts(module, own.folder_of(module)).digest


def mentioned(module: str) -> tuple[str, ...]:
    """Parents of a module and every name that it imports, as if each were a module, sorted.

    What only type checkers import is left out.
    """
    return _facts(module, own.folder_of(module)).mentioned


def remember(path: Path = REMEMBERED, *, save: bool = False) -> None:
    """Use what earlier processes found out about modules whose bytes have not changed since.

    State of this machine that saves each run of Snakemake the time to parse all code; a missing or
    invalid file costs only time.

    Parameters
    ----------
    save
        Whether to write the file when the process ends, if there is anything new in it.
    """
    _known.clear()
    for cache in (_facts, _imports, _exists):
        cache.cache_clear()
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
        content = json.loads(path.read_bytes())
        if content["read_by"] == _read_by():
            _known.update(
                (key, Facts(str(digest), tuple(map(str, names))))
                for key, (digest, names) in content["modules"].items()
            )
    if save:
        atexit.register(_save, path, dict(_known))


@functools.cache
def recall() -> None:
    """Once in a job: what the plan has found out about the code, `remember`, or nothing."""
    remember()


def _save(path: Path, before: dict[str, Facts]) -> None:
    if _known == before:
        return
    # Every module's newest state; for those that this process did not need, the last one known.
    current = {key.partition(" ")[0]: key for key in (*before, *_known)}
    modules = {key: list(_known[key]) for key in current.values() if key in _known}
    with contextlib.suppress(OSError, InputError):
        text = files.canonical_json({"read_by": _read_by(), "modules": modules})
        with files.atomic_path(path) as aside:
            aside.write_text(text, encoding="utf-8")


def _read_by() -> str:
    """What facts depend on other than the modules' bytes."""
    code = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    return f"{code} Python {sys.version_info.major}.{sys.version_info.minor}"


@functools.cache
def _facts(module: str, of_own: Path | None) -> Facts:
    """Facts about a module; `of_own`, its folder, tells own files of the same name apart."""
    path = registry.source_of(module)
    try:
        key = f"{module} {hashlib.sha256(path.read_bytes()).hexdigest()}"
    except OSError:
        key = module  # parsing reports the error
    if key not in _known:
        tree = registry.parse(path)
        digest = hashlib.sha256("".join(_canonical(tree)).encode()).hexdigest()
        _known[key] = Facts(digest, tuple(sorted(_mentioned(module, tree))))
    return _known[key]


@functools.cache
def _imports(module: str, of_own: Path | None) -> tuple[str, ...]:
    """Modules that `module` imports when it runs, inside functions too, and its parents."""
    packages = {*registry.OWN_PACKAGES, module.partition(".")[0]}
    names = mentioned(module)
    if of_own is not None:
        names = tuple(filter(None, (_of_own(module, name) for name in names)))
    return tuple(
        name
        for name in names
        if name.partition(".")[0] in packages and _exists(name, own.folder_of(name))
    )


def _of_own(module: str, name: str) -> str | None:
    """What an own file means by a name that it imports; `InputError` if that leads elsewhere."""
    package = ".".join(module.split(".")[:2])
    if name.startswith(f"{own.PACKAGE}.") and not f"{name}.".startswith(f"{package}."):
        path = registry.source_of(module)
        raise InputError(
            f"{seen_from_here(path)}: a relative import leads out of "
            f"{seen_from_here(path.parent)}; allowed: files in this folder"
        )
    return own.beside(module, name) or name


def _mentioned(module: str, tree: ast.Module) -> set[str]:
    """Parents of `module`, and every name that it imports, as if each were a module."""
    found = {module.rpartition(".")[0]} - {""}
    for node in _executed(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = absolute(module, node)
            found.add(base)
            found.update(f"{base}.{alias.name}" for alias in node.names)
    return found


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """`node` and everything below it, except what only type checkers read."""
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        for other in node.orelse:
            yield from _executed(other)
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _executed(child)


def absolute(module: str, node: ast.ImportFrom) -> str:
    """The module that a statement in `module` imports from, by its full name."""
    if not node.level:
        return node.module or ""
    is_package = registry.source_of(module).name == "__init__.py"
    parts = module.split(".")
    base = parts[: len(parts) - node.level + is_package]
    return ".".join([*base, *([node.module] if node.module else [])])


@functools.cache
def _exists(module: str, of_own: Path | None) -> bool:
    try:
        return registry.source_of(module).is_file()
    except (InputError, ModuleNotFoundError):
        return False


def _canonical(node: ast.AST | list[Any] | str | bytes | complex | None) -> Iterator[str]:
    """A syntax tree as text that is the same in every version of Python that can parse it."""
    if isinstance(node, ast.AST):
        yield f"({type(node).__name__}"
        for name, value in ast.iter_fields(node):
            if name in _IGNORED_FIELDS or value is None or value == []:
                continue
            if name == "body" and isinstance(node, _DOCUMENTED):
                value = _without_docstrings(value)
            if isinstance(node, ast.JoinedStr):
                # Some releases of Python 3.12 add empty strings to nested format specifications.
                value = [part for part in value if getattr(part, "value", None) != ""]
            yield f" {name}="
            yield from _canonical(value)
        yield ")"
    elif isinstance(node, list):
        yield "["
        for item in node:
            yield from _canonical(item)
            yield ","
        yield "]"
    else:
        yield f"{type(node).__name__}:{node!r}"


def _without_docstrings(body: list[ast.stmt]) -> list[ast.stmt]:
    """The statements without strings alone: docstrings, those of constants and attributes, too."""
    return [one for one in body if not _is_text(one)]


def _is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def installed(packages: Iterable[str]) -> dict[str, str]:
    """Package → its version, of those that are installed."""
    found: dict[str, str] = {}
    for name in packages:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found
