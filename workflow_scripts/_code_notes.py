"""Which files a hash of code stood for, so that a plan can name those that changed since.

Kept in `NOTES` beside Snakemake's own metadata; without it, a plan says only that code changed.
"""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from labelbench_core import registry
from labelbench_core.errors import InputError
from labelbench_core.provenance import NEUTRAL, import_closure, module_hash
from labelbench_core.storage import files
from workflow_scripts import _notes

NOTES = files.MACHINE_STATE / "noted-code.json"
DIGITS = 16

Code = tuple[str, tuple[tuple[Any, ...], ...], tuple[str, ...]]
"""The arguments of `provenance.code_hash`."""


def note_code(hashes: Mapping[str, Code], notes: Path = NOTES) -> None:
    """Record the files that each hash stands for now."""
    _notes.add(notes, {name: _digests(*code) for name, code in hashes.items()})


def changed_since(code: str, notes: Path = NOTES) -> list[str]:
    """Files that are not as when `code` was recorded; none where it was not."""
    return changed_modules(_notes.read(notes).get(code, {}))


def digests_of(scripts: Iterable[str], components: Iterable[tuple[Any, ...]]) -> dict[str, str]:
    """Module → digest, of all code that jobs run.

    Parameters
    ----------
    scripts
        The modules of the jobs.
    components
        Arguments of `registry.components_run`, of the components that they use.
    """
    run = set[tuple[str, str]]().union(*(registry.components_run(*one) for one in components))
    roots = {*scripts, *(registry.module_name(kind, name) for kind, name in run)}
    return {name: _now(name) for name in sorted(import_closure(roots) - NEUTRAL)}


def changed_modules(recorded: Mapping[str, str]) -> list[str]:
    """Modules whose digests, from `digests_of`, are not as recorded."""
    return sorted(name for name, digest in recorded.items() if _now(name) != digest)


def _digests(
    script: str, components: Iterable[tuple[Any, ...]], templates: Iterable[str]
) -> dict[str, str]:
    found = {_file_of(name): digest for name, digest in digests_of([script], components).items()}
    paths = [*templates, *(name for name in found if "/" in name)]
    return found | {name: _now(name) for name in sorted(paths)}


def _file_of(module: str) -> str:
    """A module; of a user's own, its file, since a plan need not know what the run knew."""
    return str(registry.source_of(module)) if registry.own.folder_of(module) else module


def _now(name: str) -> str:
    """Digest of a module, or of a file (from the project), as it is; empty if it is not there."""
    try:
        if "/" in name:
            content = registry.PROJECT.joinpath(name).read_bytes()
            return hashlib.sha256(content).hexdigest()[:DIGITS]
        return module_hash(name)[:DIGITS]
    except (OSError, InputError):
        return ""
