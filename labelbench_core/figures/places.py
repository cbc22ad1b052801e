"""Which place in the order of colours, markers and dashes a name has, in every experiment."""

import hashlib
from collections.abc import Sequence

STRATEGIES = (
    *("confidence", "entropy", "coreset", "badge", "galaxy", "typiclust", "bait", "power-margin"),
    *("cluster-margin", "direct", "probcover", "maxherding", "uherding", "dropquery", "alfa-mix"),
    *("falcun", "tcm", "tailor", "bald", "power-bald", "bait-binary", "refine-light", "refine"),
    *("mmc", "cvirs", "lci", "adaptive-lci", "bait-swap"),
    *("labelbench-linear-random", "labelbench-linear-confidence", "labelbench-linear-entropy"),
    *("labelbench-linear-margin", "labelbench-linear-coreset", "labelbench-linear-badge"),
    *("labelbench-linear-galaxy", "labelbench-linear-bait"),
)
"""Strategies of the catalogue but `random` and `margin`, whose looks are fixed. New ones go to the
end: to insert one would change the looks of those after it in everybody's figures."""
CEILINGS = ("full-data", "look-ahead", "look-ahead-greedy")


def places(names: Sequence[str], known: Sequence[str], own: range) -> dict[str, int]:
    """A place, from 0, for every name: no two are equal.

    A known name has its place in the list `known`. Any other begins at a place in `own` that
    follows from the name alone; if a known name, or one given before it, has that place, it takes
    the next free one in `own`. When `own` is full, places after it are taken.
    """
    found = {name: known.index(name) for name in names if name in known}
    taken = set(found.values())
    for name in names:
        if name in found:
            continue
        start = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % len(own)
        tried = [*own[start:], *own[:start]]
        beyond = range(own.stop, own.stop + len(names) + 1)
        found[name] = next(place for place in (*tried, *beyond) if place not in taken)
        taken.add(found[name])
    return found
