"""Positions in a training, as given by an option."""


def in_steps(place: float, steps: int) -> float:
    """A position in steps: `place` itself or, below 1, that share of `steps`."""
    return place if place >= 1 else place * steps
