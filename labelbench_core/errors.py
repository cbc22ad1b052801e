"""The errors a user can cause and can mend."""

import difflib
from collections.abc import Iterable
from pathlib import Path


class InputError(ValueError):
    """Bad input from outside: configuration, data, weights, a damaged file.

    The message is complete for its reader: it names the file, the key, the value and what is
    allowed. Job scripts print it alone, without a traceback.
    """


def damaged(path: str | Path, problem: str, delete: str = "it") -> InputError:
    """The error for a result that is not as it was written: what to delete to have it made again.

    Snakemake makes everything again that an experiment needs and that is not there.
    """
    cure = f"delete {delete} and run the same command again to have it made again"
    return InputError(f"{path}: {problem}; {cure}")


def missing(path: str | Path, made_by: str = "") -> InputError:
    """The error for a result that is not there; `made_by` is the rule that makes it."""
    by = f" by the rule {made_by}" if made_by else ""
    return InputError(f"{path}: file not found; run the same command again to have it made{by}")


def shown(value: object, length: int = 60) -> str:
    """`value` as Python writes it, cut to a length that leaves a message readable."""
    text = repr(value)
    return text if len(text) <= length else f"{text[: length - 1]}…"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint for a probable slip of the pen, or nothing."""
    close = difflib.get_close_matches(str(word), list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
