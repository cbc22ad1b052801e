"""What is changed in images at random, weakly and strongly."""

from __future__ import annotations

from dataclasses import dataclass


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
        Made first.
    operations
        Drawn for each image from RandAugment's list, each with a random magnitude (as in FixMatch).
    cutout
        Largest side of a grey square (DeVries & Taylor 2017), as a fraction of the image's side.
    """

    weak: Augmentation = Augmentation()
    operations: int = 2
    cutout: float = 0.5
