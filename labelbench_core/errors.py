"""The errors a user can cause and can mend."""

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """Bad input from outside: configuration, data, weights, a damaged file.

    The message is complete for its reader: it names the file, the key, the value and what is
    allowed. Job scripts print it alone, without a traceback.
    """


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint for a probable slip of the pen, or nothing."""
    close = difflib.get_close_matches(str(word), list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
