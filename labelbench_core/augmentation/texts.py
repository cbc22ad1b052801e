"""Random changes of texts, drawn by a generator of each text's own."""

from __future__ import annotations

import numpy as np

from labelbench_core.augmentation.settings import TextAugmentation


def is_random(kind: str, changes: TextAugmentation) -> bool:
    """Whether the view "weak" or "strong" of a text differs from draw to draw."""
    return bool(changes.encoder_dropout or (kind == "strong" and changes.word_dropout))


def drop_words(text: str, share: float, rng: np.random.Generator) -> str:
    """A text, each of whose words was left out with probability `share`; at least one stays.

    Words are separated by blanks. Where all would be left out, one stays, drawn at random.

    Iyyer, Manjunatha, Boyd-Graber & Daumé III, "Deep Unordered Composition Rivals Syntactic Methods
    for Text Classification", ACL 2015, section 3.2.
    """
    words = text.split()
    stays = rng.random(len(words)) >= share
    if not stays.any():
        stays[rng.integers(len(words))] = True
    return " ".join(word for word, one in zip(words, stays, strict=True) if one)
