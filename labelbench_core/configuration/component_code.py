"""Whether the code that an experiment names can be read: one broken file stops only its users."""

from collections.abc import Callable, Iterable, Iterator

from labelbench_core import provenance, registry
from labelbench_core.configuration import entries
from labelbench_core.configuration.catalogue import COMPONENT_KINDS, Catalogue
from labelbench_core.configuration.experiment import Crossing, Experiment
from labelbench_core.errors import InputError, raise_all

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


def check_code(experiment: Experiment, catalogue: Catalogue, file: str) -> None:
    """Check that everything that an experiment's components import is valid Python.

    What is parsed here is what provenance hashes afterwards, so that a plan takes no longer.

    Raises
    ------
    InputError
        All errors, one a line.
    """
    named = {
        one for crossing in experiment.crossings for one in named_components(crossing, catalogue)
    }

    def read(run: set[Named]) -> None:
        provenance.import_closure([registry.module_name(*one) for one in run])

    raise_all(f"{file}: {line}" for line in _told(sorted(named), catalogue, read))


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
