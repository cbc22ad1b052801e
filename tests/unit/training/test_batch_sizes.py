"""Every size of a last batch, in one thread and in two: torch takes other ways for small ones."""

import copy
import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from helpers.array_images import ArrayImages
from helpers.batch_norms import randomise_statistics
from labelbench_core.backbones.shared import building
from labelbench_core.embeddings.augmented import extract_views
from labelbench_core.embeddings.extract import extract_embeddings
from labelbench_core.embeddings.features import FeatureExtractor
from labelbench_core.errors import InputError
from labelbench_core.seeds import rng_for
from labelbench_core.storage.store import open_rows
from labelbench_core.trainers import mean_teacher, supervised
from labelbench_core.training import on_images, run
from labelbench_core.training.batches import DeviceImages
from labelbench_core.training.checkpoints import Checkpoint
from labelbench_core.training.examples import ImageExamples
from labelbench_core.training.loop import train
from labelbench_core.training.network import Network, load_network, portable_state
from labelbench_core.training.recipe import Recipe
from labelbench_core.training.run import Task, Validation

pytestmark = pytest.mark.usefixtures("one_thread")
CPU = torch.device("cpu")
BATCH = 17  # torch's way for convolutions over single pixels changes at 16
SIZE = 8


@pytest.fixture(params=[1, 2])
def threads(request, one_thread):
    """Threads of torch."""
    torch.set_num_threads(request.param)
    return request.param


@pytest.fixture(autouse=True)
def _never_given_up(monkeypatch):
    """Trainings this short may predict a single class: not what is tested here."""
    monkeypatch.setattr(run.Window, "failure", lambda *_, **__: None)


class Convolutions(torch.nn.Module):
    """Every kind of convolution that torch computes in its own way, each with a BatchNorm."""

    def __init__(self):
        super().__init__()
        layers = [
            torch.nn.Conv2d(3, 8, 3, padding=1, bias=False),
            torch.nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False),
            torch.nn.Conv2d(8, 16, 1, bias=False),
            torch.nn.Conv2d(16, 12, 1, stride=2),
        ]
        self.layers = torch.nn.Sequential(
            *(part for conv in layers for part in (conv, torch.nn.BatchNorm2d(conv.out_channels)))
        )

    def forward(self, pixels):
        return self.layers(pixels).relu().mean(dim=(2, 3))


def backbone():
    with building.seeded_initialisation(3):
        network = Convolutions()
    randomise_statistics(network)
    return building.finish(
        network,
        input_size=SIZE,
        mean=(0.5,) * 3,
        std=(0.25,) * 3,
        interpolation="bilinear",
        layer="mean",
    )


def images(count):
    return rng_for("images").integers(0, 256, (count, 6, 6, 3), dtype=np.uint8)


class Splits:
    """A prepared data set with these many images in its splits."""

    def __init__(self, **sizes):
        self.arrays = {split: images(size) for split, size in sizes.items()}
        self.splits = list(sizes)
        self.num_classes, self.rows = 2, "images"
        self.manifest = {
            "dataset": "made",
            "fingerprint": "of it",
            "splits": {split: {"num_rows": size} for split, size in sizes.items()},
        }

    def images(self, split, **_):
        return ArrayImages(self.arrays[split])

    def labels(self, split):
        return np.arange(len(self.arrays[split])) % 2

    def verify(self):
        pass


def refreshed(tmp_path):
    """The backbone with the weights of a fine-tuning, as a refresh embeds with it."""
    pretrained = backbone()
    network = Network(pretrained.model, 12, 2)
    save_file(portable_state(network, []), tmp_path / "model.safetensors")
    loaded = load_network(tmp_path / "model.safetensors", pretrained.model)
    return dataclasses.replace(pretrained, model=loaded.backbone)


def expected_features(of, array):
    with torch.no_grad():
        return of.model(of.preprocess(torch.from_numpy(array))).numpy()


@pytest.mark.parametrize("build", [lambda _: backbone(), refreshed], ids=["pretrained", "refresh"])
def test_features_of_every_batch_size(threads, build, tmp_path):
    chosen = build(tmp_path)
    extractor = FeatureExtractor(chosen, "cpu", "float32")
    array = images(BATCH)
    expected = expected_features(chosen, array)
    for size in range(1, BATCH + 1):
        np.testing.assert_allclose(extractor(array[:size]), expected[:size], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("pool", [1, 17])
def test_extractions_with_small_last_batches(threads, pool, tmp_path):
    """Splits of one image, and a last batch of one."""
    dataset, chosen = Splits(pool=pool, test=1), backbone()
    for name, extract, options in (
        ("clean", extract_embeddings, ()),
        ("views", extract_views, ({"id": "some", "draws": 1, "weak": {"flip": True}},)),
    ):
        folder = tmp_path / name
        extract(
            dataset,
            chosen,
            "small",
            *options,
            folder / "arrays",
            folder / "manifest.json",
            threads=threads,
            batch_size=16,
        )
    found = open_rows(tmp_path / "clean" / "arrays" / "pool-clean").load()
    expected = expected_features(chosen, dataset.arrays["pool"])
    np.testing.assert_allclose(found, expected, rtol=2e-3, atol=2e-3)
    for array in ("weak-0", "strong-0"):
        view = open_rows(tmp_path / "views" / "arrays" / array).load()
        assert view.shape == found.shape
        assert np.isfinite(view).all()


def task(count, **parts):
    def examples(size):
        of = DeviceImages(ArrayImages(images(size)), np.arange(size), CPU)
        return ImageExamples(of, backbone().preprocess, Recipe())

    made = {name: examples(size) for name, size in parts.items() if name != "validation"}
    if size := parts.get("validation"):
        made["validation"] = Validation(examples(size), np.arange(size) % 2)
    return Task(
        labeled=examples(count),
        labels=np.arange(count) % 2,
        num_classes=2,
        names=("small",),
        device=CPU,
        **made,
    )


@pytest.mark.parametrize("batch_norm", ["folded", "frozen"])
def test_evaluation_of_every_last_batch(threads, batch_norm, monkeypatch):
    """While a network is trained, and after."""
    monkeypatch.setattr(on_images, "EVALUATION_BATCH", BATCH - 1)
    monkeypatch.setattr(run, "VALIDATION_BATCH", BATCH - 1)
    chosen = backbone()
    options = {"steps": 2, "warmup_steps": 0, "batch_norm": batch_norm, "validation_every": 1}
    recipe = Recipe(**options, validation="extra", validation_size=1)
    network, folds = on_images._network(on_images.Start(chosen), recipe, 2)
    assert bool(folds) == (batch_norm == "folded")
    for validation in (1, BATCH):
        fit = train(
            network,
            supervised.build(),
            recipe,
            task(3, validation=validation),
            Checkpoint(None, ""),
        )
        assert [look["step"] for look in fit.validation] == [1, 2]
    trained = SimpleNamespace(network=network, device=CPU)
    inference = on_images.for_inference(trained, chosen)
    array = images(2 * BATCH)
    with torch.no_grad():
        inputs = chosen.preprocess(torch.from_numpy(array))
        expected = network(inputs).softmax(dim=1).numpy()
    for size in (*range(1, BATCH), 2 * BATCH - 1):
        found = on_images.predict_proba(
            inference, chosen, ArrayImages(array[:size]), CPU, torch.float32
        )
        np.testing.assert_allclose(found, expected[:size], atol=1e-4)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("accumulate", [1, 4])
def test_trainings_on_few_labels_and_few_others(count, accumulate):
    """Mixed with itself alone, divided into parts of one row, one unlabelled image left."""
    recipe = Recipe(
        steps=2, batch_size=4, warmup_steps=0, accumulate=accumulate, ema_decay=0.5, flip=True
    )
    for trainer, parts in (
        (supervised.build(mixup=0.4, cutmix=1.0), {}),
        (mean_teacher.build(), {"unlabeled": 1}),
    ):
        network, _ = on_images._network(on_images.Start(backbone()), recipe, 2)
        fit = train(network, trainer, recipe, task(count, **parts), Checkpoint(None, ""))
        assert not fit.diverged


class Pixels(torch.nn.Module):
    """Ends in a map of one pixel with a BatchNorm, as networks with small inputs do."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = torch.nn.Conv2d(3, 4, SIZE), torch.nn.BatchNorm2d(4)

    def forward(self, pixels):
        return self.norm(self.conv(pixels)).flatten(1)


@pytest.mark.parametrize(("count", "accumulate"), [(1, 1), (5, 4)])
def test_statistics_of_one_pixel_are_refused(count, accumulate):
    recipe = Recipe(
        steps=2, batch_size=4, warmup_steps=0, accumulate=accumulate, batch_norm="batch"
    )
    with pytest.raises(InputError, match=r"training\.batch_norm: batch; a pass of 1 labelled"):
        train(
            Network(Pixels(), 4, 2), supervised.build(), recipe, task(count), Checkpoint(None, "")
        )


class PositionBiases(torch.nn.Module):
    """LeViT's attention, which keeps its biases in evaluation mode, and dropout beside it."""

    def __init__(self):
        super().__init__()
        from timm.models.levit import Attention

        self.stem = torch.nn.Conv2d(3, 8, 4, stride=4)
        self.attention = Attention(8, key_dim=4, num_heads=2, resolution=SIZE // 4, use_conv=True)
        torch.nn.init.normal_(self.attention.attention_biases)
        self.dropout = torch.nn.Dropout(0.5)

    def forward(self, pixels):
        return self.dropout(self.attention(self.stem(pixels))).mean(dim=(2, 3))


def forgetful(network):
    """A copy that computes everything anew from its weights."""
    return copy.deepcopy(network).train().eval()


@pytest.mark.parametrize("batch_norm", ["folded", "batch"])
def test_what_networks_keep_of_their_weights_is_never_stale(batch_norm):
    """Biases are trained though nothing else is in training mode; looks do not freeze them."""
    with building.seeded_initialisation(5):
        network = PositionBiases()
    chosen = building.finish(
        network, input_size=SIZE, mean=(0.5,) * 3, std=(0.25,) * 3,
        interpolation="bilinear", layer="mean",
    )  # fmt: skip
    before = chosen.model.attention.attention_biases.detach().clone()
    recipe = Recipe(
        steps=3, batch_size=4, warmup_steps=0, learning_rate=0.1, batch_norm=batch_norm,
        accumulate=2, ema_decay=0.5, validation="extra", validation_size=3, validation_every=1,
    )  # fmt: skip
    whole, _ = on_images._network(on_images.Start(chosen), recipe, 2)
    teacher_saw = []

    class Watching(type(mean_teacher.build())):
        def loss(self, network, batch, step):
            with torch.no_grad():
                teacher_saw.append(step.teacher(batch.weak))
                torch.testing.assert_close(teacher_saw[-1], forgetful(step.teacher)(batch.weak))
            return super().loss(network, batch, step)

    trainer = Watching(**vars(mean_teacher.build()))
    train(whole, trainer, recipe, task(6, unlabeled=5, validation=3), Checkpoint(None, ""))
    assert len(teacher_saw) == 6
    after = whole.backbone.attention.attention_biases.detach()
    assert (after - before).abs().min() > 0
    inputs = chosen.preprocess(torch.from_numpy(images(3)))
    with torch.no_grad():
        torch.testing.assert_close(whole(inputs), forgetful(whole)(inputs))
