"""Settings of augmentations: the random changes in weak and strong views of images and texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Augmentation:
    """Random changes of a training image; zero and False mean none.

    Attributes
    ----------
    translate
        Largest shift along each axis, as a fraction of the image's side.
    rotate
        Largest rotation either way, in degrees.
    scale
        Largest relative change of size: 0.1 draws factors from 0.9 to 1.1.
    flip
        Mirror half of the images left to right. Not for digits or letters.
    """

    translate: float = 0.0
    rotate: float = 0.0
    scale: float = 0.0
    flip: bool = False


@dataclass(frozen=True)
class StrongAugmentation:
    """RandAugment (Cubuk et al., CVPR-W 2020) after the weak changes, then Cutout.

    Attributes
    ----------
    weak
        Changes that are made first.
    operations
        Number of operations drawn for each image from RandAugment's list, each with a random
        magnitude (as in FixMatch).
    cutout
        Largest side of a grey square (DeVries & Taylor 2017), as a fraction of the image's side.
    """

    weak: Augmentation = Augmentation()
    operations: int = 2
    cutout: float = 0.5


@dataclass(frozen=True)
class TextAugmentation:
    """Random changes of a training text, and of how it is encoded; zero means none.

    Attributes
    ----------
    encoder_dropout
        Probability with which each value is set to zero where the encoder has dropout layers, in
        weak and strong views: SimCSE's view of a text (Gao, Yao & Chen, EMNLP 2021).
    word_dropout
        Probability with which each word is left out, in strong views (Iyyer et al., ACL 2015; 0.3
        as there).
    """

    encoder_dropout: float = 0.0
    word_dropout: float = 0.3


def kinds_of_rows(entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What an augmentation's entry changes: (key, "images" or "texts")."""
    of_texts = {field.name for field in fields(TextAugmentation)}
    for part in ("weak", "strong"):
        for key in entry.get(part) or {}:
            yield f"{part}.{key}", "texts" if key in of_texts else "images"


def changed_rows(entry: Mapping[str, Any]) -> str:
    """What an augmentation's entry changes: "texts" or, also where it has no keys, "images"."""
    return next((rows for _, rows in kinds_of_rows(entry)), "images")


def changes_of(entry: Mapping[str, Any]) -> StrongAugmentation | TextAugmentation:
    """The changes that a catalogue's entry, already checked, asks for."""
    weak, strong = entry.get("weak") or {}, entry.get("strong") or {}
    if changed_rows(entry) == "texts":
        return TextAugmentation(**weak, **strong)
    return StrongAugmentation(Augmentation(**weak), **strong)
