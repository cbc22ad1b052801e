"""Folders listed once while a data set is prepared or looked at.

The data set's files and its index both come from one listing. Outside of `listed_once`, a folder is
listed whenever it is asked for, so that what has changed is seen.
"""

import contextlib
from collections.abc import Callable, Hashable, Iterator
from contextvars import ContextVar
from typing import Any, TypeVar

Listed = TypeVar("Listed")
_KEPT: ContextVar[dict[Hashable, Any] | None] = ContextVar("_KEPT", default=None)


@contextlib.contextmanager
def listed_once() -> Iterator[None]:
    """A context in which every listing is kept; a context within another one begins anew."""
    token = _KEPT.set({})
    try:
        yield
    finally:
        _KEPT.reset(token)


def kept(key: Hashable, make: Callable[[], Listed]) -> Listed:
    """What `make` returns, or returned before under this key within the same context."""
    known = _KEPT.get()
    if known is None:
        return make()
    if key not in known:
        known[key] = make()
    return known[key]
