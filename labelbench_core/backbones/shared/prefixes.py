"""Networks that are part of a larger one: their tensors in a file have a prefix ("backbone.")."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labelbench_core.errors import listed

if TYPE_CHECKING:
    import torch

FEW = 2


@dataclass(frozen=True)
class Part:
    """The tensors of one network in a file that holds more.

    Attributes
    ----------
    prefix
        What stands before their names in the file, with its last dot.
    tensors
        Name, without the prefix → tensor.
    others
        What else the file holds, in words: names with shapes, or first parts of names with numbers
        of tensors.
    """

    prefix: str
    tensors: Mapping[str, torch.Tensor]
    others: tuple[str, ...]


class SeveralParts(ValueError):
    """Which network is meant cannot be told; the message names the prefixes."""


def part_of(content: Any, trunk: Collection[str]) -> Part | None:
    """The part of a file under the only prefix that has all tensors of a network without its head.

    Frameworks and people save a network as a member of a larger one ("model.", "backbone.",
    "encoder_q.") or under a key of their own ({"net": tensors}), which counts as a prefix, too.

    Parameters
    ----------
    content
        What the file holds.
    trunk
        Names of the network's tensors without its classifier.

    Returns
    -------
    None if there is no such prefix, or if the network is the whole of the file.

    Raises
    ------
    SeveralParts
        If there are several such prefixes, as of a student and its teacher.
    """
    found = dict(_named(content))
    if not trunk or not isinstance(content, Mapping) or all(name in found for name in trunk):
        return None
    longest = max(trunk, key=len)
    candidates = [name.removesuffix(longest) for name in found if name.endswith(f".{longest}")]
    prefixes = [one for one in candidates if all(f"{one}{name}" in found for name in trunk)]
    if len(prefixes) > 1:
        raise SeveralParts(f"it holds such a network {len(prefixes)} times: {listed(prefixes)}")
    if not prefixes:
        return None
    (prefix,) = prefixes
    inside = {
        name.removeprefix(prefix): tensor
        for name, tensor in found.items()
        if name.startswith(prefix)
    }
    others = {name: tensor for name, tensor in found.items() if not name.startswith(prefix)}
    return Part(prefix, inside, tuple(_summary(others)))


def _summary(others: Mapping[str, torch.Tensor]) -> Iterator[str]:
    """Tensors with their shapes; where more than a weight and a bias begin alike, their number."""
    counts = Counter(name.partition(".")[0] for name in others)
    for first, count in counts.items():
        if count > FEW:
            yield f"{first} ({count} tensors)"
            continue
        for name, tensor in others.items():
            if name.partition(".")[0] == first:
                yield f"{name} {tuple(tensor.shape)}"


def _named(content: Any, before: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    """All tensors of nested mappings, by the keys that lead to them, joined by dots."""
    import torch

    if isinstance(content, torch.Tensor):
        yield before, content
    elif isinstance(content, Mapping):
        for key, value in content.items():
            yield from _named(value, f"{before}.{key}" if before else str(key))
