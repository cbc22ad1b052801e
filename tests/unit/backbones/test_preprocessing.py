"""Images reach a network as its weights want them: as OpenCLIP and timm themselves prepare them."""

import dataclasses
import io

import numpy as np
import open_clip
import pytest
import timm
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from timm.data import create_transform, resolve_data_config

from helpers.project import PROJECT
from labelbench_core.backbones import Backbone, efficientnet_lite, open_clip_model, timm_model
from labelbench_core.configuration.catalogue import load_catalogue
from labelbench_core.configuration.compatibility.row_kinds import reads
from labelbench_core.datasets import open_dataset
from labelbench_core.datasets.images.decoding import decode
from labelbench_core.datasets.images.framing import RESIZE_MODES, Framing, framing_of
from labelbench_core.datasets.preparing.prepare import prepare_dataset
from labelbench_core.embeddings.extract import extract_embeddings
from labelbench_core.selection.data import open_image_data
from labelbench_core.training.checkpoints import Checkpoint
from labelbench_core.training.on_images import Start, evaluate, train_network

pytestmark = pytest.mark.usefixtures("one_thread")
CROP_MODES = {"shortest": "center", "longest": "border", "squash": "squash"}
MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)
SHAPES = [(60, 90), (97, 41), (48, 48), (20, 150)]


@pytest.fixture(scope="module")
def photo():
    """A photograph from scikit-learn's, 427 x 640."""
    from sklearn.datasets import load_sample_image

    return Image.fromarray(load_sample_image("china.jpg"))


def backbone(size, interpolation="bicubic", **framing):
    return Backbone(None, 1, size, MEAN, STD, interpolation, "", "", Framing(**framing))


def grey_values(found, expected):
    """Largest and mean difference of two normalised images, in grey values."""
    std = torch.tensor(STD).view(3, 1, 1)
    difference = ((found - expected) * std * 255).abs()
    return float(difference.max()), float(difference.mean())


@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("resize_mode", RESIZE_MODES)
@pytest.mark.parametrize("shape", SHAPES)
def test_arrays_are_prepared_as_by_the_libraries(photo, shape, resize_mode, interpolation):
    image = photo.resize(shape[::-1])
    array = torch.from_numpy(np.array(image))[None]
    theirs = {
        "open_clip": image_transform_v2(
            PreprocessCfg(32, "RGB", MEAN, STD, interpolation, resize_mode), is_train=False
        ),
        "timm": create_transform(
            (3, 32, 32),
            interpolation=interpolation,
            mean=MEAN,
            std=STD,
            crop_pct=1.0,
            crop_mode=CROP_MODES[resize_mode],
        ),
    }
    for library, transform in theirs.items():
        fill = (0, 0, 0) if library == "open_clip" else tuple(round(255 * m) for m in MEAN)
        ours = backbone(32, interpolation, resize_mode=resize_mode, fill=fill)
        largest, mean = grey_values(ours.preprocess(array)[0], transform(image))
        assert largest <= 2.5
        assert mean < 0.1


@pytest.mark.parametrize("resize_mode", RESIZE_MODES)
@pytest.mark.parametrize("kind", ["png", "jpeg"])
@pytest.mark.parametrize(("shape", "most"), [((320, 640), 1), ((600, 300), 1), ((427, 640), 8)])
def test_files_are_prepared_as_by_the_libraries(photo, shape, most, resize_mode, kind):
    """Decoded to a square of the data set's size first, so not to the last grey value.

    Where the middle begins between two pixels, the libraries round and so are half a pixel off.
    """
    image = photo.resize(shape[::-1])
    content = io.BytesIO()
    image.save(content, format=kind, **({"quality": 95} if kind == "jpeg" else {}))
    config = PreprocessCfg(64, "RGB", MEAN, STD, "bicubic", resize_mode)
    expected = image_transform_v2(config, is_train=False)(image)
    ours = backbone(64, resize_mode=resize_mode)
    decoded = decode(content.getvalue(), 128, ours.framing).pixels.copy()
    assert decoded.shape == (128, 128, 3)
    _, mean = grey_values(ours.preprocess(torch.from_numpy(decoded)[None])[0], expected)
    assert mean < most
    others = [Framing(mode) for mode in RESIZE_MODES if mode != resize_mode]
    for other in others:
        wrong = torch.from_numpy(decode(content.getvalue(), 128, other).pixels.copy())[None]
        assert grey_values(ours.preprocess(wrong)[0], expected)[1] > 10


def test_extreme_shapes_keep_a_pixel():
    for shape in ((1, 500), (500, 1)):
        for mode in RESIZE_MODES:
            images = torch.full((2, *shape, 3), 200, dtype=torch.uint8)
            found = backbone(16, resize_mode=mode, fill=(1, 2, 3)).preprocess(images)
            assert found.shape == (2, 3, 16, 16)
            assert torch.isfinite(found).all()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory, photo):
    """A prepared data set of files that are not square, two classes."""
    root = tmp_path_factory.mktemp("pictures")
    for split, count in (("pool", 3), ("test", 1)):
        for label in ("one", "two"):
            folder = root / "data" / "wide" / split / label
            folder.mkdir(parents=True)
            for number in range(count):
                box = (40 * number, 0, 40 * number + 400, 150 if label == "one" else 200)
                photo.crop(box).save(folder / f"{number}.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LABELBENCH_DATA", str(root / "data"))
        target = root / "prepared"
        prepare_dataset(
            "wide", "image-folder", {"folder": "wide", "image_size": 48}, root / "data",
            target / "arrays", target / "manifest.json",
        )  # fmt: skip
        yield open_dataset(target), root / "data" / "wide"


OPTIONS = {"model": "test_vit", "pretrained": False, "input_size": 48}


@pytest.mark.parametrize("resize_mode", ["longest", "squash"])
def test_every_stage_sees_the_images_as_the_backbone_wants_them(
    pictures, resize_mode, tmp_path, monkeypatch
):
    """Extraction, training, evaluation, and rounds of proxies that train on images."""
    dataset, folder = pictures
    chosen = timm_model.build(**OPTIONS, resize_mode=resize_mode)
    content = (folder / "test" / "one" / "0.png").read_bytes()
    square = decode(content, 48, chosen.framing).pixels.copy()
    manifest = extract_embeddings(
        dataset, chosen, "any", tmp_path / "arrays", tmp_path / "manifest.json", threads=1
    )
    assert manifest["preprocessing"] == {
        "input_size": 48,
        "resize_mode": resize_mode,
        "fill": list(chosen.framing.fill),
        "interpolation": "bicubic",
        "antialias": True,
        "rounding": "uint8",
        "mean": list(chosen.mean),
        "std": list(chosen.std),
    }
    with torch.no_grad():
        expected = chosen.model(chosen.preprocess(torch.from_numpy(square)[None])).numpy()
    from labelbench_core.storage.store import open_rows

    found = open_rows(tmp_path / "arrays" / "test-clean").load()[:1]
    np.testing.assert_allclose(found, expected, rtol=2e-3, atol=2e-3)

    seen = []

    def preprocess(self, images):
        seen.append(images.clone())
        return original(self, images)

    original = Backbone.preprocess
    monkeypatch.setattr(Backbone, "preprocess", preprocess)
    recipe = {"steps": 1, "warmup_steps": 0, "head": "fresh"}
    trained = train_network(
        dataset, np.arange(6), dataset.labels("pool"), Start(chosen),
        {"implementation": "supervised", "training": recipe},
        ("some",), Checkpoint(None, ""), torch.device("cpu"), 1,
    )  # fmt: skip
    evaluate(trained, chosen, dataset, ["test"], 1)
    pool_square = decode(
        (folder / "pool" / "one" / "0.png").read_bytes(), 48, chosen.framing
    ).pixels.copy()
    assert any((batch == torch.from_numpy(pool_square)).flatten(1).all(1).any() for batch in seen)
    assert (seen[-1][0].numpy() == square).all()
    options = {**OPTIONS, "resize_mode": resize_mode}
    entry = {"id": "some", "implementation": "timm-model", "options": options}
    ids = {"dataset": dataset.manifest["dataset"], "backbone": entry}
    data = open_image_data(ids, dataset.folder / "manifest.json")
    assert (data.embeddings["test"].take(np.arange(1))[0] == square).all()


def test_backbones_without_a_choice_see_the_middle():
    assert framing_of({"implementation": "efficientnet-lite"}) == Framing("shortest")


def test_the_catalogues_backbones_are_prepared_as_the_libraries_tables_say():
    catalogue = load_catalogue(PROJECT / "config" / "catalogue")
    of_images = {
        name: entry
        for name, entry in catalogue["backbones"].items()
        if reads(catalogue, name) == "images"
    }
    assert len(of_images) >= 12
    for name, entry in of_images.items():
        options = entry["options"]
        if entry["implementation"] == "efficientnet-lite":
            name = f"tf_efficientnet_{options.get('variant', 'lite0')}"
            table = timm.get_pretrained_cfg(name).to_dict()
            found = efficientnet_lite.build(**options)
            assert found.input_size == options["input_size"]
        elif entry["implementation"] == "timm-model":
            table = resolve_data_config(
                pretrained_cfg=timm.get_pretrained_cfg(options["model"]).to_dict()
            )
            found = timm_model._preprocessing(options["model"], True, None, {})
        else:
            table = dataclasses.asdict(PreprocessCfg())
            table |= open_clip.get_pretrained_cfg(options["model"], options["pretrained"])
            found = open_clip_model._preprocessing(
                options["model"], options["pretrained"], None, {}
            )
        mode = table.get("resize_mode") or {v: k for k, v in CROP_MODES.items()}[table["crop_mode"]]
        assert found.mean == tuple(table["mean"]), name
        assert found.std == tuple(table["std"]), name
        assert found.interpolation == table["interpolation"], name
        assert found.framing.resize_mode == mode, name
