"""Random streams derived from names, so that no draw depends on what ran before it."""

import hashlib
import json

import numpy as np


def seed_for(role: str, *names: str | int) -> int:
    """A 128-bit seed for `role` within `names` (dataset, schedule, seed, round, …).

    Only what is named can influence a draw: the draw of the initial pool names no strategy, so that
    every strategy starts from the same pool.
    """
    text = json.dumps([role, *names], separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")


def rng_for(role: str, *names: str | int) -> np.random.Generator:
    """A separate NumPy generator for `role` within `names`; see `seed_for`."""
    return np.random.Generator(np.random.PCG64(seed_for(role, *names)))
