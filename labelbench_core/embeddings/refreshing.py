"""When a pool is embedded again by a network that was fine-tuned in between."""


def refreshed_after(every: int | None, number: int) -> int | None:
    """The round after which the pool that round `number` sees was re-embedded, if it was.

    `every` is the number of rounds from one refresh to the next; None: there is none.
    """
    if not every or number <= every:
        return None
    return (number - 1) // every * every
