"""Whether the code that an experiment names can be read: one broken file stops only its users."""

import ast
import importlib.util
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from labelbench_core import provenance, registry
from labelbench_core.configuration import entries
from labelbench_core.configuration.catalogue import COMPONENT_KINDS, Catalogue, Named
from labelbench_core.configuration.experiment import Crossing, Experiment
from labelbench_core.errors import InputError, did_you_mean, raise_all, seen_from_here
from labelbench_core.registry.names_in import OF_ALL, names_in


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
    """A line for each import at the top level of an own file that cannot succeed here.

    Names are looked for in modules of this project and beside the file; those of other packages are
    known when they are imported.
    """
    if registry.own.folder_of(module) is None:
        return
    path = registry.source_of(module)
    package = ".".join(module.split(".")[:2])
    for node in registry.parse(path).body:
        where = f"{seen_from_here(path)}: line {getattr(node, 'lineno', 1)}"
        if isinstance(node, ast.Import):
            names = [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = provenance.absolute(module, node)
            is_folder = base.count(".") == 1 and node.level == 1 and not node.module
            names = [f"{base}.{one.name}" for one in node.names] if is_folder else [base]
        else:
            continue
        missing = [name for name in names if not _is_there(module, name)]
        for name in missing:
            told = name.removeprefix(f"{package}.")
            yield f"{where}: imports {told}: there is no such module here"
        if isinstance(node, ast.ImportFrom) and not missing:
            yield from _absent_names(module, node, where)


def _absent_names(module: str, node: ast.ImportFrom, where: str) -> Iterator[str]:
    """A line for each imported name that a module, whose source is known, does not have."""
    base = provenance.absolute(module, node)
    source = _source(module, base)
    if source is None:
        return
    full = registry.own.beside(module, base) or base
    known = names_in(source, lambda other: _source(full, provenance.absolute(full, other)))
    if known is None:
        return
    for one in node.names:
        if (
            one.name != "*"
            and one.name not in known
            and not _is_there(module, f"{base}.{one.name}")
        ):
            package = ".".join(module.split(".")[:2])
            yield (
                f"{where}: imports {one.name} from {base.removeprefix(f'{package}.')}: there is no "
                f"such name in it{did_you_mean(one.name, known - OF_ALL)}"
            )


def _source(module: str, name: str) -> Path | None:
    """The source of what `module` calls `name`; None if it is neither ours nor a user's own."""
    try:
        name = registry.own.beside(module, name) or name
        first = name.partition(".")[0]
        if first not in registry.OWN_PACKAGES and registry.own.folder_of(name) is None:
            return None
        return registry.source_of(name)
    except InputError:
        return None


def _is_there(module: str, name: str) -> bool:
    """Whether what an own file imports by a full name can be found; nothing is run."""
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
    """What an entry runs; nothing where its trainer does not exist: told elsewhere."""
    if kind == "proxies":
        trainer = entries.trainer_of(catalogue, name)
        if trainer is not None and trainer not in catalogue["trainers"]:
            return []
    return entries.components(catalogue, kind, name)
