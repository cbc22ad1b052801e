"""Labels that proxies spend beside the budget: their ids say so, wherever a result is named.

A training with `validation: extra` chooses its weights by labels that no round has bought. Paths,
tables, legends and captions name the proxy's id, so that it is the id that has to say how many.
"""

import re

_ENDING = re.compile(r"-plus-([1-9][0-9]*)-labels$")


def ending(size: int) -> str:
    """What the id of a proxy ends in that spends `size` labels beside the budget."""
    return f"-plus-{size}-labels"


def labels_beside(proxy: str) -> int:
    """How many labels the id of a proxy says that it spends beside the budget."""
    found = _ENDING.search(proxy)
    return int(found[1]) if found else 0
