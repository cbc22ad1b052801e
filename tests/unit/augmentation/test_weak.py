"""Weak augmentation: random per image, repeatable, within its bounds."""

import numpy as np
import torch

from labelbench_core.augmentation.settings import Augmentation
from labelbench_core.augmentation.views import augment
from labelbench_core.seeds import rng_for


def picture(count=6, size=16):
    return torch.from_numpy(rng_for("picture").random((count, 3, size, size), dtype=np.float32))


def test_augmentation_off_changes_nothing():
    images = picture()
    assert augment(images, Augmentation(), rng_for("a")) is images


def test_augmentation_is_random_per_image_and_repeatable():
    change = Augmentation(translate=0.1, rotate=10, scale=0.1)
    images = picture(1).expand(6, -1, -1, -1)
    once, again = (augment(images, change, rng_for("a", 1)) for _ in range(2))
    assert torch.equal(once, again)
    assert not torch.equal(once[0], once[1])
    assert not torch.equal(once, augment(images, change, rng_for("a", 2)))
    assert once.shape == images.shape
    assert float(once.min()) >= float(images.min())
    assert float(once.max()) <= float(images.max())


def test_flip_mirrors_some_images_and_leaves_the_others():
    images = picture(40)
    result = augment(images, Augmentation(flip=True), rng_for("flip"))
    mirrored = [
        torch.allclose(new, old.flip(-1), atol=1e-5)
        for new, old in zip(result, images, strict=True)
    ]
    same = [torch.allclose(new, old, atol=1e-5) for new, old in zip(result, images, strict=True)]
    assert all(a != b for a, b in zip(mirrored, same, strict=True))
    assert 8 <= sum(mirrored) <= 32


def test_translation_stays_within_its_bound():
    images = torch.zeros(50, 1, 33, 33)
    images[:, :, 16, 16] = 1.0
    moved = augment(images, Augmentation(translate=0.25), rng_for("move"))
    weights = moved[:, 0] / moved[:, 0].sum(dim=(1, 2), keepdim=True)
    across = (weights.sum(dim=1) * torch.arange(33)).sum(dim=1) - 16
    assert float(across.abs().max()) <= 0.25 * 33 + 1
    assert float(across.abs().max()) > 0.15 * 33
