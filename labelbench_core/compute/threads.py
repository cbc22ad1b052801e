"""Threads over blocks of rows, with results that do not depend on how many there are.

Jobs give BLAS a single thread and divide the rows themselves: the blocks are fixed, their results
are combined in order, so that one thread or eight give the same bytes. (BLAS splits sums among its
threads.)
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def ordered_map(
    function: Callable[[Item], Result], items: Iterable[Item], threads: int
) -> Iterator[Result]:
    """`map(function, items)` in `threads` threads; results in the order of the items.

    At most two results per thread wait to be fetched, so that memory does not grow with the number
    of items.
    """
    if threads <= 1:
        yield from map(function, items)
        return
    from concurrent.futures import Future, ThreadPoolExecutor

    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[Result]] = deque()
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
