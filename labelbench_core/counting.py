"""How numbers of things are written for people."""


def counted(count: int, what: str) -> str:
    """A number of things: "1 row", "1,200 rows"; `what` is one of them."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"
