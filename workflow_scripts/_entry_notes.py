"""Which entries the results of this folder were made with: those of another study are not replaced.

Two studies may share a results folder, and each have an entry of its own with one id. Kept in
`NOTES` beside Snakemake's own metadata; without it, or without results, nothing is refused.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labelbench_core.configuration.catalogue import LoadedCatalogue
from labelbench_core.errors import InputError
from labelbench_core.storage import files
from labelbench_core.storage.files import Json
from workflow_scripts import _notes

NOTES = files.MACHINE_STATE / "entries.json"

Used = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Kind → id → entry, of an experiment."""


def note_entries(catalogue: LoadedCatalogue, used: Used, notes: Path = NOTES) -> None:
    """Record where the entries of an experiment are, and what they say."""
    found: dict[str, Any] = {}
    for kind, entries in used.items():
        for name, entry in entries.items():
            origin = catalogue.origins[kind, name]
            found[f"{kind}/{name}"] = {"origin": origin, "entry": dict(entry)}
    _notes.add(notes, found)


def refuse_others(
    catalogue: LoadedCatalogue, used: Used, results: Path = Path("results"), notes: Path = NOTES
) -> None:
    """Check that results here are not of another entry of the same id.

    Raises
    ------
    InputError
        For an entry of another file than the one that was used here before, which says something
        else, unless it has `replace: true`; names both files.
    """
    if not results.is_dir():
        return
    known, errors = _notes.read(notes), list[str]()
    for kind, entries in used.items():
        for name, entry in entries.items():
            before: Json = known.get(f"{kind}/{name}")
            if not isinstance(before, dict) or (kind, name) in catalogue.replacing:
                continue
            other = before.get("origin")
            differs = json.loads(json.dumps(entry)) != before.get("entry")
            if other != catalogue.origins[kind, name] and differs:
                place = catalogue.places[kind, name].removesuffix(f": {name}")
                errors.append(
                    f"{place}: {name}: differs from the entry of that id in {other}, with which "
                    f"results in {results}/ were made; allowed: another id, another folder "
                    "(--directory), or replace: true in the entry to have them made again"
                )
    if errors:
        raise InputError("\n".join(errors))
