"""Strategies that another one runs, as entries name them: components, ids, or own files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labelbench_core import registry
from labelbench_core.errors import InputError
from labelbench_core.registry.run_by_others import as_text
from labelbench_core.storage.files import Json


def with_run_entries(
    kind: str, entry: Json, known: Mapping[str, Mapping[str, Any]], folder: Path
) -> Json:
    """`entry` with texts of components in place of ids and files that its options name.

    A component's own name means the component with its defaults, also where an entry has that id.

    Parameters
    ----------
    known
        Entries of the kind that were read before: id → entry.
    folder
        What paths start from.

    Raises
    ------
    InputError
        If a file cannot be used; other wrong values are reported with the options.
    """
    if not isinstance(entry, dict) or not isinstance(entry.get("options"), dict):
        return entry
    implementation, options = entry.get("implementation"), entry["options"]
    if not isinstance(implementation, str) or not registry.exists(kind, implementation):
        return entry
    if registry.problem_of(kind, implementation):
        return entry
    runs = registry.describe(kind, implementation).info.get("runs", ())

    def named(option: str, value: Json) -> Json:
        if not isinstance(value, str) or registry.exists(kind, value):
            return value
        if registry.own.is_own(value.partition(" ")[0]):
            try:
                return registry.use_own(value, folder)
            except InputError as error:
                raise InputError(f"options.{option}: {error}") from error
        other = known.get(value)
        return (
            value if other is None else as_text(other["implementation"], registry.options_of(other))
        )

    changed: dict[str, Json] = {}
    for option in runs:
        value: Json = options.get(option)
        if isinstance(value, list):
            changed[option] = [named(option, one) for one in value]
        elif option in options:
            changed[option] = named(option, value)
    return {**entry, "options": {**options, **changed}}
