"""Own weights: any classifier or none, refused in one true line, and no pixel left out."""

import json
import os
import re

import open_clip
import pytest
import timm
import torch
from safetensors.torch import save_file

from labelbench_core.backbones import open_clip_model, timm_model
from labelbench_core.backbones.shared import building, patches
from labelbench_core.errors import InputError
from tests.helpers.own_models import GIVEN

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def tiny_clip(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clip")
    tower = {"image_size": 32, "layers": 1, "width": 64, "head_width": 32, "patch_size": 16}
    text = {"context_length": 8, "vocab_size": 100, "width": 32, "heads": 2, "layers": 1}
    config = {"embed_dim": 24, "vision_cfg": tower, "text_cfg": text}
    (folder / "tiny-own.json").write_text(json.dumps(config))
    open_clip.add_model_config(folder / "tiny-own.json")
    return "tiny-own"


@pytest.mark.parametrize(
    ("model", "size", "edge"),
    [
        ("vit_tiny_patch16_224", 100, 16),
        ("swin_tiny_patch4_window7_224", 98, 4),
        ("convnext_atto", 98, 4),
        ("vit_tiny_r_s16_p8_224", 100, None),
        ("levit_128s", 100, None),
        ("resnet10t", 97, None),
    ],
)
def test_a_size_that_patches_do_not_fill_is_refused(model, size, edge):
    options = {"model": model, "pretrained": False}
    if edge is None:
        timm_model.check_known(**options, input_size=size)
        return
    told = f"^input_size: {size}; allowed: a multiple of {edge}$"
    for ask in (timm_model.check_known, timm_model.build):
        with pytest.raises(InputError, match=told):
            ask(**options, input_size=size)
    timm_model.check_known(**options, input_size=7 * 8 * edge)


@pytest.mark.parametrize(
    ("model", "size", "sized"),
    [
        ("test_vit", 64, True),
        ("test_convnext", 62, False),
        ("test_convnext", 64, False),
        ("test_resnet", 63, False),
        ("test_efficientnet", 61, False),
    ],
)
def test_what_is_refused_is_what_loses_pixels(model, size, sized):
    options = {"img_size": size} if sized else {}
    network = timm.create_model(model, num_classes=0, **options).eval()
    pixels = torch.randn(1, 3, size, size, requires_grad=True)
    network(pixels).square().sum().backward()
    seen = bool((pixels.grad[0].abs().sum(dim=0)[-1] > 0).all())
    assert seen == (size % patches.patch_edge(network) == 0)


def test_open_clips_towers_see_all_pixels_or_are_refused(tiny_clip):
    options = {"model": tiny_clip, "pretrained": None}
    for ask in (open_clip_model.check_known, open_clip_model.build):
        with pytest.raises(InputError, match=r"^input_size: 50; allowed: a multiple of 16$"):
            ask(**options, input_size=50)
        ask(**options, input_size=48)
    for model, edge in (("ViT-B-16-SigLIP", 16), ("RN50", None)):
        if edge is None:
            open_clip_model.check_known(model=model, pretrained=None, input_size=97)
        else:
            with pytest.raises(InputError, match=f"multiple of {edge}"):
                open_clip_model.check_known(model=model, pretrained=None, input_size=97)


@pytest.mark.parametrize("classes", [1000, 7, 0])
def test_a_checkpoint_may_have_any_classifier_or_none(tmp_path, caplog, classes):
    model = "test_resnet.r160_in1k"
    network = timm.create_model(model, num_classes=classes).eval()
    kinds = {
        "a.safetensors": lambda path: save_file(network.state_dict(), path),
        "a.pth": lambda path: torch.save({"state_dict": network.state_dict(), "epoch": 3}, path),
    }
    for name, save in kinds.items():
        save(tmp_path / name)
    network.reset_classifier(0)
    for name in kinds:
        options = {"model": model, "checkpoint": str(tmp_path / name)}
        timm_model.check_known(**options)
        with caplog.at_level("INFO"):
            found = timm_model.build(**options)
        assert found.weights_sha256 == building.hash_weights(network)
        width = found.num_features
        told = (f"fc.weight ({classes}, {width})", f"fc.bias ({classes},)") if classes else ()
        assert found.dropped == told
        assert ("not used of the weights file: fc.weight" in caplog.text) == bool(classes)
        caplog.clear()


@pytest.mark.parametrize("names", [["head.weight", "head.bias"], ["classifier.1.weight"]])
def test_a_classifier_of_another_name_is_dropped_if_it_is_one(tmp_path, names):
    state = timm.create_model("test_resnet", num_classes=0).state_dict()
    layer = {name: torch.zeros((7, 64) if name.endswith("weight") else 7) for name in names}
    save_file({**state, **layer}, tmp_path / "a.safetensors")
    options = {"model": "test_resnet.r160_in1k", "checkpoint": str(tmp_path / "a.safetensors")}
    if names[0].startswith("head"):
        timm_model.check_known(**options)
        dropped = timm_model.build(**options).dropped
        assert sorted(dropped) == ["head.bias (7,)", "head.weight (7, 64)"]
        return
    with pytest.raises(InputError, match=r"not in the model: classifier.1.weight\)"):
        timm_model.check_known(**options)


def test_an_image_tower_with_a_classifier_is_enough(tmp_path, tiny_clip):
    whole = open_clip.create_model(tiny_clip).eval()
    tower = {f"visual.{key}": one for key, one in whole.visual.state_dict().items()}
    head = {"head.weight": torch.zeros(5, 24), "head.bias": torch.zeros(5)}
    pixels = torch.randn(2, 3, 32, 32)
    for name, state in {
        "tower.pt": {**tower, **head},
        "whole.pt": {**whole.state_dict(), **head},
    }.items():
        torch.save(state, tmp_path / name)
        options = {"model": tiny_clip, "checkpoint": str(tmp_path / name), **GIVEN}
        open_clip_model.check_known(**options)
        found = open_clip_model.build(**options)
        assert found.dropped == ("head.weight (5, 24)", "head.bias (5,)")
        with torch.inference_mode():
            torch.testing.assert_close(found.model(pixels), whole.encode_image(pixels))
    options["checkpoint"] = str(tmp_path / "tower.pt")
    with pytest.raises(InputError, match=r"tower.pt: not weights of tiny-own \(missing: \S+, "):
        open_clip_model.zero_shot_head(["cat"], None, **options)
    del tower["visual.conv1.weight"]
    torch.save(tower, tmp_path / "tower.pt")
    for ask in (open_clip_model.check_known, open_clip_model.build):
        with pytest.raises(InputError, match=r"\(missing: visual.conv1.weight\)$"):
            ask(**options)


def test_a_conversion_that_needs_a_classifier_is_not_needed(tmp_path):
    """timm takes a Swin transformer's file without one for one of an older version."""
    model = "swin_tiny_patch4_window7_224.ms_in1k"
    with torch.device("meta"):
        state = timm.create_model(model, num_classes=0).state_dict()
    torch.save(state, tmp_path / "swin.pth")
    timm_model.check_known(model=model, checkpoint=str(tmp_path / "swin.pth"))


def write_text(path):
    path.write_text("no weights, but words")


def write_objects(path):
    torch.save({"weight": torch.zeros(3), "command": os.system}, path)


def write_list(path):
    torch.save([torch.zeros(3)], path)


def write_nothing(path):
    torch.save({}, path)


def write_other_model(path):
    torch.save(timm.create_model("test_efficientnet").state_dict(), path)


@pytest.mark.parametrize("which", ["timm", "open_clip"])
@pytest.mark.parametrize(
    ("write", "words"),
    [
        (write_text, "neither a .safetensors file"),
        (write_objects, "more than tensors: .*system; save its state_dict only"),
        (write_list, "no named tensors"),
        (write_nothing, "missing: |no named tensors"),
        (write_other_model, r"\(missing: \S+, \S+, \S+ and \d+ more; .*not in the model: "),
    ],
)
def test_what_is_not_the_models_weights_is_one_line(tmp_path, tiny_clip, which, write, words):
    module, model = {
        "timm": (timm_model, "test_vit"),
        "open_clip": (open_clip_model, tiny_clip),
    }[which]
    path = tmp_path / "weights.pth"
    write(path)
    for ask in (module.check_known, module.build):
        with pytest.raises(InputError) as told:
            ask(model=model, checkpoint=str(path), **GIVEN)
        text = str(told.value)
        assert text.startswith(f"checkpoint: {path}: not weights of {model} (")
        assert "\n" not in text
        assert "weights_only" not in text
        assert "internet" not in text
        assert re.search(words, text)


def test_shapes_are_compared_and_safetensors_are_read(tmp_path):
    state = timm.create_model("test_vit").state_dict()
    path = tmp_path / "weights.safetensors"
    options = {"model": "test_vit.r160_in1k", "checkpoint": str(path)}
    save_file({**state, "norm.weight": torch.zeros(3)}, path)
    with pytest.raises(InputError, match=r"\(of another shape: norm.weight \(3,\), expected"):
        timm_model.check_known(**options)
    save_file({**state, "decoder.weight": torch.zeros(3)}, path)
    with pytest.raises(InputError, match=r"\(not in the model: decoder.weight\)"):
        timm_model.check_known(**options)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match="not a safetensors file: "):
        timm_model.check_known(**options)


def test_a_configuration_of_another_model_is_refused(tmp_path):
    torch.save(timm.create_model("test_vit").state_dict(), tmp_path / "weights.pth")
    beside = tmp_path / "config.json"
    options = {"model": "test_vit", "checkpoint": str(tmp_path / "weights.pth")}
    prepared = {"mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic"}
    content = {"pretrained_cfg": {**prepared, "crop_mode": "center"}}
    for other in ("resnet50", ["test_vit"]):
        beside.write_text(json.dumps({"architecture": other, **content}))
        for ask in (timm_model.check_known, timm_model.build):
            with pytest.raises(InputError) as told:
                ask(**options)
            text = str(told.value)
            assert text.startswith(f"{beside}: architecture: {other!r}; allowed")
            assert "\n" not in text
    beside.write_text(json.dumps({"architecture": "test_vit", **content}))
    timm_model.check_known(**options)
    # Whose configuration is not asked for may lie there.
    beside.write_text(json.dumps({"architecture": "resnet50", **content}))
    timm_model.check_known(**options, pretrained="r160_in1k")
