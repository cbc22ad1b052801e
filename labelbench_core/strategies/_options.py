"""Checks of options that several strategies share."""

from labelbench_core.errors import InputError


def at_least_one(strategy: str, **options: int) -> None:
    """`InputError` naming the first option that is below 1."""
    for name, value in options.items():
        if not value >= 1:
            raise InputError(f"{strategy}: {name} = {value!r}; expected a whole number, at least 1")
