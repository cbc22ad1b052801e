"""Networks of one's own, in files or as functions: their own features, or one clear line."""

import copy
import re
import sys
import types
import warnings

import numpy as np
import pytest
import torch

from helpers.project import PROJECT
from labelbench_core import provenance, registry
from labelbench_core.backbones import (
    exported_model,
    onnx_model,
    python_model,
    torchscript_model,
    wrapping,
)
from labelbench_core.compute.flops import flops_per_image
from labelbench_core.configuration.sources.weights_files import content_changed
from labelbench_core.embeddings.features import FeatureExtractor
from labelbench_core.errors import InputError

pytestmark = pytest.mark.usefixtures("one_thread")
GIVEN = {
    "mean": [0.5] * 3,
    "std": [0.25] * 3,
    "interpolation": "bicubic",
    "resize_mode": "shortest",
}
IMAGES = np.random.default_rng(0).integers(0, 256, (5, 40, 40, 3), dtype=np.uint8)
SIZE = 32


class Several(torch.nn.Module):
    """Maps, tokens and features of images."""

    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 8, 8, 8)

    def forward(self, pixels):
        maps = self.conv(pixels)
        tokens = maps.flatten(2).transpose(1, 2)
        return maps, tokens, tokens.mean(dim=1)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return Several().eval()


@pytest.fixture(scope="module")
def saved(tmp_path_factory, network):
    folder = tmp_path_factory.mktemp("models")
    image = torch.zeros(1, 3, SIZE, SIZE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it may go one day
        torch.jit.save(torch.jit.trace(network, image), folder / "net.ts")
    torch.export.save(torch.export.export(network, (image,)), folder / "net.pt2")
    return folder


def features(backbone):
    return FeatureExtractor(backbone, "cpu", "float32")(IMAGES)


def expected(network, backbone):
    with torch.inference_mode():
        return network(backbone.preprocess(torch.from_numpy(IMAGES)))


CHOSEN = [
    ({"output": "2"}, lambda maps, tokens, pooled: pooled),
    ({"output": "1", "token": "class"}, lambda maps, tokens, pooled: tokens[:, 0]),
    ({"output": "1", "token": "mean"}, lambda maps, tokens, pooled: pooled),
    ({"output": "1", "token": "patches"}, lambda maps, tokens, pooled: tokens[:, 1:].mean(dim=1)),
    ({"output": "0", "token": "mean"}, lambda maps, tokens, pooled: maps.mean(dim=(2, 3))),
    (
        {"output": "2", "normalize": True},
        lambda maps, tokens, pooled: torch.nn.functional.normalize(pooled, dim=1),
    ),
]


@pytest.mark.parametrize("kind", ["torchscript", "exported"])
def test_features_of_a_file_are_the_networks_own(saved, network, kind):
    module, file = {
        "torchscript": (torchscript_model, saved / "net.ts"),
        "exported": (exported_model, saved / "net.pt2"),
    }[kind]
    size = {"input_size": SIZE} if kind == "torchscript" else {}
    for chosen, rule in CHOSEN:
        options = {"file": str(file), **size, **chosen, **GIVEN}
        module.check(**options)
        backbone = module.build(**options)
        wanted = rule(*expected(network, backbone))
        torch.testing.assert_close(torch.from_numpy(features(backbone)), wanted)
    assert (backbone.num_features, backbone.input_size) == (8, SIZE)
    assert backbone.layer == "output 2, unit length"
    assert backbone.weights_sha256 == backbone.file_sha256 != ""
    assert flops_per_image(backbone.model, SIZE) == 2 * 8 * 3 * 8**2 * 4**2
    assert module.framing(**options).fill == (128, 128, 128)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"output": None}, r"^output: null; allowed: the network's 0, 1, 2$"),
        ({"output": "logits"}, r"^output: 'logits'; allowed: the network's 0, 1, 2$"),
        (
            {"output": "1"},
            r"^token: null; .*shape \(1, 16, 8\); allowed: class \(the fir",
        ),
        ({"output": "0", "token": "class"}, r"^token: class; .*allowed: mean \(of all places\)$"),
        ({"output": "2", "token": "mean"}, r"^token: mean; .*allowed: null, since these are fea"),
        ({"output": "2", "token": "last"}, r"^token: 'last'; allowed: class, mean, patches or nul"),
        ({"output": "2", "mean": None}, r"^options.mean: missing; allowed: the value that the ne"),
        ({"output": "2", "std": [0, 1, 1]}, r"^std: \[0, 1, 1\]; allowed: three numbers above 0"),
        ({"output": "2", "resize_mode": "no"}, r"^resize_mode: 'no'; allowed: shortest, longest"),
        ({"output": "2", "input_size": 64}, r"^input_size: 64; allowed: 32, which a file of torch"),
    ],
)
def test_what_a_network_does_not_say_is_asked_for(saved, options, told):
    given = {"file": str(saved / "net.pt2"), **GIVEN, **options}
    with pytest.raises(InputError, match=told) as caught:
        exported_model.check_known(**given)
    assert "\n" not in str(caught.value)


class Deep(torch.nn.Module):
    """A stem in a body, used once, one that is used twice, and a classifier."""

    def __init__(self):
        super().__init__()
        stem = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 8, 8), torch.nn.ReLU())
        self.body = torch.nn.ModuleDict({"stem": stem, "twice": torch.nn.Linear(8, 8)})
        self.pair = Pair()
        self.head = torch.nn.Linear(8, 3)

    def forward(self, pixels):
        tokens = self.body["stem"](pixels).flatten(2).transpose(1, 2)
        pooled, most = self.pair(tokens)
        return self.head(self.body["twice"](self.body["twice"](pooled + most)))


class Pair(torch.nn.Module):
    def forward(self, tokens):
        return tokens.mean(dim=1), tokens.amax(dim=1)


@pytest.fixture(scope="module")
def deep(tmp_path_factory):
    torch.manual_seed(0)
    network, image = Deep().eval(), torch.zeros(1, 3, SIZE, SIZE)
    folder = tmp_path_factory.mktemp("deep")
    torch.export.save(torch.export.export(network, (image,)), folder / "deep.pt2")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it may go one day
        torch.jit.save(torch.jit.trace(network, image), folder / "deep.ts")
    return network, folder


LAYERS = [
    ({"layer": "body.stem", "token": "mean"}, lambda stem: stem.mean(dim=(2, 3)), "its tokens"),
    ({"layer": "pair", "output": "1"}, lambda stem: stem.amax(dim=(2, 3)), "pair, output 1 of it"),
]


@pytest.mark.parametrize(("chosen", "rule", "told"), LAYERS)
def test_the_features_of_a_layer(deep, chosen, rule, told):
    network, folder = deep
    exported = exported_model.build(file=str(folder / "deep.pt2"), **chosen, **GIVEN)
    wrapped = wrapping.wrap(network, input_size=SIZE, **chosen, **GIVEN)
    for backbone in (exported, wrapped):
        wanted = rule(expected(network.body["stem"], backbone))
        torch.testing.assert_close(torch.from_numpy(features(backbone)), wanted)
        assert backbone.layer.startswith("output of layer ")
        assert backbone.layer.endswith(told)
    # A copy, as moving averages of weights have one, gives its own.
    copied = copy.deepcopy(wrapped.model)
    with torch.no_grad():
        for parameter in copied.parameters():
            parameter.zero_()
    assert not copied(torch.ones(1, 3, SIZE, SIZE)).any()
    assert features(wrapped).any()


@pytest.mark.parametrize("layer", ["body.stm", "body.twice", "", "pair.0"])
def test_layers_that_cannot_be_used_are_one_line(deep, layer):
    network, folder = deep
    with pytest.raises(InputError, match=r"^layer: .*allowed: ") as caught:
        wrapping.wrap(network, input_size=SIZE, layer=layer, output="0", **GIVEN)
    if layer == "body.stm":
        assert "(did you mean 'body.stem'?); allowed: body, body.stem, " in str(caught.value)
    if layer == "body.twice":
        assert "runs 2 times in the network" in str(caught.value)
    with pytest.raises(InputError, match=r"^layer: "):
        exported_model.check_known(file=str(folder / "deep.pt2"), layer=layer, output="0", **GIVEN)
    with pytest.raises(InputError, match=r"^layer: 'a'; allowed: null, since a function has no la"):
        wrapping.wrap(lambda pixels: pixels, input_size=SIZE, layer="a", **GIVEN)


def test_files_without_layers_refuse_them_before_any_job(deep):
    file = str(deep[1] / "deep.ts")
    told = r"^layer: 'head'; allowed: null, since layers inside a TorchScript file cannot be chosen"
    options = {"file": file, "input_size": SIZE, "layer": "head", **GIVEN}
    for refuse in (torchscript_model.check, torchscript_model.build):
        with pytest.raises(InputError, match=told):
            refuse(**options)


def test_onnx_files_have_no_layers(deep, monkeypatch):
    monkeypatch.setattr(onnx_model.importlib.util, "find_spec", lambda name: "there")
    told = r"^layer: 'head'; allowed: null, since layers inside an ONNX file cannot be chosen; save"
    with pytest.raises(InputError, match=told):
        onnx_model.check(file=str(deep[1] / "deep.ts"), layer="head", **GIVEN)


def test_files_of_another_kind_are_one_line(saved, tmp_path, caplog):
    words = tmp_path / "words.pt2"
    words.write_text("no network, but words")
    script = {"input_size": SIZE, **GIVEN}
    for module, file, more, told in (
        (torchscript_model, words, script, "not a TorchScript file"),
        (torchscript_model, saved / "net.pt2", script, "not a TorchScript file"),
        (exported_model, words, GIVEN, "not a file of torch.export"),
        (exported_model, saved / "net.ts", GIVEN, r"a file that torch.export.save wrote, \*.pt2"),
    ):
        with pytest.raises(InputError, match=rf"^file: {re.escape(str(file))}.*{told}") as caught:
            module.check_known(file=str(file), **more)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 500
    assert caplog.text == ""
    for module in (torchscript_model, exported_model):
        with pytest.raises(InputError, match=r"^file: /nowhere: no such file"):
            module.check(file="/nowhere", **script)
    with pytest.raises(InputError, match=r"^options.input_size: missing; allowed: height and wid"):
        torchscript_model.check(file=str(saved / "net.ts"), **GIVEN)


def test_a_size_that_a_network_does_not_take_is_one_line():
    fixed = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * SIZE**2, 4))
    assert wrapping.wrap(fixed, input_size=SIZE, **GIVEN).num_features == 4
    with pytest.raises(InputError, match=r"^input_size: 64: the network does not take images of"):
        wrapping.wrap(fixed, input_size=64, **GIVEN)


@pytest.mark.parametrize(
    ("shape", "told"),
    [
        ((1, 1, 32, 32), r"\(1, 1, 32, 32\); allowed: \(B, 3, H, W\)"),
        ((1, 3, 32, 48), "allowed"),
        ((1, 3), "allowed"),
    ],
)
def test_inputs_other_than_images_are_refused(shape, told):
    with pytest.raises(InputError, match=rf"^net: its input has the shape .*{told}"):
        wrapping.fixed_input(shape, "net")
    assert wrapping.fixed_input(("batch", 3, "height", "width"), "net") == (None, None)
    assert wrapping.fixed_input((4, 3, None, 32), "net") == (4, 32)


@pytest.fixture
def package(tmp_path, monkeypatch):
    (tmp_path / "own_networks.py").write_text(
        "import torch\n"
        "def small():\n"
        "    torch.manual_seed(0)\n"
        "    return torch.nn.Sequential(torch.nn.Conv2d(3, 4, 4, 4), torch.nn.ReLU())\n"
        "def plain():\n"
        "    return lambda pixels: {'grey': pixels.mean(dim=(2, 3))}\n"
        "def fails():\n"
        "    raise OSError('no disk')\n"
        "def nothing():\n"
        "    return None\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("own_networks", None)


def test_functions_of_packages(package):
    options = {"input_size": 16, **GIVEN}
    python_model.check(function="own_networks:small", **options)
    backbone = python_model.build(function="own_networks:small", token="mean", **options)
    wanted = expected(backbone.model.network, backbone).mean(dim=(2, 3))
    torch.testing.assert_close(torch.from_numpy(features(backbone)), wanted)
    assert backbone.model.network[0].weight.requires_grad
    grey = python_model.build(function="own_networks:plain", **options)
    assert features(grey).shape == (5, 3)
    assert flops_per_image(grey.model, 16) == 0
    for function, told in (
        ("own_networks.small", r"^function: 'own_networks.small'; allowed: PACKAGE.MODULE:FUNC"),
        ("own_networks:smal", r" smal \(did you mean 'small'\?\); allowed: small, plain, fails, "),
        ("own_networks:fails", r"raised OSError: no disk$"),
        ("own_networks:nothing", r"returned a NoneType; allowed: a network"),
        ("no_such_package:net", r"no_such_package(:net')?: cannot be imported: ModuleNotFoundErr"),
    ):
        with pytest.raises(InputError, match=told):
            python_model.check_known(function=function, **options)
    with pytest.raises(InputError, match="no Python package no_such_package is installed"):
        python_model.check(function="no_such_package:net", **options)


def test_the_functions_code_is_part_of_the_hash(package):
    def digest(function):
        provenance.remember(package / "none")
        one = ("backbones", "python-model", {"function": function})
        return provenance.code_hash("workflow_scripts.extract_embeddings", [one])

    before = digest("own_networks:small")
    assert digest("own_networks:plain") == before
    assert digest("not_installed:small") != before
    file = package / "own_networks.py"
    file.write_text(file.read_text().replace("ReLU", "GELU"))
    registry.parse.cache_clear()
    assert digest("own_networks:small") != before


def test_the_page_shows_a_backbone_in_a_file_of_ones_own(tmp_path):
    """docs/backbones.md."""
    page = (PROJECT / "docs" / "backbones.md").read_text(encoding="utf-8")
    (source,) = re.findall(r"^`mine\.py`:\n\n```python\n(.*?)^```$", page, re.M | re.S)
    (tmp_path / "mine.py").write_text(source)
    try:
        name = registry.use_own("mine.py", tmp_path)
        backbone = registry.build("backbones", {"implementation": name, "options": {"width": 8}})
        assert features(backbone).shape == (5, 8)
    finally:
        registry.forget_own()


class Session:
    """What is used of one of onnxruntime."""

    def get_inputs(self):
        return [types.SimpleNamespace(name="pixels")]

    def get_outputs(self):
        return [types.SimpleNamespace(name="one"), types.SimpleNamespace(name="two")]

    def run(self, outputs, given):
        assert given["pixels"].dtype == np.float32
        return [given["pixels"].mean(axis=(2, 3)) * (1 + number) for number in range(2)]


def test_a_session_of_onnxruntime_gives_outputs_by_name():
    options = {"input_size": 16, "batch_size": 2, "frozen": True, **GIVEN}
    backbone = wrapping.wrap(onnx_model._Runs(Session()), output="two", **options)
    pixels = backbone.preprocess(torch.from_numpy(IMAGES))
    np.testing.assert_allclose(features(backbone), 2 * pixels.mean(dim=(2, 3)), atol=1e-6)


def test_onnxruntime_is_asked_for_where_it_is_missing(monkeypatch, saved):
    monkeypatch.setattr(onnx_model.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"onnxruntime is not installed: pip install 'onnxruntim"):
        onnx_model.check(file=str(saved / "net.pt2"), **GIVEN)


@pytest.mark.extra("onnxruntime", "onnx")
def test_features_of_an_onnx_file_are_the_networks_own(tmp_path, network):
    image, file = torch.zeros(1, 3, SIZE, SIZE), tmp_path / "net.onnx"
    names = {"input_names": ["pixels"], "output_names": ["maps", "tokens", "pooled"]}
    torch.onnx.export(network, (image,), str(file), dynamo=False, **names)
    backbone = onnx_model.build(file=str(file), output="tokens", token="mean", **GIVEN)
    wanted = expected(network, backbone)[2]
    torch.testing.assert_close(torch.from_numpy(features(backbone)), wanted)
    file.write_text("no network, but words")
    with pytest.raises(InputError, match=r"not an ONNX file \(") as caught:
        onnx_model.check_known(file=str(file), **GIVEN)
    assert "\n" not in str(caught.value)


def test_embeddings_of_other_content_of_a_file_are_noticed(tmp_path):
    file, manifest = tmp_path / "net.ts", tmp_path / "manifest.json"
    entry = {"implementation": "torchscript-model", "options": {"file": str(file)}}
    file.write_bytes(b"weights")
    digest = wrapping.file_sha256(file)
    assert content_changed(entry, manifest, tmp_path) is None
    for made_of, why in (
        (f'{{"file_sha256": "{digest}"}}', None),
        ('{"file_sha256": "another"}', f"{file} has changed since"),
        ("{}", None),
        ("no JSON", None),
    ):
        manifest.write_text(made_of)
        assert content_changed(entry, manifest, tmp_path / "state") == why
    manifest.write_text(f'{{"file_sha256": "{digest}"}}')
    (tmp_path / "net.ts.data").write_bytes(b"more weights")
    assert content_changed(entry, manifest, tmp_path / "state") == f"{file} has changed since"
    file.unlink()
    assert content_changed(entry, manifest, tmp_path / "state") is None
    assert content_changed({"implementation": "precomputed"}, manifest, tmp_path) is None
