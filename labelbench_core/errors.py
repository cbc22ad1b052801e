"""Errors that a user can cause and fix, and how values are shown in their messages."""

import math
import os
import re
import reprlib
import struct
import sys
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

MOST_LINES = 40  # of one error: as many as a reader can take in
_EXPONENT = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]{1,3}")
_LONGEST_VALUE = 80
_LONGEST_LIST = 1500  # characters of the list of what is allowed


class InputError(ValueError):
    """Bad input from outside: configuration, data, weights, a damaged file.

    The message is complete for its reader: it names the file, the key, the value and what is
    allowed. Job scripts print it alone, without a traceback.
    """


class Damaged(InputError):
    """A result that is not as it was written: `path`, and the `problem` without its cure."""

    def __init__(self, path: str | Path, problem: str, cure: str) -> None:
        super().__init__(f"{path}: {problem}; {cure}")
        self.path, self.problem = path, problem


def damaged(
    path: str | Path, problem: str, delete: str = "it", then: str = "recreate it"
) -> Damaged:
    """The error for a result that is not as it was written; it says what to delete.

    Snakemake makes again whatever is missing and an experiment needs; `then` says what the same
    command does once what `delete` names is gone.
    """
    cure = f"delete {delete} and run the same command again to {then}"
    return Damaged(path, problem, cure)


def altered(path: str | Path, problem: str) -> Damaged:
    """The error for a fact that is not as it was written: no command makes it again."""
    cure = "restore it from a copy: it is written once, and no command makes it again"
    return Damaged(path, problem, cure)


def missing(path: str | Path, made_by: str = "") -> InputError:
    """The error for a missing result; `made_by` is the rule that makes it."""
    by = f" (rule {made_by})" if made_by else ""
    return InputError(f"{path}: file not found; run the same command again to create it{by}")


class _Short(reprlib.Repr):
    """`repr` that reads no more of a value than it shows."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxstring, self.maxother = 3, _LONGEST_VALUE, _LONGEST_VALUE

    def repr_int(self, x: int, level: int) -> str:
        # Python refuses to write very long whole numbers.
        return repr(x) if x.bit_length() < 256 else "a whole number of more than 76 digits"


class _ShortInYaml(_Short):
    """`_Short` with YAML's words for what is neither number nor text, also inside lists."""

    def repr_bool(self, x: bool, level: int) -> str:
        return "true" if x else "false"

    def repr_NoneType(self, x: None, level: int) -> str:
        return "null"


_short, _short_in_yaml = _Short(), _ShortInYaml()


def shown(value: Any) -> str:
    """A value as Python writes it, cut to one short line."""
    return _one_line(_short.repr(value))


def shown_value(value: Any) -> str:
    """A value of a configuration, in YAML's notation where that differs from Python's."""
    return _one_line(_short_in_yaml.repr(value))


def _one_line(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def is_denormal(value: Any) -> bool:
    """Whether a float is so small (below 2.2e-308 in size, but not 0) that jobs may take it as 0.

    Those that use torch flush denormals, which cost a processor a hundred cycles each. Read from
    the bits: to a process that flushes them, such a number is 0 in every comparison.
    """
    if not isinstance(value, float):
        return False
    (bits,) = struct.unpack("<Q", struct.pack("<d", value))
    exponent, mantissa = bits >> 52 & 0x7FF, bits & (1 << 52) - 1
    return exponent == 0 and mantissa != 0


def number_hint(value: Any, holds: Callable[[Any], bool]) -> str:
    """How to write a number such as 5e-4, which YAML reads as text, or that it is too small.

    Empty for other values, and where no number would be allowed.
    """
    if is_denormal(value):
        return _too_small_hint(value, holds)
    if not isinstance(value, str) or not _EXPONENT.fullmatch(value):
        return ""
    number = float(value)
    mantissa, _, exponent = value.lower().partition("e")
    if is_denormal(number) or (number == 0 and re.search("[1-9]", mantissa)):
        return _too_small_hint(number, holds)
    if math.isfinite(number) and holds(number):
        mantissa += "" if "." in mantissa else ".0"
        written = f"{mantissa}e{exponent if exponent[0] in '+-' else f'+{exponent}'}"
    elif number.is_integer() and holds(int(number)):
        written = str(int(number))
    else:
        return ""
    return f" (YAML reads this as text: write {written})"


def _too_small_hint(number: float, holds: Callable[[Any], bool]) -> str:
    """Said where a larger number of the same sign would do."""
    larger = math.copysign(sys.float_info.min, number)
    return " (too small: jobs may take it as 0)" if holds(larger) else ""


def shown_key(key: Any) -> str:
    """A key as it is, or as `shown` where it would not be one short line of text."""
    plain = isinstance(key, str) and key.isprintable() and 0 < len(key) <= _LONGEST_VALUE
    return key if plain else shown(key)


def seen_from_here(path: str | Path) -> str:
    """A file's path as messages name it: relative to the current folder, or absolute if shorter."""
    return min(os.path.relpath(path), os.path.abspath(path), key=len)


def listed(names: Iterable[Any]) -> str:
    """Names with commas between them, as many as fit a message; `none` if there are none."""
    names = list(map(str, names))
    text = ", ".join(names)
    if len(text) <= _LONGEST_LIST:
        return text or "none"
    cut = text[:_LONGEST_LIST].rpartition(", ")[0] or text[:_LONGEST_LIST]
    return f"{cut}, … ({len(names)} in all)"


def ended_by(error: SystemExit) -> str:
    """What ended the program, instead of returning or raising an error, and where."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" in {frames[-1].filename}, line {frames[-1].lineno}" if frames else ""
    return (
        f"ended the program by sys.exit({shown(error.code)}){place}; a component returns its "
        "result or raises an error"
    )


def did_you_mean(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """A hint for a probable typo, or nothing; `cutoff` is the least similarity, up to 1."""
    import difflib  # here, since a job that has no error needs none of it

    close = difflib.get_close_matches(str(word)[:_LONGEST_VALUE], list(known), n=1, cutoff=cutoff)
    return f" (did you mean {close[0]!r}?)" if close else ""


def raise_all(errors: Iterable[str]) -> None:
    """Raise one `InputError` with all errors, one per line, each once, if there are any."""
    lines = list(dict.fromkeys(line for error in errors for line in error.splitlines()))
    if len(lines) > MOST_LINES:
        lines = [*lines[:MOST_LINES], f"… and {len(lines) - MOST_LINES} more"]
    if lines:
        raise InputError("\n".join(lines))
