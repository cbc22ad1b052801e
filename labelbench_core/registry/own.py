"""Own files: components outside this project, which an entry names by their path.

Entries, params and results call such a file `./NAME.py`, wherever it is: a study can be moved, and
nothing is made again. Where the files are is a fact of the machine, which jobs get through the
environment. A file and what it imports from beside it are modules of one package,
`labelbench_own.NAME`, so that `from .helpers import f` works; `import helpers` does, too.
"""

import functools
import importlib
import importlib.util
import json
import os
import re
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from labelbench_core.errors import InputError, ended_by, seen_from_here, shown
from labelbench_core.registry.info import signature
from labelbench_core.storage.places import is_file, is_folder, printable

VARIABLE = "LABELBENCH_OWN"
"""Environment variable: JSON, what entries call a file → its path."""
PACKAGE = "labelbench_own"
OWN_PACKAGES = ("labelbench_core", "workflow_scripts")
"""The project's packages, for which no folder of that name beside an own file is taken."""
BEFORE_JOBS = ("check", "check_known", "source_files", "pool_labels", "framing")
"""Functions of a component that are called while an experiment is planned."""
NEEDED = {"datasets": "check", "backbones": "check"}
"""Kind → the one of these that a component must have."""
_STEM = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def is_own(implementation: str) -> bool:
    """Whether an entry names a file, not a component by its name."""
    return "/" in implementation or implementation.startswith("~") or implementation.endswith(".py")


def files() -> Mapping[str, Path]:
    """The own files that are known in this process: what entries call them → path."""
    return _parsed(os.environ.get(VARIABLE, "{}"))


@functools.lru_cache(maxsize=1)
def _parsed(text: str) -> dict[str, Path]:
    return {name: Path(path) for name, path in json.loads(text).items()}


def forget() -> None:
    """Know no own file in this process any more."""
    os.environ.pop(VARIABLE, None)


def add(given: str, folder: Path = Path()) -> str:
    """Make a file known here and to all processes started; return what entries call it.

    Parameters
    ----------
    given
        Its path, from `folder`.

    Raises
    ------
    InputError
        If there is no such file, or it cannot be a component's, or another one has its name.
    """
    path = Path(os.path.abspath(folder / given))
    problem = _problem(given, path)
    if problem:
        raise InputError(f"{shown(given)}: {problem}")
    name, known = f"./{path.name}", dict(files())
    other = known.setdefault(name, path)
    if other != path and not other.samefile(path):
        raise InputError(
            f"{shown(given)}: {seen_from_here(path)} and {seen_from_here(other)} have the same "
            "name; allowed: another name for each file"
        )
    os.environ[VARIABLE] = json.dumps({one: str(place) for one, place in known.items()})
    return name


def _problem(given: str, path: Path) -> str | None:
    """Why a path names no component's file."""
    allowed = "allowed: the path of a Python file from the folder of the file that names it"
    if given.startswith("~"):
        return f"~ is not expanded; {allowed}, or the full path"
    try:
        is_there, is_listed = is_file(path), is_folder(path)
    except OSError as error:
        return f"{seen_from_here(path)} cannot be looked at: {error.strerror}; {allowed}"
    if is_listed:
        return f"is a folder; {allowed}"
    if path.suffix != ".py":
        return f"is not a Python file; {allowed}"
    if not is_there:
        return f"there is no file {printable(seen_from_here(path))}; {allowed}"
    if not _STEM.fullmatch(path.stem):
        return (
            "its name cannot be that of a module; allowed: letters, digits, _ and -, beginning "
            "with a letter or _, and .py"
        )
    return None


def path_of(name: str) -> Path:
    """The file that entries call `name`; in Python, any path from the current folder."""
    if name not in files():
        name = add(name)
    return files()[name]


def module_of(name: str) -> str:
    """The name of a file as a module."""
    stem = path_of(name).stem
    return f"{PACKAGE}.{stem}.{stem}"


def folder_of(module: str) -> Path | None:
    """The folder of the file whose package a module is in; None for all other modules."""
    first, _, rest = module.partition(".")
    if first != PACKAGE:
        return None
    found = files().get(f"./{rest.partition('.')[0]}.py")
    return found and found.parent


def load(module: str, kind: str = "") -> ModuleType:
    """Import a file; `InputError`, one line, if that fails.

    What its functions `BEFORE_JOBS` raise is an `InputError` of one line, too: Snakemake's own
    process would show a traceback, or end by `sys.exit` as if there were nothing to do.
    """
    folder, package = folder_of(module), module.rpartition(".")[0]
    if folder is None:
        raise InputError(f"{module}: its file is not known")
    known = sys.modules.get(package)
    if known is None or list(known.__path__) != [str(folder)]:
        for name in [one for one in sys.modules if one.startswith(f"{package}.")]:
            del sys.modules[name]
        for name, path in ((PACKAGE, []), (package, [str(folder)])):
            sys.modules[name] = made = ModuleType(name)
            made.__path__ = path
    if str(folder) not in sys.path:
        # Last: a file beside it never takes the place of a module that others import.
        sys.path.append(str(folder))
    try:
        found = importlib.import_module(module)
    except (Exception, SystemExit) as error:
        raise _failed(error, folder, "cannot be imported") from error
    needed = NEEDED.get(kind)
    if needed and not hasattr(found, needed):
        raise InputError(
            f"{seen_from_here(str(found.__file__))}: has no function {needed}; allowed: def "
            f"{signature(kind, needed)}"
        )
    for name in BEFORE_JOBS:
        function: Any = getattr(found, name, None)
        if getattr(function, "__module__", None) == module and not hasattr(function, "told_by"):
            setattr(found, name, _telling(function, folder))
    return found


def _telling(function: Callable[..., Any], folder: Path) -> Callable[..., Any]:
    """A function of an own file, that raises nothing but `InputError`."""

    @functools.wraps(function)
    def called(*arguments: Any, **options: Any) -> Any:
        try:
            return function(*arguments, **options)
        except InputError:
            raise
        except (Exception, SystemExit) as error:
            raise _failed(error, folder, f"{function.__name__} failed") from error

    called.told_by = function  # pyright: ignore[reportAttributeAccessIssue]  # a mark of ours
    return called


def _failed(error: BaseException, folder: Path, what: str) -> InputError:
    """One line on an error of code in a folder: its file and line there, what failed and how."""
    frames = traceback.extract_tb(error.__traceback__)
    inside = [one for one in frames if Path(one.filename).is_relative_to(folder)]
    place = seen_from_here(folder)
    if inside:
        place = f"{seen_from_here(inside[-1].filename)}: line {inside[-1].lineno}"
    how = f"{type(error).__name__}: {error}"
    if isinstance(error, SystemExit):
        how = f"it {ended_by(error)}"
    return InputError(f"{place}: {what}: {' '.join(how.split())}")


def beside(module: str, imported: str) -> str | None:
    """The module beside an own file that `imported`, an absolute name, stands for; None if none.

    Raises
    ------
    InputError
        If another module of that name would be imported instead.
    """
    folder, first = folder_of(module), imported.partition(".")[0]
    if folder is None or first in (PACKAGE, *OWN_PACKAGES) or not _is_module(folder, first):
        return None
    if first in sys.stdlib_module_names or _is_elsewhere(folder, first):
        raise InputError(
            f"{seen_from_here(folder)}: {first} beside the file that imports it has the name of an "
            "installed module, which is imported instead; allowed: another name, or "
            f"`from . import {first}`"
        )
    return f"{PACKAGE}.{module.split('.')[1]}.{imported}"


@functools.cache
def _is_module(folder: Path, name: str) -> bool:
    if folder.joinpath(f"{name}.py").is_file():
        return True
    return folder.joinpath(name).is_dir() and any(folder.joinpath(name).glob("*.py"))


@functools.cache
def _is_elsewhere(folder: Path, name: str) -> bool:
    """Whether a module of that name is found without the folder."""
    before = list(sys.path)
    sys.path[:] = [place for place in before if place != str(folder)]
    try:
        spec = importlib.util.find_spec(name) if name not in sys.modules else None
        loaded = getattr(sys.modules.get(name), "__file__", None)
        origin = spec.origin if spec else loaded
        return bool(origin) and not Path(origin).is_relative_to(folder)
    except (ImportError, ValueError):
        return False
    finally:
        sys.path[:] = before
