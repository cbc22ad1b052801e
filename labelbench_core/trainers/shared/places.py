"""Positions in a training, as given by an option."""


def in_steps(place: float, steps: int) -> float:
    """A place in a training of `steps` steps: itself or, below 1, that share of them."""
    return place if place >= 1 else place * steps
