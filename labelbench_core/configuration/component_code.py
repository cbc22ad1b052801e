"""Whether the code that an experiment names can be read: one broken file stops only its users."""

import ast
import importlib.util
import sys
from collections.abc import Callable, Iterable, Iterator

from labelbench_core import provenance, registry
from labelbench_core.configuration import entries
from labelbench_core.configuration.catalogue import COMPONENT_KINDS, Catalogue
from labelbench_core.configuration.experiment import Crossing, Experiment
from labelbench_core.errors import InputError, raise_all, seen_from_here

Named = tuple[str, str]  # kind and id


def named_components(crossing: Crossing, catalogue: Catalogue) -> Iterator[Named]:
    """(kind, id) of everything in the catalogue that is one of a crossing's components."""
    lists = {kind: getattr(crossing, kind, ()) for kind in COMPONENT_KINDS}
    lists["strategies"] += crossing.ceilings
    lists["trainers"] = getattr(crossing.finetune, "trainers", ())
    for kind, names in lists.items():
        yield from ((kind, name) for name in names if name in catalogue[kind])


def unreadable(crossing: Crossing, catalogue: Catalogue) -> Iterator[str]:
    """A line for every unreadable component that a crossing names or that one of these runs."""
    yield from _told(named_components(crossing, catalogue), catalogue, lambda run: None)


def check_code(
    experiment: Experiment, catalogue: Catalogue, file: str, *, jobs_run_here: bool = True
) -> None:
    """Check that everything that an experiment's components import is valid Python, and is there.

    What is parsed here is what provenance hashes afterwards, so that a plan takes no longer.

    Parameters
    ----------
    jobs_run_here
        Whether jobs have the packages of this process: if not, what own files import is not looked
        for.

    Raises
    ------
    InputError
        All errors, one a line.
    """
    named = {
        one for crossing in experiment.crossings for one in named_components(crossing, catalogue)
    }

    def read(run: set[Named]) -> None:
        found = provenance.import_closure([registry.module_name(*one) for one in run])
        if jobs_run_here and (missing := [line for one in sorted(found) for line in absent(one)]):
            raise InputError("; ".join(missing))

    raise_all(f"{file}: {line}" for line in _told(sorted(named), catalogue, read))


def absent(module: str) -> Iterator[str]:
    """A line for each import of an own file that fails here whatever it does: at its top level.

    Whether a module has the names that are imported from it is known when it is imported.
    """
    if registry.own.folder_of(module) is None:
        return
    path = registry.source_of(module)
    for node in registry.parse(path).body:
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = provenance.absolute(module, node)
            is_folder = base.count(".") == 1 and node.level == 1 and not node.module
            names = [f"{base}.{one.name}" for one in node.names] if is_folder else [base]
        for name in names:
            if not _is_there(module, name):
                where = f"{seen_from_here(path)}: line {node.lineno}"
                package = ".".join(module.split(".")[:2])
                told = name.removeprefix(f"{package}.")
                yield f"{where}: imports {told}: there is no such module here"


def _is_there(module: str, name: str) -> bool:
    """Whether what a file of a user's own imports by a full name can be found, not how it runs."""
    first = name.partition(".")[0]
    name = registry.own.beside(module, name) or name
    try:
        if name.startswith(f"{registry.own.PACKAGE}.") or first in registry.OWN_PACKAGES:
            path = registry.source_of(name)
            return path.is_file() or path.name == "__init__.py"
        return first in sys.modules or importlib.util.find_spec(first) is not None
    except (InputError, ImportError, ValueError):
        return False


def _told(
    named: Iterable[Named], catalogue: Catalogue, look: Callable[[set[Named]], None]
) -> Iterator[str]:
    """A line for every component whose description, or what `look` does with all that it runs,
    is an error.
    """
    for kind, name in named:
        try:
            for component in _components(catalogue, kind, name):
                look(registry.components_run(*component))
        except InputError as error:
            yield f"{kind}: {name!r}: {error}"


def _components(catalogue: Catalogue, kind: str, name: str) -> list[entries.LoadedByName]:
    """What an entry runs; nothing where it names a trainer that there is not: told elsewhere."""
    if kind == "proxies":
        trainer = entries.trainer_of(catalogue, name)
        if trainer is not None and trainer not in catalogue["trainers"]:
            return []
    return entries.components(catalogue, kind, name)
