"""All objects that can be reached from one by attributes, items, closures and bound arguments."""

import functools
import types
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

OPAQUE = (str, bytes, int, float, complex, bool, type(None), types.ModuleType, type, np.generic)


def reachable(start: Any) -> Iterator[Any]:
    """Every object on the way, `start` included, each once; nothing is called."""
    seen: dict[int, Any] = {}
    waiting = [start]
    while waiting:
        one = waiting.pop()
        if isinstance(one, OPAQUE) or id(one) in seen:
            continue
        seen[id(one)] = one
        yield one
        waiting += _parts(one)


def _parts(one: Any) -> Iterator[Any]:
    if isinstance(one, Mapping):
        yield from (*one.keys(), *one.values())
    elif isinstance(one, (list, tuple, set, frozenset)):
        yield from one
    elif isinstance(one, np.ndarray):
        yield one.base
        return
    if isinstance(one, functools.partial):
        yield from (one.func, one.args, one.keywords)
    if isinstance(one, types.MethodType):
        yield from (one.__self__, one.__func__)
    if isinstance(one, types.FunctionType):
        yield from (cell.cell_contents for cell in one.__closure__ or () if _is_filled(cell))
        yield from (one.__defaults__, one.__kwdefaults__)
    yield getattr(one, "__wrapped__", None)
    yield from vars(one).values() if hasattr(one, "__dict__") else ()
    for name in getattr(type(one), "__slots__", ()):
        yield getattr(one, name, None)


def _is_filled(cell: types.CellType) -> bool:
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return False
    return True
