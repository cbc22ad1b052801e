"""Lines noted by the tests' own count are those that coverage's tracer sees."""

import coverage
import pytest

from helpers import counted_lines

SOURCE = '''"""A module."""
from __future__ import annotations

import asyncio
import contextlib, os
import functools


@functools.cache
@functools.lru_cache(
    maxsize=5,
)
def decorated(
    number,
    other=3,
):
    """Has a docstring."""
    global shared
    shared = number
    return [
        value
        for value in range(number)
        if value
    ]


def only_a_docstring():
    """Nothing else."""


@functools.total_ordering
class Ordered:
    """A class."""

    value: int
    other: int = 3

    def __lt__(self, other): return self.value < other.value

    def never_called(self):
        raise ValueError


def branches(number):
    if number > 3:
        found = "more"
    elif number > 1:
        found = "some"
    else:
        found = "few"
    while number:
        number -= 1
        if number == 2:
            continue
        if number == 1:
            break
    else:
        found += "!"
    for _ in range(number):
        pass
    else:
        ...
    assert found, (
        "nothing"
    )
    return (lambda:
            found)()


def errors(kind):
    try:
        with contextlib.suppress(OSError), \\
                contextlib.nullcontext():
            raise kind("a")
    except (
        KeyError,
        IndexError,
    ) as error:
        found = error
    except TypeError:
        return "type"
    except:
        del kind
        return None
    else:
        return "none"
    finally:
        last = 5
    return found


def groups():
    try:
        raise ExceptionGroup("many", [ValueError(), TypeError()])
    except* ValueError:
        found = 1
    except* KeyError:
        found = 2
    except* TypeError:
        found = 3
    return found


def matches(value):
    match value:
        case 1:
            return "one"
        case [first, *_] if first:
            return "list"
        case {"a": found}:
            return found
    match value:
        case (
            "a" | "b"
        ):
            return "letter"
        case _:
            return "other"

async def later():
    async with contextlib.AsyncExitStack():
        async for value in counted():
            yield value


async def counted():
    for value in range(2):
        await asyncio.sleep(0)
        yield value


async def all_of():
    return [value async for value in later()]


decorated(2)
Ordered() < Ordered() if False else None
[branches(number) for number in (0, 2)]
[errors(kind) for kind in (IndexError, OSError, ValueError)]
groups()
[matches(value) for value in ([5], {"b": 1}, "b")]
asyncio.run(all_of())
if os.sep == "never":
    only_a_docstring()
'''


@pytest.mark.skipif(not counted_lines.is_needed(), reason="Python counts without tracing")
def test_the_lines_are_those_of_the_tracer(tmp_path):
    path = tmp_path / "sample.py"
    path.write_text(SOURCE, encoding="utf-8")
    settings = {"data_file": None, "include": [str(path)], "config_file": False}
    traced, told = coverage.Coverage(**settings), coverage.Coverage(**settings)
    with traced.collect():
        exec(compile(SOURCE, str(path), "exec"), {})

    noted = [0] * (SOURCE.count("\n") + 2)
    tree = counted_lines.noting(SOURCE, path)
    exec(compile(tree, str(path), "exec"), {counted_lines.OF_ALL: {str(path): noted}})
    lines = [line for line, seen in enumerate(noted) if seen]
    told.get_data().add_lines({str(path): lines})

    *_, missing, _ = traced.analysis2(str(path))
    assert len(missing) == 8
    assert told.analysis2(str(path)) == traced.analysis2(str(path))
