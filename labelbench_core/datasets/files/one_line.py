"""A text as one line, to be shown."""

from labelbench_core.storage.places import printable


def one_line(text: str, longest: int) -> str:
    """A text on one line, blanks joined; cut, with dots, where it has over `longest` characters."""
    joined = printable(" ".join(text.split()))
    return joined if len(joined) <= longest else joined[: longest - 1].rstrip() + "…"
