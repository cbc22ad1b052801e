"""Components that another one runs (`INFO["runs"]`), as text: a name, or a name and its options.

`margin`, or `power-margin {"power": 2}`: one text, since such a list is an option like others, is
kept in records, and each of its members stands once. Entries name ids and files of their own
instead, which become such texts when they are read (`configuration.run_entries`).
"""

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from labelbench_core.errors import InputError, shown
from labelbench_core.registry.options import Value


def as_text(name: str, options: Mapping[str, Any]) -> str:
    """A component with its options; the name alone without any."""
    return f"{name} {json.dumps(options, sort_keys=True)}" if options else name


def parted(text: str) -> tuple[str, dict[str, Any]]:
    """Name and options of a component; `InputError` if the options are not readable."""
    name, blank, given = text.partition(" ")
    if not blank:
        return name, {}
    options: Value = None
    with contextlib.suppress(ValueError, RecursionError):
        options = json.loads(given)
    if not isinstance(options, dict):
        raise InputError(f"{shown(text)}; allowed: a name, or a name, a blank and options as JSON")
    return name, options


def texts_of(value: Value) -> Iterator[str]:
    """The texts of an option's value: one, or several."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple)):
        yield from (one for one in value if isinstance(one, str))
