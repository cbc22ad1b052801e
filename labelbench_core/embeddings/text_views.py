"""Views of texts: words left out, and dropout in the encoder, drawn for each text by itself."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from labelbench_core.augmentation.settings import TextAugmentation
from labelbench_core.augmentation.texts import drop_words
from labelbench_core.compute.devices import on_device
from labelbench_core.embeddings.texts import TextView
from labelbench_core.errors import InputError


@dataclass(frozen=True)
class DrawnView(TextView):
    """Texts with some words left out, to be encoded with dropout.

    Attributes
    ----------
    share
        Probability with which the encoder's values are set to zero.
    generators
        One for each text.
    """

    share: float
    generators: Sequence[np.random.Generator]

    def part(self, places: np.ndarray) -> DrawnView:
        """The texts at `places`, in that order, with their generators."""
        generators = [self.generators[int(place)] for place in places]
        return DrawnView(super().part(places).texts, self.share, generators)

    def within(
        self, model: torch.nn.Module, lengths: Sequence[int]
    ) -> contextlib.AbstractContextManager[None]:
        """As `dropout`, for these texts."""
        return dropout(model, self.share, lengths, self.generators)


def prepare(
    texts: Sequence[str], first_row: int, *, kind: str, changes: TextAugmentation, seed: int
) -> DrawnView:
    """A batch's view. What a text draws depends on its row, not on the batch or the encoder.

    Parameters
    ----------
    texts
        The texts of consecutive rows.
    first_row
        Number of the first row.
    kind
        "weak" or "strong".
    seed
        Seed of this view, for all rows.
    """
    generators = [np.random.default_rng([seed, first_row + place]) for place in range(len(texts))]
    share = changes.word_dropout if kind == "strong" else 0
    changed = [
        drop_words(text, share, rng) if share else text
        for text, rng in zip(texts, generators, strict=True)
    ]
    return DrawnView(changed, changes.encoder_dropout, generators)


@contextlib.contextmanager
def dropout(
    model: torch.nn.Module,
    share: float,
    lengths: Sequence[int],
    rngs: Sequence[np.random.Generator],
) -> Iterator[None]:
    """A context in which dropout layers set values to zero, for each text by its own generator.

    Only layers between states (B, T, D) of tokens do so: those after the token embeddings and after
    the attention and the feed-forward part of each block; attention weights are not dropped. What
    is drawn does not depend on padding, and is drawn on the host, so that a GPU sees what a CPU
    does.

    Parameters
    ----------
    model
        In evaluation mode, in which its dropout layers do nothing themselves.
    share
        Probability with which a value is set to zero; the others are divided by 1 - `share`. 0:
        nothing is changed.
    lengths
        Tokens of each text, without the padding that follows them.
    rngs
        The texts' generators.

    Raises
    ------
    InputError
        If the model has run without passing such a layer.
    """
    passed = 0

    def drop(
        _: torch.nn.Module, __: tuple[torch.Tensor, ...], states: torch.Tensor
    ) -> torch.Tensor:
        nonlocal passed
        if states.ndim != 3 or len(states) != len(lengths) or states.shape[1] < max(lengths):
            return states
        passed += 1
        factors = np.ones(states.shape, np.float32)
        for factor, length, rng in zip(factors, lengths, rngs, strict=True):
            stays = rng.random((length, states.shape[2]), np.float32) >= share
            factor[:length] = stays / np.float32(1 - share)
        return states * on_device(factors, states.device).to(states.dtype)

    layers = [one for one in model.modules() if isinstance(one, torch.nn.Dropout) and share]
    hooks = [one.register_forward_hook(drop) for one in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
    if share and not passed:
        raise InputError(
            f"weak.encoder_dropout: {share:g}: the encoder has no dropout layers between states of "
            "tokens; allowed with it: 0"
        )
