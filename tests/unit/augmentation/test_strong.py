"""Strong augmentation against Pillow, operation by operation; how it is drawn; Cutout."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance, ImageOps
from torch._subclasses.fake_tensor import FakeTensorMode

from helpers.array_images import ArrayImages
from labelbench_core.augmentation import randaugment, views
from labelbench_core.augmentation.randaugment import OPERATIONS, Operation, rand_augment
from labelbench_core.augmentation.settings import Augmentation, StrongAugmentation
from labelbench_core.augmentation.views import augment, num_draws, strong, view
from labelbench_core.seeds import rng_for
from labelbench_core.training.batches import DeviceImages
from labelbench_core.training.examples import ImageExamples
from labelbench_core.training.recipe import Recipe

WEAK = Augmentation(translate=0.1, rotate=10, scale=0.1, flip=True)
STRONG = StrongAugmentation(WEAK)
NEAREST = Image.Resampling.NEAREST


def affine(image, *entries):
    return image.transform(image.size, Image.Transform.AFFINE, entries, NEAREST)


PILLOW = {
    "identity": lambda image, _: image,
    "autocontrast": lambda image, _: ImageOps.autocontrast(image),
    "brightness": lambda image, v: ImageEnhance.Brightness(image).enhance(v),
    "color": lambda image, v: ImageEnhance.Color(image).enhance(v),
    "contrast": lambda image, v: ImageEnhance.Contrast(image).enhance(v),
    "equalize": lambda image, _: ImageOps.equalize(image),
    "posterize": lambda image, v: ImageOps.posterize(image, int(v)),
    "sharpness": lambda image, v: ImageEnhance.Sharpness(image).enhance(v),
    "solarize": lambda image, v: ImageOps.solarize(image, v),
    "rotate": lambda image, v: image.rotate(v, NEAREST),
    "shear-x": lambda image, v: affine(image, 1, v, 0, 0, 1, 0),
    "shear-y": lambda image, v: affine(image, 1, 0, 0, v, 1, 0),
    "translate-x": lambda image, v: affine(image, 1, 0, v * image.width, 0, 1, 0),
    "translate-y": lambda image, v: affine(image, 1, 0, 0, 0, 1, v * image.height),
}


def pictures(count, height=24, width=32):
    """uint8 (count, height, width, 3): smooth, of few values, of one value, and noise."""
    rng = rng_for("pictures")
    images = rng.integers(20, 240, (count, height, width, 3), dtype=np.uint8)
    ramp = np.linspace(20, 210, width)[None, :, None] + np.arange(height)[:, None, None]
    images[0] = ramp + np.array([0, 10, 20])
    images[1] = rng.integers(0, 3, (height, width, 3)) * 80 + 30
    images[2] = 77
    return images


def by_operation(name, images, magnitudes):
    """`images` changed by one operation, each by its magnitude."""
    operation = OPERATIONS[name]
    kind = (list(OPERATIONS).index(name) + 0.5) / len(OPERATIONS)
    shares = (magnitudes - operation.low) / (operation.high - operation.low)
    draws = np.stack([np.full(len(images), kind), shares], axis=1)
    planes = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()
    rand_augment(planes, draws)
    return planes.permute(0, 2, 3, 1).numpy()


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_do_what_pillows_do(name):
    images = pictures(60)
    operation = OPERATIONS[name]
    magnitudes = rng_for("magnitudes").uniform(operation.low, operation.high, len(images))
    found = by_operation(name, images, magnitudes)
    make = PILLOW[name]
    expected = np.stack(
        [make(Image.fromarray(i), float(v)) for i, v in zip(images, magnitudes, strict=True)]
    )
    if operation.matrix is None:
        # Pillow's scaling to the full range is not exact: it cuts off whole numbers.
        assert np.abs(found.astype(int) - expected).max() <= (name == "autocontrast")
        assert (found != expected).mean() < 1e-3
    else:
        # The nearest pixel of a place half-way between two is a matter of rounding.
        assert (found != expected).any(axis=-1).mean() < 2e-3
    if name != "identity":
        assert (found != images).any(axis=(1, 2, 3)).sum() >= 0.8 * len(images)


def test_equalize_leaves_small_images_alone():
    images = pictures(4, 8, 8)
    assert np.array_equal(by_operation("equalize", images, np.zeros(4)), images)


def fake_operation(change):
    return Operation(0, 256, lambda images, amounts: change(images, amounts.view(-1, 1, 1, 1)))


def replace_operations(monkeypatch, changes):
    """Fake operations; the affine ones keep the image, and come last as the real ones do."""
    fakes = {str(number): fake_operation(change) for number, change in enumerate(changes)}
    still = Operation(0, 1, matrix=randaugment.translate_x)
    monkeypatch.setattr(randaugment, "OPERATIONS", {**fakes, "still": still})


def test_kinds_and_magnitudes_are_uniform(monkeypatch):
    writes_kind = [lambda x, _, k=k: torch.full_like(x, k + 1) for k in range(13)]
    replace_operations(monkeypatch, writes_kind)
    images = torch.zeros((14000, 1, 1, 3), dtype=torch.uint8)
    only = StrongAugmentation(operations=1, cutout=0.0)
    counts = np.bincount(strong(images, only, rng_for("kinds"))[:, 0, 0, 0].numpy(), minlength=14)
    assert counts.sum() == 14000
    assert (np.abs(counts - 1000) < 150).all()  # five standard deviations
    replace_operations(monkeypatch, [lambda x, v: v.to(torch.uint8).expand_as(x)])
    drawn = strong(images, only, rng_for("magnitudes"))[:, 0, 0, 0].numpy()
    drawn = drawn[drawn > 0]
    assert 6500 < len(drawn) < 7500
    assert drawn.min() <= 2
    assert drawn.max() >= 254
    assert np.abs(np.bincount(drawn // 64) - len(drawn) / 4).max() < 200


def test_operations_are_made_in_the_order_drawn(monkeypatch):
    replace_operations(monkeypatch, [lambda x, _: x + 1, lambda x, _: x * 10])
    images = torch.ones((4, 3, 2, 2), dtype=torch.uint8)
    add, multiply = 0.1, 0.5
    kinds = np.array([[add, multiply], [multiply, add], [add, add], [multiply, multiply]])
    rand_augment(images, np.concatenate([kinds, np.zeros((4, 2))], axis=1))
    assert images[:, 0, 0, 0].tolist() == [20, 11, 3, 100]


@pytest.mark.parametrize("augmentation", [STRONG, StrongAugmentation(operations=3, cutout=0.0)])
def test_an_image_depends_on_its_own_draws_only(augmentation, monkeypatch):
    images = torch.from_numpy(pictures(40))
    before = images.clone()
    whole = strong(images, augmentation, rng_for("own"))
    assert torch.equal(whole, strong(images, augmentation, rng_for("own")))
    assert not torch.equal(whole, strong(images, augmentation, rng_for("other")))
    assert torch.equal(images, before)
    assert whole.shape == images.shape
    assert whole.dtype == torch.uint8
    rng = rng_for("own")
    rng.bit_generator.advance(13 * num_draws("strong", augmentation))
    assert torch.equal(strong(images[13:21], augmentation, rng), whole[13:21])
    monkeypatch.setattr(randaugment, "CHUNK_VALUES", 1)
    assert torch.equal(strong(images, augmentation, rng_for("own")), whole)


def test_copies_of_an_image_are_changed_differently():
    images = torch.from_numpy(pictures(4))[3:].expand(30, -1, -1, -1)
    assert len({image.numpy().tobytes() for image in strong(images, STRONG, rng_for("a"))}) >= 29


def test_input_in_another_memory_layout_is_not_changed():
    planes = torch.from_numpy(pictures(6)).permute(0, 3, 1, 2).contiguous()
    before = planes.clone()
    found = strong(planes.permute(0, 2, 3, 1), STRONG, rng_for("a"))
    assert torch.equal(planes, before)
    assert torch.equal(found, strong(before.permute(0, 2, 3, 1).contiguous(), STRONG, rng_for("a")))


def test_weak_changes_come_first_and_are_rounded():
    images = torch.from_numpy(pictures(8))
    only = StrongAugmentation(WEAK, operations=0, cutout=0.0)
    moved = augment(images.permute(0, 3, 1, 2).float(), WEAK, rng_for("a"))
    expected = moved.round().to(torch.uint8).permute(0, 2, 3, 1)
    assert torch.equal(strong(images, only, rng_for("a")), expected)
    nothing = StrongAugmentation(operations=0, cutout=0.0)
    assert torch.equal(strong(images, nothing, rng_for("a")), images)


def test_cutout_fills_a_square_of_random_size_and_place():
    height, width = 20, 30
    images = torch.full((3000, height, width, 3), 200, dtype=torch.uint8)
    cut = strong(images, StrongAugmentation(operations=0, cutout=0.5), rng_for("cut")).numpy()
    assert set(np.unique(cut)) == {views.GREY, 200}
    grey = (cut == views.GREY).all(axis=-1)
    assert np.array_equal(grey, (cut == views.GREY).any(axis=-1))
    rows, columns = grey.any(axis=2), grey.any(axis=1)
    assert np.array_equal(grey, rows[:, :, None] & columns[:, None, :])
    tall, wide = rows.sum(axis=1), columns.sum(axis=1)
    assert tall.max() == wide.max() == 10  # half of the shorter side
    # Half a pixel at both ends, whole pixels between; some squares are cut by the border.
    sizes = np.bincount(np.maximum(tall, wide), minlength=11)
    assert (np.abs(sizes[1:10] - 300) < 110).all()
    assert 75 < sizes[0] < 230
    inner = (tall == wide) & (tall > 0)
    assert 0.5 < inner.mean() < 0.95
    # Every pixel is hit.
    share = grey.mean(axis=0)
    assert share.min() > 0.005
    assert share.max() < 0.1


def test_views_of_an_image():
    images = torch.from_numpy(pictures(6))

    def preprocess(pixels):
        return pixels.permute(0, 3, 1, 2).float() / 255

    found = {
        name: view(name, images, preprocess, STRONG, rng_for("v"))
        for name in ("plain", "weak", "strong")
    }
    assert torch.equal(found["plain"], preprocess(images))
    assert torch.equal(found["weak"], augment(preprocess(images), WEAK, rng_for("v")))
    assert torch.equal(found["strong"], preprocess(strong(images, STRONG, rng_for("v"))))
    recipe = Recipe(translate=0.1, rotate=10.0, scale=0.1, flip=True)
    assert recipe.strong == STRONG
    examples = ImageExamples(
        DeviceImages(ArrayImages(images.numpy()), np.arange(6), torch.device("cpu")),
        preprocess,
        recipe,
    )
    rows, raw = next(iter(examples.batches([np.arange(6)])))
    for name, expected in found.items():
        assert torch.equal(examples.view(name, rows, raw, rng_for("v")), expected)


@pytest.mark.parametrize(
    ("name", "augmentation", "count"),
    [
        ("plain", STRONG, 0),
        ("weak", STRONG, 5),
        ("weak", StrongAugmentation(), 0),
        ("strong", STRONG, 5 + 4 + 3),
        ("strong", StrongAugmentation(operations=3, cutout=0.0), 6),
        ("strong", StrongAugmentation(operations=0, cutout=0.0), 0),
    ],
)
def test_number_of_draws(name, augmentation, count):
    assert num_draws(name, augmentation) == count
    rng, same = rng_for("count"), rng_for("count")
    images = torch.from_numpy(pictures(7))
    view(name, images, lambda pixels: pixels.permute(0, 3, 1, 2).float(), augmentation, rng)
    same.random(7 * count)
    assert rng.random() == same.random()


def test_everything_stays_on_the_device(monkeypatch):
    # No GPU is needed: fake tensors know their device and refuse to be mixed.
    # They cannot be put into page-locked memory.
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor: tensor)
    with FakeTensorMode(allow_non_fake_inputs=False):
        images = torch.empty((64, 12, 12, 3), dtype=torch.uint8, device="cuda")
        found = strong(images, STRONG, rng_for("a"))
    assert found.device.type == "cuda"
    assert found.shape == images.shape
