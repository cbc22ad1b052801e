"""Random changes of texts; what is drawn for a text is its own generator's."""

from __future__ import annotations

import numpy as np

from labelbench_core.augmentation.settings import TextAugmentation


def is_random(kind: str, changes: TextAugmentation) -> bool:
    """Whether the view "weak" or "strong" of a text differs from draw to draw."""
    return bool(changes.encoder_dropout or (kind == "strong" and changes.word_dropout))


def drop_words(text: str, share: float, rng: np.random.Generator) -> str:
    """A text whose words were left out with probability `share` each, but for one.

    Words are what blanks separate. Where all would go, one of them, drawn, stays.

    Iyyer, Manjunatha, Boyd-Graber & Daumé III, "Deep Unordered Composition Rivals Syntactic Methods
    for Text Classification", ACL 2015, section 3.2.
    """
    words = text.split()
    stays = rng.random(len(words)) >= share
    if not stays.any():
        stays[rng.integers(len(words))] = True
    return " ".join(word for word, one in zip(words, stays, strict=True) if one)
