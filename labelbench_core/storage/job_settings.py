"""A job's settings: under each key an id, or the entry of the catalogue where the job reads it.

Params hold no more than a job reads, since a change to them runs it again: the id of the backbone
that made a round's embeddings, but the entry of one that the round's proxy trains.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, Self, cast


class JobSettings(NamedTuple):
    """What a job's settings name, and what they hold of it.

    Attributes
    ----------
    ids
        Key → id, whether the settings hold the id or the entry; other values as they are, such as
        `seed`.
    entries
        Key → entry of the catalogue, where the settings hold it.
    """

    ids: Mapping[str, Any]
    entries: Mapping[str, Mapping[str, Any]]

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """Ids and entries of a job's settings, apart."""
        entries: dict[str, Mapping[str, Any]] = {}
        for key, value in settings.items():
            if isinstance(value, Mapping) and "id" in value:
                entries[key] = cast("Mapping[str, Any]", value)
        return cls({**settings, **{key: one["id"] for key, one in entries.items()}}, entries)
